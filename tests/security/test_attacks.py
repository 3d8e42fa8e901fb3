"""Ways around the core: each is a story of what somebody did, and of what must not come of it."""

from dataclasses import replace

import pytest

from escalation.action import Action, decode
from escalation.audit import EventName
from escalation.authority import Account
from escalation.clock import SystemClock
from escalation.engine import sweeping
from escalation.errors import InvalidAction, StoreError
from escalation.ids import AgentName, RequestId, Ulids
from escalation.reason import Reason, Refused
from escalation.request import Question, Words
from escalation.service import queries, seal
from escalation.service.configure import put_in_force
from escalation.service.context import Click, Core
from escalation.service.edit import edit
from escalation.service.propose import Propose, Proposed, propose
from escalation.service.steps.clerk import by_us
from escalation.service.stop import Moved, stop
from escalation.store.memory import MemoryStore
from escalation.switch import EVERYTHING
from escalation.verification import Verified
from escalation.wakeups.local import LocalWakeups
from tests.scenario.agent import problem_of
from tests.scenario.rules import ANDON, MANIFEST, Change, changed, shipped
from tests.scenario.world import AGENT, told_by, world

MOVED = Change(MANIFEST, "function: finance", "function: treasury")
DEPARTED = Change(ANDON, "directors: {members: [maryam, yusuf]", "directors: {members: [yusuf, khalid]")


# --- a stop that does not stop -------------------------------------------------------------------------


async def test_a_stop_of_the_agents_function_holds_what_it_asked_for_another() -> None:
    """Approved while it worked for finance, claimed under a stop of treasury, where it works now: refused."""
    async with world() as room:
        waiting, approved = await room.agent.asks(memo="Asked before"), await room.approved()
        await room.rules_become(changed(MOVED))
        await room.khalid.types("/andon stop function:treasury It posts twice")
        assert problem_of(await room.agent.claims(approved)) == (423, "stopped")
        # The sweep of the stop finds it by the agent, and its card offers nothing any more.
        card = await room.card(waiting)
        assert await room.agent.state_of(waiting) == "killed"
        with pytest.raises(AssertionError, match="nothing to click"):
            await room.salma.clicks("Approve", on=card)


async def test_a_stop_of_the_function_it_asked_for_holds_as_well() -> None:
    """The function that the request was made for is stopped: moving the agent does not free it."""
    async with world() as room:
        approved = await room.approved()
        await room.khalid.types("/andon stop function:finance It posts twice")
        await room.rules_become(changed(MOVED))
        assert problem_of(await room.agent.claims(approved)) == (423, "stopped")


async def test_no_flood_of_requests_stands_against_a_stop() -> None:
    """However many requests an agent left waiting, the stop is one small commit, and each of them ends."""
    core = Core(
        store=MemoryStore(),
        ids=Ulids(SystemClock()),
        wakeups=LocalWakeups(),
        configuration=lambda: shipped().configuration,
    )
    await put_in_force(core, body="{}")
    wondering = Propose(
        agent=AgentName(AGENT),
        key="one",
        subject=Question(text="Whose?", options=("Al Wadi",), allow_text=False),
        words=Words(),
    )
    asked = await propose(core, wondering)
    assert isinstance(asked, Proposed)
    async with core.store.write() as tx:
        for number in range(3_000):
            flood = replace(asked.request, id=RequestId(f"req_flood{number:021}"), key=None)
            await tx.requests.add(flood)
    click = Click(account=Account("T01ANDON", "U02KHALID"), fingerprint="f" * 64, what="command:stop")
    outcome = await stop(core, click, EVERYTHING, "It floods us")
    assert isinstance(outcome, Moved)
    async with core.store.read() as tx:
        assert len(await tx.record.unlinked(9)) == 3  # what is in force, what was asked, and the stop
        assert await tx.requests.any_pending(EVERYTHING)
    refused = await propose(core, replace(wondering, key="two"))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.STOPPED
    await sweeping.module(core).run()
    _, line = await queries.events(core, agent=None, subject="all", limit=10)
    assert decode(told_by(line).data) == {"killed": 3_001, "late": 0, "revoked": 0}


# --- cards that promise what is over -------------------------------------------------------------------


async def test_a_card_says_that_a_stop_took_the_permission_back() -> None:
    """The card of an approved, unclaimed request stops saying "may do it once" when a stop revokes that."""
    async with world() as room:
        approved = await room.approved()
        assert (await room.card(approved)).says("may do it once")
        await room.khalid.types("/andon stop all It posts twice")
        card = await room.card(approved)
        assert card.says("the permission was taken back")
        assert not card.says("may do it once")


async def test_a_card_says_that_the_approval_no_longer_suffices() -> None:
    """An approver left before the claim: the claim is refused, and the card does not go on promising."""
    async with world() as room:
        asked = await room.agent.asks(amount="7200.000")
        for person in (room.maryam, room.yusuf):
            await person.clicks("Approve", on=await room.card(asked, in_="#directors"))
        assert (await room.card(asked, in_="#directors")).says("may do it once")
        await room.rules_become(changed(DEPARTED))
        assert problem_of(await room.agent.claims(asked)) == (409, "grant-revoked")
        card = await room.card(asked, in_="#directors")
        assert card.says("the permission was taken back")


# --- a record that cannot go on ------------------------------------------------------------------------


@pytest.mark.parametrize("id_", ["%00", "req_%00", "%0a", "x" * 5000, "%ed%a0%80", "%e2%80%ae"])
async def test_no_id_that_an_agent_makes_up_holds_up_the_record(id_: str) -> None:
    """Whatever an agent calls a request or a grant, it hears 404, and sealing goes on."""
    async with world() as room:
        post, headers = room.agent.http.post, room.agent.headers
        sent = {"digest": "sha256:" + "0" * 64, "attempt": "one"}
        for path, body in (
            (f"/v1/requests/{id_}/cancel", {}),
            (f"/v1/grants/{id_}/claim", sent),
            (f"/v1/grants/{id_}/report", {"outcome": "succeeded"}),
        ):
            assert problem_of(await post(path, json=body, headers=headers)) == (404, "not-found")
        assert problem_of(await room.agent.gets(f"/v1/requests/{id_}")) == (404, "not-found")
        await room.agent.asks()
        while await seal.seal(room.core, batch=1000):
            pass
        verdict = await seal.verify(room.core.store)
        assert isinstance(verdict, Verified)
        assert verdict.unsealed == 0


@pytest.mark.parametrize("subject", ["req_\0", "\ud800", "x" * 5000])
async def test_what_cannot_be_sealed_cannot_be_noted(subject: str) -> None:
    """A line that no later seal could hold is refused with the change that it tells of."""
    async with world() as room:
        with pytest.raises(InvalidAction):
            async with room.store.write() as tx:
                await by_us(room.core, tx, "clock").record(EventName.REQUEST_CLIMBED, subject)
        assert subject not in [event.subject for event in await room.events()]


# --- refusals that leave no trace ----------------------------------------------------------------------


async def test_a_form_that_fits_no_more_is_refused_on_the_record() -> None:
    """The action type left the manifest while the form was open: nothing is approved, and it is noted."""
    async with world() as room:
        asked = await room.agent.asks()
        await room.salma.clicks("Edit", on=await room.card(asked))
        await room.salma.sees_modal("request:edited")
        room.salma.fills("amount", "60.000")
        await room.rules_become(changed(Change(MANIFEST, "  ledger.post:", "  ledger.write:")))
        assert "Nothing changed" in str((await room.salma.submits()).json)
        assert await room.agent.state_of(asked) == "pending"
        assert await room.refusals() == [("person:salma", "rules_changed")]


async def test_an_edit_that_has_no_canonical_form_is_refused_on_the_record() -> None:
    """Arguments that could not be digested change nothing, and whose attempt it was is on the record."""
    async with world() as room:
        asked = await room.agent.asks()
        arguments = {**asked["action"]["arguments"], "memo": "\ud800"}
        click = Click(account=Account("T01ANDON", "U01SALMA"), fingerprint="f" * 64, what="request:edited")
        outcome = await edit(room.core, click, RequestId(asked["id"]), arguments)
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.ARGUMENTS_INVALID
        assert await room.refusals() == [("person:salma", "arguments_invalid")]


# --- answers that were not given -----------------------------------------------------------------------


@pytest.mark.parametrize("invisible", ["\x1c", "\x1d", "\x1e", "\x1f", "\u2003", "\x85", " "])
async def test_an_option_is_answered_as_it_was_offered(invisible: str) -> None:
    """An option with something invisible at its end is recorded as it was shown; no twin hides behind it."""
    async with world() as room:
        twins = await room.agent.posts(
            "/v1/requests",
            {"kind": "question", "question": "Whose?", "options": ["Al Wadi", f"Al Wadi{invisible}"]},
            key="twins",
        )
        assert problem_of(twins) == (422, "invalid")
        asked = await room.agent.wonders("Whose?", f"Al Wadi{invisible}", "Nobody")
        await room.salma.clicks("Al Wadi", on=await room.card(asked))
        answered = await room.agent.sees(asked)
        assert (answered["state"], answered["answer"]) == ("answered", "Al Wadi")


# --- somebody else's rows ------------------------------------------------------------------------------


async def test_a_database_serves_one_workspace() -> None:
    """A configuration of another workspace is not put in force over this one's requests."""
    async with world() as room:
        asked = await room.agent.asks()
        other = replace(room.core.configuration(), tenant="T02OTHER", version="another")
        with pytest.raises(StoreError, match="another tenant"):
            replace(room.core, configuration=lambda: other)
        assert len(await room.events("configuration.loaded")) == 1
        async with room.store.read() as tx:
            found = await tx.requests.get(RequestId(asked["id"]))
        assert found is not None
        assert isinstance(found.subject, Action)
