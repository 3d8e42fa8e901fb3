"""While one process runs an effect another one waits for it; a claim whose reply was lost is asked again."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from andon import Andon, GrantState, Mismatch, Outcome, OutcomeUnknown, Unreachable
from andon.attempts import MOST, Attempts
from andon.canonical import parse
from andon.errors import GrantClaimed
from andon.gate import MOST_OFTEN
from andon.testing import Script
from tests.unit.sdk.hostile import Hostile, lies, loses_the_reply, never_arrives, refuses
from tests.unit.sdk.ledger import CLAIM, POST, PROPOSED, REPORT, Book, client, post

LOOK = "GET /v1/grants/grt_[0-9]+"
BEAT = "POST /v1/grants/grt_[0-9]+/heartbeat"


class Slow:
    """An effect that is under way until told."""

    def __init__(self, andon: Andon, *, ending: Callable[[], str] = lambda: "entry 1") -> None:
        self.began, self.go_on, self.times = asyncio.Event(), asyncio.Event(), 0

        @andon.gated(POST)
        async def run(account: str) -> str:
            self.times += 1
            self.began.set()
            await self.go_on.wait()
            return ending()

        self.call = run


async def test_a_second_process_waits_for_the_first() -> None:
    """Who finds the claim held waits for its report, and returns the same result; the effect ran once."""
    script = Script().approve(POST)
    hostile = Hostile(script)
    first, second = Slow(client(script)), Slow(client(hostile))
    leading = asyncio.create_task(first.call("2100"))
    await first.began.wait()
    following = asyncio.create_task(second.call("2100"))
    while not hostile.calls(LOOK):
        await asyncio.sleep(0)
    assert not following.done()
    first.go_on.set()
    assert set(await asyncio.gather(leading, following)) == {"entry 1"}
    assert (first.times, second.times) == (1, 0)
    assert [grant.state for grant in script.reported] == [GrantState.SUCCEEDED]
    assert not hostile.calls(REPORT)


async def test_who_comes_second_to_the_claim_waits_too() -> None:
    """A process that saw the grant free and finds it claimed a moment later waits for the other one."""
    script = Script().approve(POST)
    first = Slow(client(script))
    leading = asyncio.create_task(first.call("2100"))
    await first.began.wait()

    def free(request: dict[str, Any]) -> None:
        request["grant"].update(state="granted", lease_until=None)

    hostile = Hostile(script).on("POST /v1/requests", lies(free))
    second = Slow(client(hostile))
    following = asyncio.create_task(second.call("2100"))
    while not hostile.calls(LOOK):
        await asyncio.sleep(0)
    first.go_on.set()
    assert set(await asyncio.gather(leading, following)) == {"entry 1"}
    assert second.times == 0
    assert len(hostile.calls(CLAIM)) == 1


async def test_nothing_else_is_waited_for() -> None:
    """A grant that became another one while it was waited for is no outcome of ours."""
    script = Script().approve(POST)
    request = await client(script).propose(POST, PROPOSED, summary="Post an entry to the ledger.")
    assert request.grant is not None
    await client(script).claim(request.grant.id, request.digest)

    def another(standing: dict[str, Any]) -> None:
        standing["grant"].update(digest="sha256:" + "0" * 64, state="succeeded", result="entry 9")

    book = Book()
    with pytest.raises(OutcomeUnknown) as caught:
        await post(book.gated(client(Hostile(script).on(LOOK, lies(another)))))
    assert isinstance(caught.value.__cause__, Mismatch)
    assert not book.entries


async def test_a_holder_that_came_back_is_not_given_up() -> None:
    """If the lease was renewed while we gave the holder up, the bot says so, and we wait again."""
    script = Script().approve(POST)
    first = Slow(client(script))
    leading = asyncio.create_task(first.call("2100"))
    await first.began.wait()

    def stale(standing: dict[str, Any]) -> None:
        standing["server_time"] = standing["grant"]["lease_until"]

    hostile = Hostile(script).on(LOOK, lies(stale))
    following = asyncio.create_task(Slow(client(hostile)).call("2100"))
    while len(hostile.calls(LOOK)) < 2:
        await asyncio.sleep(0)
    first.go_on.set()
    assert set(await asyncio.gather(leading, following)) == {"entry 1"}
    assert len(hostile.calls(REPORT)) == 1
    assert [grant.state for grant in script.reported] == [GrantState.SUCCEEDED]


def often(claim: dict[str, Any]) -> None:
    """Have heartbeats sent at once."""
    claim["heartbeat_seconds"] = 0.0


async def test_heartbeats_keep_the_lease_while_the_effect_runs() -> None:
    """They name the attempt that claimed, outlast a lost one, and end with the effect."""
    hostile = Hostile(Script().approve(POST)).on(CLAIM, lies(often)).on(BEAT, never_arrives)
    slow = Slow(client(hostile, patience=0.01))
    running = asyncio.create_task(slow.call("2100"))
    while len(hostile.calls(BEAT)) < 3:
        await asyncio.sleep(0.01)
    slow.go_on.set()
    assert await running == "entry 1"
    (claimed,) = hostile.calls(CLAIM)
    attempts = {_attempt(beat.content) for beat in hostile.calls(BEAT)}
    assert attempts == {_attempt(claimed.content)} == {_attempt(hostile.calls(REPORT)[0].content)}
    beaten = len(hostile.calls(BEAT))
    await asyncio.sleep(2 * MOST_OFTEN)
    assert len(hostile.calls(BEAT)) == beaten


async def test_a_refused_heartbeat_ends_them_and_not_the_effect() -> None:
    """Whoever was given up goes on to its report: the effect is under way."""
    hostile = Hostile(Script().approve(POST)).on(CLAIM, lies(often))
    hostile.on(BEAT, refuses("awaiting-person", 409))
    slow = Slow(client(hostile))
    running = asyncio.create_task(slow.call("2100"))
    while not hostile.calls(BEAT):
        await asyncio.sleep(0.01)
    slow.go_on.set()
    assert await running == "entry 1"
    assert len(hostile.calls(BEAT)) == 1


async def test_a_bot_without_leases_is_spoken_to_as_before() -> None:
    """An older bot, which refuses members it does not know, is told no attempt and sent no heartbeat."""

    def older(claim: dict[str, Any]) -> None:
        del claim["heartbeat_seconds"]

    hostile, book = Hostile(Script().approve(POST)).on(CLAIM, lies(older)), Book()
    assert await post(book.gated(client(hostile))) == "entry 1"
    assert parse(hostile.calls(REPORT)[0].content) == {"outcome": "succeeded", "result": "entry 1"}
    assert not hostile.calls(BEAT)


async def test_a_lost_claim_is_asked_for_again() -> None:
    """A claim without any reply is claimed again by the next call, as the same attempt; it runs once."""
    hostile, book = Hostile(Script().approve(POST)).on(CLAIM, loses_the_reply, times=2), Book()
    gated = book.gated(client(hostile, patience=0.0))
    for _ in range(2):
        with pytest.raises(Unreachable):
            await post(gated)
    assert not book.entries
    assert await post(gated) == "entry 1"
    assert len({_attempt(claim.content) for claim in hostile.calls(CLAIM)}) == 1
    assert [grant.state for grant in hostile.script.reported] == [GrantState.SUCCEEDED]
    assert await post(gated) == "entry 1"
    assert len(book.entries) == 1


async def test_a_lost_claim_of_another_process_is_not_ours() -> None:
    """Only the process whose reply was lost claims again; another one waits, and then nobody runs it."""
    script, book = Script().approve(POST), Book()
    with pytest.raises(Unreachable):
        await post(book.gated(client(Hostile(script).on(CLAIM, loses_the_reply), patience=0.0)))
    script.passes(seconds=30)
    with pytest.raises(OutcomeUnknown):
        await post(book.gated(client(script)))
    assert not book.entries


async def test_a_lost_claim_that_comes_too_late_runs_nothing() -> None:
    """When the lost claim counts as unknown meanwhile, or as another's, asking again is no."""
    for name, error in (("awaiting-person", OutcomeUnknown), ("grant-claimed", OutcomeUnknown)):
        hostile, book = Hostile(Script().approve(POST)).on(CLAIM, loses_the_reply), Book()
        gated = book.gated(client(hostile, patience=0.0))
        with pytest.raises(Unreachable):
            await post(gated)
        hostile.on(CLAIM, refuses(name, 409))
        hostile.script.passes(seconds=30)
        with pytest.raises(error):
            await post(gated)
        assert not book.entries


async def test_the_script_keeps_leases() -> None:
    """A bystander says unknown once the lease has run out, and nothing else; heartbeats renew it."""
    script = Script().approve(POST)
    andon = client(script)
    grant = (await andon.propose(POST, PROPOSED, summary="s")).grant
    assert grant is not None
    claim = await andon.claim(grant.id, grant.digest, attempt="one")
    script.passes(seconds=20)
    renewed = await andon.renew(grant.id, attempt="one")
    assert claim.grant.lease_until is not None
    assert renewed.lease_until is not None
    assert (renewed.lease_until - claim.grant.lease_until).total_seconds() == 20
    with pytest.raises(GrantClaimed):
        await andon.renew(grant.id, attempt="two")
    for outcome in (Outcome.SUCCEEDED, Outcome.UNKNOWN):
        with pytest.raises(GrantClaimed):
            await andon.report(grant.id, outcome, attempt="two")
    script.passes(seconds=30)
    assert (await andon.wait_for_report(grant.id)).state is GrantState.CLAIMED
    assert (await andon.report(grant.id, Outcome.UNKNOWN, attempt="two")).state is GrantState.UNKNOWN


def test_attempts_are_forgotten_in_the_end() -> None:
    """However many claims are lost, so many are kept; the oldest, whose grants are over, go first."""
    attempts = Attempts()
    for number in range(MOST + 1):
        attempts.of(f"grt_{number}")
    assert not attempts.is_unanswered("grt_0")
    assert attempts.is_unanswered("grt_1")
    assert attempts.of("grt_1") == attempts.of("grt_1")


def _attempt(content: bytes) -> object:
    body = parse(content)
    assert isinstance(body, dict)
    return body["attempt"]
