"""Describes the API in OpenAPI 3.1, from the operations and the models that they take and return."""

import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from bot.api.call import Operation, Parameter
from bot.api.models import ProblemOut
from bot.api.problems import MEDIA_TYPE

_REF: Final = "#/components/schemas/{model}"
_IN_PATH: Final = re.compile(r"\{(\w+)\}")
#: A header that is repeated, no key, a row that cannot be read, a database that is away.
_ANYWHERE: Final = {400, 401, 500, 503}
#: Too large, not JSON, not what is described.
_OF_A_BODY: Final = {413, 415, 422}
_SECURITY: Final = {
    "HTTPBearer": {
        "type": "http",
        "description": "An agent's key, made by `andon keys create`.",
        "scheme": "bearer",
    }
}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the description of *operations*."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Andon", "summary": "Ask people before you act.", "version": "1"},
        "paths": paths,
        "components": {"schemas": _schemas(operations), "securitySchemes": _SECURITY},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    name, method = operation.run.__name__, operation.method.lower()
    parameters = [*_in_path(operation.path), *map(_parameter, operation.parameters)]
    described: dict[str, Any] = {
        "tags": ["agents"],
        "summary": name.replace("_", " ").title(),
        "description": operation.run.__doc__,
        "operationId": re.sub(r"\W", "_", f"{name}{operation.path}_{method}"),
        "security": [{"HTTPBearer": []}],
        "responses": _responses(operation),
    }
    if parameters:
        described["parameters"] = parameters
    if operation.takes is not None:
        schema = _schema(operation.takes)
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    good = _content("Successful Response", operation.returns.__name__)
    statuses = {*_ANYWHERE, *operation.refuses}
    statuses |= {422} if operation.parameters or "{" in operation.path else set()
    statuses |= _OF_A_BODY if operation.takes is not None else set()
    described = {str(status): good for status in (operation.again, operation.status) if status is not None}
    for status in sorted(statuses):
        said = "Validation Error" if status == HTTPStatus.UNPROCESSABLE_ENTITY else HTTPStatus(status).phrase
        described[str(status)] = _content(said, ProblemOut.__name__, MEDIA_TYPE.decode())
    return described


def _in_path(path: str) -> Iterator[dict[str, Any]]:
    for name in _IN_PATH.findall(path):
        schema = {"type": "string", "title": _title(name)}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _parameter(parameter: Parameter[Any]) -> dict[str, Any]:
    schema = {**_schema(parameter.type), "title": _title(parameter.name)}
    if parameter.default is not None:
        schema["default"] = parameter.default
    return {"name": parameter.name, "in": parameter.place, "required": False, "schema": schema}


def _content(description: str, model: str, media_type: str = "application/json") -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=model)}
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _schema(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    return {word: value for word, value in adapter.json_schema(ref_template=_REF).items() if word != "$defs"}


def _schemas(operations: Sequence[Operation]) -> dict[str, Any]:
    returned = {operation.returns for operation in operations} | {ProblemOut}
    inputs = (each.takes.json_schema(ref_template=_REF) for each in operations if each.takes is not None)
    _, found = models_json_schema([(model, "serialization") for model in returned], ref_template=_REF)
    schemas: dict[str, Any] = dict(found["$defs"])
    for schema in inputs:
        schemas |= schema.get("$defs", {})
    return dict(sorted(schemas.items()))


def _title(name: str) -> str:
    return name.replace("_", " ").title()
