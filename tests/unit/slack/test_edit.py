"""A form built from a JSON Schema gives back exactly what a person meant, and nothing they did not touch."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.render.modals.edit import Arguments, Mistakes, block_id, edit, parse_edit
from escalation.action import Json
from tests.harness.block_kit import texts, view_problems
from tests.harness.oracles import accept_view
from tests.harness.views import ARGUMENTS, REQUEST, action_type, agent, request, view

SCHEMA: dict[str, Json] = {
    "type": "object",
    "required": ["text", "count", "ratio", "flag", "color", "day"],
    "properties": {
        "text": {"type": "string", "minLength": 2, "maxLength": 20},
        "count": {"type": "integer", "minimum": 1},
        "ratio": {"type": "number"},
        "flag": {"type": "boolean"},
        "color": {"enum": ["red", "green"]},
        "day": {"type": "string", "format": "date"},
        "lines": {"type": "array", "items": {"type": "object"}},
        "note": {"type": "string"},
        "fixed": {"const": 1},
    },
    "additionalProperties": False,
}
VALUES: dict[str, Json] = {
    "text": "hello",
    "count": 3,
    "ratio": 0.5,
    "flag": True,
    "color": "red",
    "day": "2026-11-22",
    "lines": [{"a": 1}],
    "note": "as it was",
}
TYPE = action_type(SCHEMA)


def form(values: dict[str, Json] = VALUES, schema: dict[str, Json] = SCHEMA) -> dict[str, Any]:
    drawn = edit(view(request(values), agent=agent(action_type(schema))))
    assert view_problems(drawn) == []
    accept_view(drawn)
    return dict(drawn)


def inputs(drawn: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {block["block_id"]: block for block in drawn["blocks"] if block["type"] == "input"}


def sent(drawn: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the state that Slack sends for *drawn* with some fields changed (``None``: emptied)."""
    return {name: {"value": _state(block["element"], changes, name)} for name, block in inputs(drawn).items()}


def _state(element: dict[str, Any], changes: dict[str, Any], name: str) -> dict[str, Any]:
    match element["type"]:
        case "plain_text_input":
            return {"value": changes.get(name, element.get("initial_value"))}
        case "datepicker":
            return {"selected_date": changes.get(name, element.get("initial_date"))}
        case _:
            initial = element.get("initial_option")
            return {"selected_option": {"value": changes[name]} if name in changes else initial}


def test_each_kind_of_value_has_its_input() -> None:
    """Text, number, yes or no, choice, day and JSON each get the input that suits them."""
    kinds = {name: block["element"]["type"] for name, block in inputs(form()).items()}
    assert kinds == {
        "text": "plain_text_input",
        "count": "plain_text_input",
        "ratio": "plain_text_input",
        "flag": "radio_buttons",
        "color": "static_select",
        "day": "datepicker",
        "lines": "plain_text_input",
        "note": "plain_text_input",
    }


def test_the_form_opens_with_the_values_and_the_schemas_bounds() -> None:
    """Initial values, required fields and lengths come from the arguments and the schema."""
    found = inputs(form())
    assert found["text"]["element"]["initial_value"] == "hello"
    assert (found["text"]["element"]["min_length"], found["text"]["element"]["max_length"]) == (2, 20)
    assert found["flag"]["element"]["initial_option"]["value"] == "0"
    assert found["day"]["element"]["initial_date"] == "2026-11-22"
    assert [name for name, block in found.items() if block["optional"]] == ["lines", "note"]


def test_metadata_is_the_id_alone() -> None:
    """Whoever reads the form's metadata learns an id and nothing more."""
    assert form()["private_metadata"] == REQUEST


def test_a_form_sent_back_untouched_changes_nothing() -> None:
    """Every value comes back as it was, type and all."""
    assert parse_edit(sent(form()), TYPE, VALUES) == Arguments(VALUES)


def test_a_client_that_sends_nothing_for_untouched_fields_changes_nothing_required() -> None:
    """A null for a required field means: as shown."""
    state = {name: {"value": {"value": None, "selected_option": None}} for name in ("text", "count", "flag")}
    assert parse_edit(state, TYPE, VALUES) == Arguments(VALUES)
    assert parse_edit({}, TYPE, VALUES) == Arguments(VALUES)


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("text", "bye", "bye"),
        ("count", "12", 12),
        ("count", " 12 ", 12),
        ("ratio", "1e3", 1000),
        ("ratio", "0.1", 0.1),
        ("flag", "1", False),
        ("color", "1", "green"),
        ("day", "2026-12-01", "2026-12-01"),
        ("lines", '[{"a": 2}]', [{"a": 2}]),
        ("note", "new", "new"),
    ],
)
def test_what_is_typed_is_what_comes_back(name: str, typed: str, value: Json) -> None:
    """Each input gives its value back in the schema's type."""
    assert parse_edit(sent(form(), **{name: typed}), TYPE, VALUES) == Arguments({**VALUES, name: value})


@pytest.mark.parametrize(
    ("name", "typed", "complaint"),
    [
        ("count", "twelve", "Write a number such as 12."),
        ("count", "1.5", "Write a whole number."),
        ("count", "0x10", "Write a number such as 12."),
        ("count", "NaN", "Write a number such as 12."),
        ("ratio", "0.12345678901234567890", "This has more digits than a number keeps."),
        ("ratio", "1e400", "This has more digits than a number keeps."),
        ("lines", "[1", "This has to be JSON"),
        ("lines", '{"a":1,"a":2}', "names 'a' twice"),
        ("color", "7", "Choose one of the options."),
        ("day", "tomorrow", "Write a date such as 2026-11-30."),
        ("count", "0", "less than the minimum"),
        ("text", "x", "too short"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field(name: str, typed: str, complaint: str) -> None:
    """A mistake is reported at the field that holds it, in words that say what to write."""
    found = parse_edit(sent(form(), **{name: typed}), TYPE, VALUES)
    assert isinstance(found, Mistakes)
    assert list(found.errors) == [block_id(name)]
    assert complaint in found.errors[name]


def test_an_optional_field_can_be_emptied() -> None:
    """An optional value that a person clears is gone."""
    kept = {name: value for name, value in VALUES.items() if name != "note"}
    assert parse_edit(sent(form(), note=None), TYPE, VALUES) == Arguments(kept)


@pytest.mark.parametrize("value", ["a\u202eb", " x", "x ", "y" * 3001, "a\r\nb", "a\u200b"])
def test_what_a_form_would_change_unasked_is_not_offered(value: str) -> None:
    """A value with invisible characters, blanks at an end, or too long stays as it is."""
    values = {**VALUES, "note": value}
    drawn = form(values)
    assert "note" not in inputs(drawn)
    assert any("note: stays as it is" in text for _, text in texts(drawn))
    forged = {**sent(drawn), "note": {"value": {"value": "forged"}}}
    assert parse_edit(forged, TYPE, values) == Arguments(values)


def test_money_keeps_its_digits() -> None:
    """An amount written as text keeps every digit; the schema's pattern is checked when it is sent."""
    type_ = action_type()
    drawn = edit(view())
    changed = parse_edit(sent(dict(drawn), amount="12.50"), type_, ARGUMENTS)
    assert changed == Arguments({**ARGUMENTS, "amount": "12.50"})
    wrong = parse_edit(sent(dict(drawn), amount="12,50"), type_, ARGUMENTS)
    assert isinstance(wrong, Mistakes)
    assert list(wrong.errors) == ["amount"]


def test_an_action_too_wide_for_a_form_says_so() -> None:
    """With more arguments than a form holds there is no form, but a way out."""
    values: dict[str, Json] = {f"a{number}": "x" for number in range(90)}
    drawn = form(values, {"type": "object"})
    assert "submit" not in drawn
    assert any("more than a form can hold" in text for _, text in texts(drawn))


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c.d", "_e"]),
        st.one_of(st.text(max_size=20), st.integers(-1000, 1000), st.booleans(), st.none(), st.floats(-5, 5)),
    )
)
def test_no_value_changes_by_being_looked_at(values: dict[str, Json]) -> None:
    """Whatever the values and however the schema reads, an untouched form gives them back."""
    values = {name: value for name, value in values.items() if "\0" not in str(value)}
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "number"}},
    }
    drawn = form(values, schema)
    anything_goes = replace(action_type(schema), misfit=lambda _: None)
    assert parse_edit(sent(drawn), anything_goes, values) == Arguments(values)
