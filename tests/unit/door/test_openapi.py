"""The description of the API is complete in itself, and true of what the API does."""

import json
import re
from typing import Any

import jsonschema

from bot.api.models import RequestOut
from bot.api.openapi import document
from bot.api.problems import MEDIA_TYPE, Problem
from bot.api.routes import OPERATIONS
from tests.unit.house.repository import ROOT

DOCUMENT = document(OPERATIONS)
PAGE = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
PROPOSAL, QUESTION, ANSWER = (json.loads(found) for found in re.findall(r"(?ms)^```json\n(.+?)^```$", PAGE))


def described(path: str, method: str) -> dict[str, Any]:
    operation: dict[str, Any] = DOCUMENT["paths"][path][method]
    return operation


def fits(value: object, schema: dict[str, Any]) -> bool:
    """Return whether *value* fits *schema*, with the components of the document at hand."""
    whole = {**schema, "components": DOCUMENT["components"]}
    return jsonschema.Draft202012Validator(whole).is_valid(value)


def test_every_reference_has_its_schema() -> None:
    """Whoever generates a client finds each model that the document names."""
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))

    assert names == set(DOCUMENT["components"]["schemas"])


def test_what_the_page_shows_fits_the_document() -> None:
    """The page's proposal and question fit what is described; a decision that an agent adds does not."""
    schema = described("/v1/requests", "post")["requestBody"]["content"]["application/json"]["schema"]

    assert fits(PROPOSAL, schema)
    assert fits(QUESTION, schema)
    assert not fits({**PROPOSAL, "state": "approved"}, schema)


def test_a_refusal_is_described_as_it_is_sent() -> None:
    """What is wrong with a parameter comes as problem details, and fits their schema."""
    content = described("/v1/requests", "get")["responses"]["422"]["content"]
    sent = Problem("invalid", 422, "$.limit: too many.", {"path": "$.limit"}).reply()

    assert list(content) == [sent.media_type.decode()] == [MEDIA_TYPE.decode()]
    assert fits(json.loads(sent.body), content["application/problem+json"]["schema"])


def test_parameters_are_described_with_their_limits() -> None:
    """A client knows how long it may wait, how many it may ask for, and what is assumed."""
    (request_id, wait) = described("/v1/requests/{request_id}", "get")["parameters"]
    (_, _, limit) = described("/v1/requests", "get")["parameters"]

    assert (request_id["in"], request_id["required"]) == ("path", True)
    assert (wait["schema"]["maximum"], wait["schema"]["default"], wait["required"]) == (60, 0, False)
    assert (limit["schema"]["maximum"], limit["schema"]["default"]) == (100, 20)


def test_an_answer_is_described_member_by_member() -> None:
    """Each member of a request is required, so that a client can rely on it."""
    assert DOCUMENT["components"]["schemas"]["RequestOut"]["required"] == list(RequestOut.model_fields)
    assert fits(ANSWER, {"$ref": "#/components/schemas/RequestOut"})
