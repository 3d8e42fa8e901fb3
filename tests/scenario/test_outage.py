"""The database goes away in the middle: nothing is half done, and whoever was not heard is told so."""

import pytest

from tests.scenario.agent import POSTING, problem_of, proposal
from tests.scenario.laws import clicks_in
from tests.scenario.unreliable import Away, UnreliableStore
from tests.scenario.world import World

BEFORE = [Away.AT_THE_START, Away.AT_THE_COMMIT]


def database(room: World) -> UnreliableStore:
    assert isinstance(room.store, UnreliableStore)
    return room.store


def was_unavailable(room: World) -> None:
    """Let the log say what this scenario provoked."""
    room.expected |= {"listener_failed", "slack_request_failed"}


@pytest.mark.parametrize("when", Away)
async def test_a_proposal_is_sent_again(shaky_room: World, when: Away) -> None:
    """503 and a time to come back; the same key later is one request, whether or not the first was stored."""
    room = shaky_room
    with database(room).goes_away(when):
        answer = await room.agent.posts("/v1/requests", proposal(), key="close:7")
    assert problem_of(answer) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    again = await room.agent.posts("/v1/requests", proposal(), key="close:7")
    assert again.status_code == (200 if when is Away.AFTER_THE_COMMIT else 201)
    assert len(await room.events("request.asked")) == 1
    await room.salma.clicks("Approve", on=await room.card(again.json()))
    assert await room.agent.state_of(again.json()) == "approved"


@pytest.mark.parametrize("when", BEFORE)
async def test_a_click_is_not_acknowledged(shaky_room: World, when: Away) -> None:
    """A click that could not be stored gets 503, so that Slack shows it; the next one counts."""
    room = shaky_room
    was_unavailable(room)
    asked = await room.agent.asks()
    card = await room.card(asked)
    with database(room).goes_away(when):
        assert (await room.salma.clicks("Approve", on=card)).status == 503
    assert await room.agent.state_of(asked) == "pending"
    assert await clicks_in(room.store) == {}
    assert (await room.salma.clicks("Approve", on=card)).status == 200
    assert await room.agent.state_of(asked) == "approved"


async def test_a_click_whose_commit_counted(shaky_room: World) -> None:
    """The commit counted and we did not hear of it: the person tries again, and nothing doubles."""
    room = shaky_room
    was_unavailable(room)
    asked = await room.agent.asks(amount="7200.000")
    card = await room.card(asked, in_="#directors")
    with database(room).goes_away(Away.AFTER_THE_COMMIT):
        assert (await room.maryam.clicks("Approve", on=card)).status == 503
    assert (await room.agent.sees(asked))["decided_by"] == ["maryam"]
    await room.maryam.clicks("Approve", on=card)
    await room.maryam.sees("a second approver is needed", in_="#directors")
    assert (await room.agent.sees(asked))["decided_by"] == ["maryam"]


@pytest.mark.parametrize("when", BEFORE)
async def test_a_form_stays_open(shaky_room: World, when: Away) -> None:
    """What was typed is not lost: the form stays open with the reason, and the second submit counts."""
    room = shaky_room
    was_unavailable(room)
    asked = await room.agent.asks()
    await room.salma.clicks("Reject", on=await room.card(asked))
    await room.salma.sees_modal("One rejection is final")
    salma = room.salma.fills("Why? The agent reads this and does better.", "No invoice")
    with database(room).goes_away(when):
        assert (await salma.submits()).status == 503
    assert salma.modal is not None
    assert (await salma.submits()).status == 200
    assert (await room.agent.sees(asked))["reason"] == "No invoice"


@pytest.mark.parametrize("when", BEFORE)
async def test_no_claim_without_a_commit(shaky_room: World, when: Away) -> None:
    """An agent is never told to go by a claim that was not stored."""
    room = shaky_room
    asked = await room.approved()
    with database(room).goes_away(when):
        answer = await room.agent.claims_grant(asked["grant"])
    assert problem_of(answer) == (503, "unavailable")
    assert (await room.agent.grant_of(asked))["state"] == "granted"
    assert (await room.agent.claims(asked)).status_code == 200


async def test_a_claim_whose_reply_was_lost(shaky_room: World) -> None:
    """The claim counted and the agent heard 503: the same attempt asks again and goes; another does not."""
    room = shaky_room
    asked = await room.approved()
    with database(room).goes_away(Away.AFTER_THE_COMMIT):
        answer = await room.agent.claims_grant(asked["grant"])
    assert problem_of(answer) == (503, "unavailable")
    assert problem_of(await room.agent.claims(asked, attempt="two")) == (409, "grant-claimed")
    assert (await room.agent.claims(asked, attempt="one")).status_code == 200


@pytest.mark.parametrize("when", Away)
async def test_a_report_is_sent_again(shaky_room: World, when: Away) -> None:
    """A report that was not confirmed is sent again and taken once."""
    room = shaky_room
    asked = await room.approved()
    await room.agent.claims(asked)
    grant = await room.agent.grant_of(asked)
    path = f"/v1/grants/{grant['id']}/report"
    with database(room).goes_away(when):
        assert problem_of(await room.agent.posts(path, {"outcome": "succeeded"}))[0] == 503
    assert (await room.agent.posts(path, {"outcome": "succeeded"})).status_code == 200
    assert len(await room.events("grant.succeeded")) == 1


@pytest.mark.parametrize("when", BEFORE)
async def test_a_stop_that_was_not_stored_is_not_said_to_hold(shaky_room: World, when: Away) -> None:
    """Nobody is told "Stopped" before it is; the command gets 503 and works the second time."""
    room = shaky_room
    was_unavailable(room)
    with database(room).goes_away(when):
        assert (await room.salma.types("/andon stop all odd")).status == 503
    await room.beats()
    assert await room.salma.misses("Stopped", in_="@salma")
    assert (await room.agent.is_alive())["may_proceed"] is True
    assert (await room.salma.types("/andon stop all odd")).status == 200
    assert (await room.agent.is_alive())["may_proceed"] is False


async def test_the_engine_lives_through_it(shaky_room: World) -> None:
    """While the database is away the beats fail and say so; afterwards what is overdue is settled at once."""
    room = shaky_room
    asked = await room.agent.asks()
    await room.card(asked)
    with database(room).goes_away():
        await room.passes(minutes=15)
        ready = await room.agent.gets("/readyz")
        assert ready.status_code == 503
        assert ready.json()["ready"] is False
        # Anybody may ask: which database, and where, is for the log.
        assert ready.json()["trouble"][0] == "the database cannot be reached; the log says why"
        assert "deadlines: StoreUnavailable" in ready.json()["trouble"]
        assert "is away" not in ready.text
        assert (await room.agent.gets("/healthz")).json() == {"status": "alive"}
    await room.beats()
    assert (await room.agent.gets("/readyz")).json() == {"ready": True, "trouble": [], "degraded": []}
    assert await room.agent.state_of(asked) == "timed_out"
    # But for the two that have nothing to write: no call was refused, and every row could be read.
    stumbled = [entry["event"] for entry in room.log].count("module_stumbled")
    assert stumbled == len(room.house.engine.modules) - 2


@pytest.mark.parametrize("when", [Away.AT_THE_COMMIT, Away.AFTER_THE_COMMIT])
async def test_posted_and_not_remembered(shaky_room: World, when: Away) -> None:
    """Whatever the courier could not note down is said again after its lease, and every card works."""
    room = shaky_room
    asked = await room.agent.asks()
    with database(room).goes_away(when):
        await room.beats()
    await room.passes(seconds=31)
    await room.salma.clicks("Approve", on=await room.card(asked))
    assert await room.agent.state_of(asked) == "approved"
    assert 1 <= len([p for p in room.slack.in_channel("#finance") if p.thread is None]) <= 2


async def test_reading_during_an_outage(shaky_room: World) -> None:
    """Reads answer 503 as well, the Home tab and commands fail loudly, and nothing is guessed."""
    room = shaky_room
    was_unavailable(room)
    asked = await room.agent.asks()
    card = await room.card(asked)
    with database(room).goes_away():
        for path in (f"/v1/requests/{asked['id']}", "/v1/requests"):
            assert problem_of(await room.agent.gets(path)) == (503, "unavailable")
        assert problem_of(await room.agent.posts("/v1/heartbeat", {})) == (503, "unavailable")
        assert (await room.salma.types("/andon status")).status == 503
        assert (await room.salma.clicks("Full arguments", on=card)).status == 503
    assert await room.agent.sees(asked) == asked


async def test_an_unreadable_call_during_an_outage(shaky_room: World) -> None:
    """What cannot be put on the record is not answered as if it were."""
    room = shaky_room
    with database(room).goes_away(Away.AT_THE_COMMIT):
        assert problem_of(await room.agent.proposes({**POSTING, "amount": 1})) == (503, "unavailable")
        assert problem_of(await room.agent.sends(b"{")) == (503, "unavailable")
    assert await room.refusals() == []
