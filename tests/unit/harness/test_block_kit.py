"""The limits checker finds each limit of Slack's when it is passed by one, and not before."""

from typing import Any

import pytest

from tests.harness.block_kit import message_problems, view_problems


def plain(size: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": "x" * size}


def section(size: int = 1) -> dict[str, Any]:
    return {"type": "section", "text": plain(size)}


def button(number: int = 0, *, text: int = 1, value: int = 1) -> dict[str, Any]:
    return {"type": "button", "action_id": f"a{number}", "text": plain(text), "value": "v" * value}


def acting(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def menu(kind: str, options: int, *, text: int = 1) -> dict[str, Any]:
    found = [{"text": plain(text), "value": str(number)} for number in range(options)]
    return {"type": kind, "action_id": "m", "options": found}


def modal(**changes: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain(24), "blocks": [section()], **changes}


AT_THE_LIMIT: list[tuple[Any, Any]] = [
    ([section()] * 50, [section()] * 51),
    ([section(3000)], [section(3001)]),
    ([{"type": "section", "fields": [plain(2000)] * 10}], [{"type": "section", "fields": [plain(2001)]}]),
    ([{"type": "section", "fields": [plain(1)]}], [{"type": "section", "fields": [plain(1)] * 11}]),
    ([{"type": "header", "text": plain(150)}], [{"type": "header", "text": plain(151)}]),
    ([{"type": "context", "elements": [plain(1)] * 10}], [{"type": "context", "elements": [plain(1)] * 11}]),
    ([acting(*map(button, range(25)))], [acting(*map(button, range(26)))]),
    ([acting(button(text=75))], [acting(button(text=76))]),
    ([acting(button(value=2000))], [acting(button(value=2001))]),
    ([acting(menu("overflow", 5))], [acting(menu("overflow", 6))]),
    ([acting(menu("static_select", 100))], [acting(menu("static_select", 101))]),
    ([acting(menu("static_select", 1, text=75))], [acting(menu("static_select", 1, text=76))]),
    ([acting(button(0), button(1))], [acting(button(0), button(0))]),
    ([{**section(), "block_id": "b" * 255}], [{**section(), "block_id": "b" * 256}]),
    ([{"type": "divider"}], [{"type": "fancy"}]),
    ([{"type": "section", "text": {"type": "plain_text", "text": "🙂" * 1500}}],
     [{"type": "section", "text": {"type": "plain_text", "text": "🙂" * 1501}}]),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad"), AT_THE_LIMIT)
def test_one_more_is_too_much(good: Any, bad: Any) -> None:
    """At the limit there is no problem; beyond it there is."""
    assert message_problems({"text": "t", "blocks": good}) == []
    assert message_problems({"text": "t", "blocks": bad}) != []


def test_a_message_needs_a_text_that_is_not_too_long() -> None:
    """No text or too much of it is a problem, whatever the blocks."""
    assert message_problems({"text": "t" * 3000, "blocks": []}) == []
    assert message_problems({"text": "t" * 3001, "blocks": []}) != []
    assert message_problems({"text": "", "blocks": [section()]}) != []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (modal(), modal(title=plain(25))),
        (modal(blocks=[section()] * 100), modal(blocks=[section()] * 101)),
        (modal(private_metadata="x" * 3000), modal(private_metadata="x" * 3001)),
        (modal(submit=plain(24)), modal(submit=plain(25))),
        ({"type": "home", "blocks": [section()]}, {"type": "page", "blocks": [section()]}),
    ],
)
def test_views_have_limits_too(good: Any, bad: Any) -> None:
    """At the limit there is no problem; beyond it there is."""
    assert view_problems(good) == []
    assert view_problems(bad) != []


def test_a_form_needs_a_submit_button() -> None:
    """Inputs without a submit button are refused."""
    entry = {
        "type": "input",
        "block_id": "b",
        "label": plain(1),
        "element": {"type": "plain_text_input", "action_id": "a"},
    }
    assert view_problems(modal(blocks=[entry], submit=plain(1))) == []
    assert view_problems(modal(blocks=[entry])) != []
