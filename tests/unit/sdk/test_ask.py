"""Questions are answered by people or not at all."""

import pytest

from andon import Rejected, TimedOut
from andon.testing import Script
from tests.unit.sdk.hostile import Hostile, loses_the_reply
from tests.unit.sdk.ledger import PUT, RUN, client


async def test_an_option_is_the_answer() -> None:
    """The answer is the option a person chose, and the question is sent with all its words."""
    script = Script().answer("PO-77")
    answer = await client(script).ask(
        "Which order?", options=["PO-77", "PO-78"], confidence=0.41, tried="the ledger", reasoning="both fit"
    )
    assert answer == "PO-77"
    assert script.asked[0].payload == {
        "kind": "question",
        "question": "Which order?",
        "options": ["PO-77", "PO-78"],
        "allow_text": False,
        "tried": "the ledger",
        "reasoning": "both fit",
        "confidence": 0.41,
        "evidence": [],
        "workflow": RUN,
        "trace": None,
    }


async def test_text_where_allowed() -> None:
    """A free answer is passed on where text is allowed."""
    assert await client(Script().answer("neither")).ask("Which?", options=["a"], allow_text=True) == "neither"


async def test_silence_is_no_answer() -> None:
    """A question that times out, or is rejected, raises."""
    with pytest.raises(TimedOut):
        await client(Script().time_out()).ask("Which?", options=["a"])
    with pytest.raises(Rejected):
        await client(Script()).ask("Which?", options=["a"])


async def test_a_crashed_run_asks_once() -> None:
    """The same question in the same workflow is the same request; other options make another."""
    script = Script().answer("a").answer("b")
    for _ in range(2):
        assert await client(Hostile(script).on(PUT, loses_the_reply)).ask("Which?", options=["a", "b"]) == "a"
    assert await client(script).ask("Which?", options=["b", "c"]) == "b"
    assert len(script.asked) == 2


async def test_one_string_is_not_a_list_of_options() -> None:
    """Options given as one string are refused rather than spelt letter by letter."""
    with pytest.raises(TypeError, match="list"):
        await client(Script()).ask("Which?", options="PO-77")
