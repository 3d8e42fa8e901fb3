"""When the network fails: the same call again for a while, then no."""

import asyncio
import logging

import pytest

from andon import GrantState, Mismatch, Outcome, OutcomeUnknown, Problem, Request, State, Unreachable
from andon.errors import AlreadySettled, Forbidden, OverCap, Unauthenticated
from andon.testing import Script
from tests.unit.sdk.hostile import (
    Hostile,
    Trick,
    answers,
    lies,
    loses_the_reply,
    never_answers,
    never_arrives,
    refuses,
)
from tests.unit.sdk.ledger import CLAIM, GET, KEY, POST, PROPOSED, PUT, REPORT, Book, client, post

UNAVAILABLE = refuses("unavailable", 503)


@pytest.mark.parametrize("where", [PUT, GET, CLAIM, REPORT])
@pytest.mark.parametrize("trick", [never_arrives, loses_the_reply, UNAVAILABLE, answers(200, text="<html>")])
async def test_one_lost_call_is_repeated(where: str, trick: Trick) -> None:
    """A call that fails once, heard or not, is repeated; the effect runs and is reported once."""
    hostile, book = Hostile(Script().approve(POST)).on(where, trick), Book()
    assert await post(book.gated(client(hostile))) == "entry 1"
    assert len(book.entries) == 1
    assert len(hostile.script.asked) == 1
    assert [grant.state for grant in hostile.script.reported] == [GrantState.SUCCEEDED]


@pytest.mark.parametrize("where", [PUT, CLAIM])
async def test_a_repeated_call_is_the_same_call(where: str) -> None:
    """A repeated proposal has the same key, a repeated claim the same attempt, byte for byte."""
    hostile = Hostile(Script().approve(POST)).on(where, loses_the_reply)
    await post(Book().gated(client(hostile)))
    first, second = hostile.calls(where)
    assert first.content == second.content
    assert first.headers.get("Idempotency-Key") == second.headers.get("Idempotency-Key")


@pytest.mark.parametrize("where", [PUT, GET, CLAIM])
@pytest.mark.parametrize("trick", [never_arrives, loses_the_reply, UNAVAILABLE, answers(502, text="Bad")])
async def test_away_means_no(where: str, trick: Trick) -> None:
    """A bot that stays away before the claim is answered means that nothing runs."""
    hostile, book = Hostile(Script().approve(POST)).on(where, trick, times=100), Book()
    with pytest.raises(Unreachable, match=r"http://bot\.test"):
        await post(book.gated(client(hostile, patience=0.3)))
    assert not book.entries
    assert len(hostile.calls(where)) > 1


async def test_a_claim_whose_reply_never_came_is_not_run_later() -> None:
    """When the claim was taken but never confirmed, the next run reports unknown rather than act."""
    hostile, book = Hostile(Script().approve(POST)).on(CLAIM, loses_the_reply, times=100), Book()
    with pytest.raises(Unreachable):
        await post(book.gated(client(hostile, patience=0.1)))
    with pytest.raises(OutcomeUnknown):
        await post(book.gated(client(hostile.script)))
    assert not book.entries


async def test_a_slow_answer_is_a_lost_one() -> None:
    """A try is limited as a whole; the next one finds what the first one did."""
    hostile, book = Hostile(Script().approve(POST)).on(CLAIM, never_answers), Book()
    async with asyncio.timeout(3):
        assert await post(book.gated(client(hostile, timeout=0.1))) == "entry 1"
    assert len(book.entries) == 1


@pytest.mark.parametrize("times", [1, 100])
async def test_the_bot_says_when_to_come_back(times: int) -> None:
    """Retry-After is waited for, and when it is beyond patience the answer is no at once."""
    busy = answers(503, headers={"Retry-After": "1"})
    hostile = Hostile(Script().approve(POST)).on(PUT, busy, times=times)
    clock = asyncio.get_running_loop().time
    began = clock()
    if times == 1:
        await post(Book().gated(client(hostile, patience=3)))
        assert clock() - began >= 1
    else:
        with pytest.raises(Unreachable):
            await post(Book().gated(client(hostile, patience=0.9)))
        assert clock() - began < 0.9
        assert len(hostile.calls(PUT)) == 1


async def test_over_the_cap_is_tried_again_and_then_said() -> None:
    """Too many asks are repeated like an absence, and in the end named for what they are."""
    over = refuses("over-cap", 429)
    hostile = Hostile(Script().approve(POST)).on(PUT, over)
    await post(Book().gated(client(hostile)))
    hostile = Hostile(Script().approve(POST)).on(PUT, over, times=100)
    with pytest.raises(OverCap):
        await post(Book().gated(client(hostile, patience=0.1)))


async def test_a_refusal_is_not_repeated() -> None:
    """A problem is an answer: it is raised at once with everything the bot said."""
    hostile = Hostile(Script()).on(PUT, refuses("arguments-invalid", 422, path="amount"))
    with pytest.raises(Problem) as caught:
        await post(Book().gated(client(hostile)))
    assert (caught.value.status, caught.value.type) == (422, "urn:andon:problem:arguments-invalid")
    assert caught.value.members["path"] == "amount"
    assert len(hostile.seen) == 1


async def test_a_proxys_page_is_a_refusal_by_its_status() -> None:
    """A refusal without a problem's body is typed by its status; a redirect is never followed."""
    hostile = Hostile(Script()).on(PUT, answers(403, text="<html>"))
    hostile.on(PUT, answers(302, headers={"Location": "http://evil.test"}))
    with pytest.raises(Forbidden):
        await post(Book().gated(client(hostile)))
    with pytest.raises(Problem) as caught:
        await post(Book().gated(client(hostile)))
    assert caught.value.status == 302
    assert all(request.url.host == "bot.test" for request in hostile.seen)


async def test_the_key_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    """No error, message, log line or repr holds the agent's key, even when something echoes it."""
    caplog.set_level(logging.DEBUG)
    echo = refuses("unauthenticated", 401, detail=f"bad key {KEY}", seen={KEY: [KEY]})
    hostile = Hostile(Script()).on(PUT, never_arrives).on(PUT, answers(500, text=KEY)).on(PUT, echo)
    andon = client(hostile, patience=5)
    with pytest.raises(Unauthenticated) as caught:
        await post(Book().gated(andon))
    shown = f"{caught.value!r} {caught.value} {vars(caught.value)} {andon!r} {vars(andon)} {caplog.text}"
    assert "[key]" in shown
    assert "k" * 43 not in shown


async def test_an_unreported_success_is_not_called_one() -> None:
    """When the effect ran and the report is lost for good, the caller hears so and keeps the result."""
    hostile, book = Hostile(Script().approve(POST)).on(REPORT, never_arrives, times=100), Book()
    with pytest.raises(OutcomeUnknown, match="never run it again") as caught:
        await post(book.gated(client(hostile, patience=0.1)))
    assert caught.value.result == "entry 1"
    with pytest.raises(OutcomeUnknown):
        await post(book.gated(client(hostile.script)))
    assert len(book.entries) == 1


async def test_an_undelivered_report_ends_as_unknown() -> None:
    """If the bot comes back just after patience ended, it hears unknown."""
    hostile, book = Hostile(Script().approve(POST)).on(REPORT, refuses("forbidden", 403)), Book()
    with pytest.raises(OutcomeUnknown):
        await post(book.gated(client(hostile)))
    assert [grant.state for grant in hostile.script.reported] == [GrantState.UNKNOWN]


async def test_an_unreported_failure_still_raises_the_failure() -> None:
    """The caller gets the effect's own error, with a note that the bot was not told."""
    hostile = Hostile(Script().approve(POST)).on(REPORT, never_arrives, times=100)
    with pytest.raises(ValueError, match="no") as caught:
        await post(Book(raises=ValueError("no")).gated(client(hostile, patience=0.1)))
    assert "could not be told" in caught.value.__notes__[0]


async def test_polling_goes_on_while_people_think() -> None:
    """A pending request is polled again, not too fast, until it settles."""
    pending = lies(lambda request: request.update(state="pending", grant=None))
    hostile, book = Hostile(Script().approve(POST)).on(GET, pending, times=2), Book()
    began = asyncio.get_running_loop().time()
    await post(book.gated(client(hostile)))
    assert len(hostile.calls(GET)) == 3
    assert hostile.calls(GET)[0].url.params["wait"] == "30"
    assert asyncio.get_running_loop().time() - began >= 0.4


async def test_an_answer_of_another_shape_is_refused() -> None:
    """JSON that is not of the contract is a contradiction, not something to guess about."""
    hostile = Hostile(Script()).on(PUT, answers(200, text='{"id": 1}'))
    with pytest.raises(Mismatch, match="Request"):
        await post(Book().gated(client(hostile)))


async def test_cancelling_twice_is_cancelling_once() -> None:
    """A cancel whose reply was lost succeeds; one that lost against a decision says so."""
    hostile = Hostile(Script().approve(POST)).on(GET, never_answers).on("POST .*/cancel", loses_the_reply)
    hostile.on(GET, lies(lambda request: request.update(state="cancelled", grant=None)))
    andon = client(hostile)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await andon.propose(POST, PROPOSED, summary="walks away")
    assert (await andon.cancel("req_1", reason="no need")).state is State.CANCELLED


async def test_a_decided_request_cannot_be_cancelled() -> None:
    """A cancel that lost against a decision says so."""
    andon = client(Script().approve(POST))
    settled = await andon.propose(POST, PROPOSED, summary="s")
    with pytest.raises(AlreadySettled):
        await andon.cancel(settled.id)


async def test_the_lower_level() -> None:
    """Requests can be looked at, waited for, listed by page and state; a heartbeat tells of the switch."""
    script = Script().approve(POST)
    andon = client(script)
    approved = await andon.propose(POST, PROPOSED, summary="s", key="a")
    rejected = await andon.propose(POST, PROPOSED, summary="s", key="b")
    assert (await andon.wait(approved.id)) == approved
    assert [r.id for r in (await andon.list()).items] == [rejected.id, approved.id]
    assert [r.id for r in (await andon.list([State.APPROVED])).items] == [approved.id]
    page = await andon.list(limit=1)
    assert page.next is not None
    assert [r.id for r in (await andon.list(after=page.next, limit=1)).items] == [approved.id]
    assert approved.grant is not None
    claim = await andon.claim(approved.grant.id, approved.digest, attempt="one")
    assert claim == await andon.claim(approved.grant.id, approved.digest, attempt="one")
    assert (await andon.report(claim.grant.id, Outcome.FAILED)).state is GrantState.FAILED
    assert (await andon.heartbeat()).may_proceed
    script.stop(reason="drill")
    beat = await andon.heartbeat()
    assert beat.stopped is not None
    assert (beat.may_proceed, beat.stopped.reason) == (False, "drill")


def test_a_request_is_a_value() -> None:
    """What the bot said cannot be changed by the agent that holds it."""
    assert Request.model_config["frozen"]
