"""Checks an action's schema, and that cards and rules speak of arguments that it has and pins down."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.config.argument_schema import faults, pinned
from bot.config.condition import looks
from bot.config.manifest import ActionShape, ManifestShape
from bot.config.problem import Problem, did_you_mean
from bot.config.yaml_document import Document, Path
from escalation.configuration import PLACES

#: The types of arguments that fit into a line.
_ONE_VALUE = frozenset({"string", "integer", "number", "boolean"})


def check_schemas(document: Document) -> Iterator[Problem]:
    """Yield what is wrong with the schemas in a manifest, whatever else is wrong with it."""
    actions = document.value.get("actions") if isinstance(document.value, dict) else None
    for type_, action in actions.items() if isinstance(actions, dict) else ():
        found = action.get("schema") if isinstance(action, dict) else None
        for fault in faults(found) if isinstance(found, dict) else ():
            yield document.problem(("actions", type_, "schema", *fault.path), fault.message, fault.advice)


def check_arguments(document: Document, shape: ManifestShape) -> Iterator[Problem]:
    """Yield where cards and rules go beyond the schemas, which have no faults."""
    for type_, action in shape.actions.items():
        path: Path = ("actions", type_)
        for key, names in (("display", action.display), ("redact", action.redact)):
            for index, name in enumerate(names):
                if name not in _properties(action):
                    message = f"is {name!r}, which is no argument"
                    yield document.problem(
                        (*path, key, index), message, did_you_mean(name, _properties(action))
                    )
        yield from _headed(document, path, action)
        yield from _looked_at(document, path, action)


def _headed(document: Document, path: Path, action: ActionShape) -> Iterator[Problem]:
    where = (*path, "title")
    for name in PLACES.findall(action.title or ""):
        value = _properties(action).get(name)
        if value is None:
            message = f"has {{{name}}}, which is no argument"
            yield document.problem(where, message, did_you_mean(name, _properties(action)))
        elif name in action.redact:
            yield document.problem(
                where, f"shows {name!r}, which is masked on cards", "take it out of the title"
            )
        elif not ("enum" in value or value.get("type") in _ONE_VALUE):
            yield document.problem(
                where, f"has {{{name}}}, which is not one value", "take it out of the title"
            )


def _looked_at(document: Document, path: Path, action: ActionShape) -> Iterator[Problem]:
    for index, rule in enumerate(action.rules):
        seen = looks("" if rule.when is None else rule.when.source)
        where = (*path, "rules", index, "when")
        for name in sorted(seen.arguments):
            if name not in _properties(action):
                advice = did_you_mean(name, _properties(action))
                yield document.problem(where, f"looks at {name!r}, which is no argument", advice)
                continue
            if (fault := pinned(_schema(action), name)) is not None:
                yield document.problem((*path, "schema", *fault.path), fault.message, fault.advice)
        yield from _as_text(document, where, action, names=seen.ordered)


def _as_text(
    document: Document, where: Path, action: ActionShape, *, names: frozenset[str]
) -> Iterator[Problem]:
    # As texts, "1000" comes before "50".
    for name in sorted(names & _properties(action).keys()):
        value = _properties(action)[name]
        if value.get("type") == "string" and value.get("format") != "date":
            message = f"compares {name!r} letter by letter: it is a text"
            yield document.problem(where, message, f"write decimal(args.{name})")


def _schema(action: ActionShape) -> Mapping[str, Any]:
    return action.schema_


def _properties(action: ActionShape) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = _schema(action)["properties"]
    return properties
