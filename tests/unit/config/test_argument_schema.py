"""The schema decides what can be proposed at all: exactly, as people read it, without telling values."""

from typing import Any

import pytest

from bot.config.argument_schema import pinned
from bot.config.argument_validator import misfit
from escalation.action import Json

_OBJECT: dict[str, Any] = {"type": "object", "additionalProperties": False}


def check(schema: dict[str, Any], value: Json) -> str | None:
    """Return where and what is wrong with *value* as the one argument ``x``."""
    whole = {**_OBJECT, "required": ["x"], "properties": {"x": schema}}
    found = misfit(whole)({"x": value})
    return None if found is None else f"{found.path} {found.problem}"


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        ({"type": "string", "maxLength": 3}, "abc", None),
        ({"type": "string", "maxLength": 3}, "abcd", "$.x does not keep to maxLength: 3"),
        ({"type": "string", "maxLength": 3}, 7, "$.x is not of type string"),
        ({"type": ["string", "null"], "maxLength": 3}, None, None),
        ({"type": ["string", "null"], "maxLength": 3}, 7, "$.x is not of type string or null"),
        ({"type": "string", "enum": ["a", "b"]}, "c", "$.x is none of a, b"),
        ({"type": "string", "const": "a"}, "c", "$.x does not keep to const: a"),
        ({"type": "string", "format": "date"}, "2026-02-28", None),
        ({"type": "string", "format": "date"}, "2026-02-30", "$.x does not keep to format: date"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, 0, "$.x does not keep to minimum: 1"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, True, "$.x is not of type integer"),
        ({"anyOf": [{"type": "boolean"}]}, "x", "$.x fits none of its forms, or more than one"),
        ({"oneOf": [{"type": "boolean"}] * 2}, True, "$.x fits none of its forms, or more than one"),
        (
            {**_OBJECT, "properties": {"a": {"type": "boolean"}}},
            {"b": 1},
            "$.x has 'b', which the schema does not know",
        ),
        ({**_OBJECT, "required": ["a"], "properties": {"a": {"type": "boolean"}}}, {}, "$.x lacks 'a'"),
        (
            {"type": "array", "maxItems": 2, "items": {"type": "boolean"}},
            [True, 7],
            "$.x[1] is not of type boolean",
        ),
    ],
)
def test_a_misfit_is_told_with_its_place(schema: dict[str, Any], value: Json, told: str | None) -> None:
    """What does not fit is told by the limit that it breaks, at its path."""
    assert check(schema, value) == told


@pytest.mark.parametrize("value", ["50\n", "\n50", "٥٠", "５０", "50 "])
def test_digits_are_digits_to_the_end(value: str) -> None:
    """A pattern of digits takes ASCII digits, with nothing after them: not even a line feed."""
    assert check({"type": "string", "pattern": "^[0-9]+$"}, "50") is None
    assert check({"type": "string", "pattern": r"^\d+$"}, "50") is None
    assert check({"type": "string", "pattern": "^[0-9]+$"}, value) == "$.x does not match ^[0-9]+$"
    assert check({"type": "string", "pattern": r"^\d+$"}, value) is not None


def test_an_escaped_dollar_is_a_dollar() -> None:
    """A pattern that ends in a dollar sign of its text keeps it."""
    assert check({"type": "string", "pattern": r"^a\$"}, "a$") is None
    assert check({"type": "string", "pattern": r"^a\\$"}, "a\\") is None
    assert check({"type": "string", "pattern": r"^a\\$"}, "a\\\n") is not None


def test_a_value_is_never_told() -> None:
    """What was sent may be a secret; the answer holds the schema's words alone."""
    for schema in (
        {"type": "string", "maxLength": 3},
        {"type": "string", "pattern": "^a$"},
        {"type": "integer", "minimum": 1, "maximum": 2},
        {"type": "string", "enum": ["a"]},
    ):
        assert "hunter2" not in str(check(schema, "hunter2"))


def test_the_first_misfit_is_always_the_same() -> None:
    """Of several misfits the same one is told every time."""
    schema = {**_OBJECT, "required": ["a", "b"], "properties": {name: {"type": "boolean"} for name in "ab"}}

    assert {str(misfit(schema)({"a": 1, "b": 2})) for _ in range(5)} == {
        str(misfit(schema)({"b": 2, "a": 1}))
    }


@pytest.mark.parametrize(
    ("schema", "is_pinned"),
    [
        ({"type": "string", "pattern": "^[0-9]{1,9}$"}, True),
        ({"type": "string", "pattern": r"^[0-9]{1,9}$(?!\n)"}, True),
        ({"type": "string", "pattern": "^(?:a|b)$"}, True),
        ({"type": "string", "pattern": "^[|]$"}, True),
        ({"type": "string", "pattern": r"^\|\($"}, True),
        ({"type": "string", "pattern": "^a|b$"}, False),
        ({"type": "string", "pattern": "^a$|^b$"}, False),
        ({"type": "string", "pattern": "a$"}, False),
        ({"type": "string", "pattern": "^a"}, False),
        ({"type": "string", "pattern": r"^a\$"}, False),
        ({"type": "string", "pattern": r"^a\\$"}, True),
        ({"type": "string", "maxLength": 9}, False),
        ({"type": "string", "enum": ["a"]}, True),
        ({"type": "string", "const": "a"}, True),
        ({"type": "string", "format": "date"}, True),
        ({"type": "integer", "minimum": 0, "maximum": 9}, True),
        ({"type": ["string", "integer"]}, False),
        ({"anyOf": [{"type": "boolean"}]}, False),
    ],
)
def test_what_a_rule_looks_at_is_pinned(schema: dict[str, Any], is_pinned: bool) -> None:  # noqa: FBT001 - a column
    """A rule may look at what is of one type and, as a text, of one form from end to end."""
    assert (pinned({"properties": {"x": schema}}, "x") is None) is is_pinned
