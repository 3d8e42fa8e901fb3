"""What a second run finds when the first one crashed: nothing is ever run twice without a person."""

from decimal import Decimal
from typing import Any

import pytest

from andon import AlreadyFailed, GrantState, Mismatch, Outcome, OutcomeUnknown, TimedOut
from andon.errors import KeyReused
from andon.testing import Script
from tests.unit.sdk.hostile import Hostile, lies, never_arrives, refuses
from tests.unit.sdk.ledger import CLAIM, POST, PROPOSED, REPORT, RUN, Book, client, post


async def test_crashed_while_people_thought() -> None:
    """A run that died before its claim is taken up: the same request, one effect."""
    script, book = Script().approve(POST), Book()
    await client(script).propose(
        POST, PROPOSED, summary="Post an entry to the ledger."
    )  # and here the first run dies
    assert await post(book.gated(client(script))) == "entry 1"
    assert len(script.asked) == 1
    assert len(book.entries) == 1


async def test_crashed_after_the_report() -> None:
    """A run after a reported success returns the recorded result and runs nothing."""
    script, first, second = Script().approve(POST), Book(), Book()
    assert await post(first.gated(client(script))) == "entry 1"
    assert await post(second.gated(client(script))) == "entry 1"
    assert not second.entries
    assert len(script.asked) == 1


async def test_crashed_between_claim_and_report() -> None:
    """A run that finds its predecessor's claim, held no longer, reports unknown and never runs the effect."""
    script, book = Script().approve(POST), Book()
    await _die_after_claim(script)
    script.passes(seconds=30)
    gated = book.gated(client(script))
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await post(gated)
    assert not book.entries
    assert [grant.state for grant in script.reported] == [GrantState.UNKNOWN]


async def test_the_predecessor_was_alive() -> None:
    """If the claim we found open was reported while we looked, its outcome is the answer."""
    script, book = Script().approve(POST), Book()
    await _die_after_claim(script)
    await client(script).report("grt_1", Outcome.SUCCEEDED, result="entry 7")
    script.passes(minutes=1)

    def stale(request: dict[str, Any]) -> None:
        request["grant"].update(state="claimed", result=None)

    hostile = Hostile(script).on("POST /v1/requests", lies(stale))
    assert await post(book.gated(client(hostile))) == "entry 7"
    assert not book.entries


async def test_an_open_claim_is_not_run_when_the_bot_goes_away() -> None:
    """An open claim that cannot even be reported unknown is still not run."""
    script, book = Script().approve(POST), Book()
    await _die_after_claim(script)
    script.passes(seconds=30)
    hostile = Hostile(script).on(REPORT, never_arrives, times=100)
    with pytest.raises(OutcomeUnknown):
        await post(book.gated(client(hostile, patience=0.1)))
    assert not book.entries


async def test_failed_before() -> None:
    """A run after a reported failure raises and runs nothing; another key asks people again."""
    script, book = Script().approve(POST).approve(POST), Book(raises=ValueError("no"))
    gated = book.gated(client(script))
    with pytest.raises(ValueError, match="no"):
        await post(gated)
    with pytest.raises(AlreadyFailed, match="key="):
        await post(gated)
    assert len(book.entries) == 1
    book.raises = None
    assert await post(gated.asking(key="second-try")) == "entry 2"


async def test_a_result_nobody_recorded_is_not_made_up() -> None:
    """A success whose result could not be recorded is not repeated and not replayed as something else."""
    script = Script().approve(POST)
    ran = []

    @client(script).gated(POST)
    async def export(account: str) -> dict[str, str]:
        ran.append(account)
        return {"rows": "x" * 70_000}

    assert len((await export("2100"))["rows"]) == 70_000
    with pytest.raises(Mismatch, match="not recorded"):
        await export("2100")
    assert ran == ["2100"]
    assert script.reported[0].state is GrantState.SUCCEEDED


async def test_a_result_the_bot_refuses_is_left_out() -> None:
    """When only the result is refused, the outcome is still reported."""
    hostile, book = Hostile(Script().approve(POST)).on(REPORT, refuses("invalid", 422)), Book()
    assert await post(book.gated(client(hostile))) == "entry 1"
    assert hostile.script.reported[0].state is GrantState.SUCCEEDED


async def test_a_recorded_result_of_another_type_is_refused() -> None:
    """A recorded result that does not fit the function's annotation is not passed on."""
    script = Script().approve(POST)
    await post(Book().gated(client(script)))

    @client(script).gated(POST)
    async def post_again(account: str, amount: Decimal, currency: str, memo: str) -> int:
        """Post an entry to the ledger."""
        return len(account + currency + memo) * int(amount)

    with pytest.raises(Mismatch, match="return"):
        await post_again("2100", Decimal("1250.00"), "OMR", "bank fee")


async def test_workflows_do_not_share_keys() -> None:
    """The default key is the workflow and the action, in whatever words; another action is refused loudly."""
    script = Script().approve(POST)
    andon = client(script)
    await andon.propose(POST, PROPOSED, summary="one")
    key = script.asked[0].key
    assert key == f"{RUN}:" + (await andon.request("req_1")).digest.removeprefix("sha256:")
    again = await andon.propose(POST, PROPOSED, summary="two")
    assert (again.id, len(script.asked)) == ("req_1", 1)
    await andon.propose(POST, PROPOSED, summary="one", key="fee")
    with pytest.raises(KeyReused, match="give each its own"):
        await andon.propose(POST, {**PROPOSED, "memo": "Another"}, summary="one", key="fee")


async def test_a_person_may_ask_again() -> None:
    """A request that timed out and was asked again by a person leads to the new one, for the same action."""
    script, book = Script().time_out(POST).approve(POST), Book()
    andon = client(script)
    with pytest.raises(TimedOut):
        await post(book.gated(andon))
    await andon.propose(POST, PROPOSED, summary="again", key="asked-by-a-person")

    def followed(request: dict[str, Any]) -> None:
        request["follow"] = "req_2"

    hostile = Hostile(script).on("POST /v1/requests", lies(followed))
    assert await post(book.gated(client(hostile))) == "entry 1"
    assert [grant.id for grant in script.reported] == ["grt_2"]
    assert len(hostile.calls(CLAIM)) == 1


async def _die_after_claim(script: Script) -> None:
    andon = client(script)
    request = await andon.propose(POST, PROPOSED, summary="Post an entry to the ledger.")
    assert request.grant is not None
    await andon.claim(request.grant.id, request.digest)
