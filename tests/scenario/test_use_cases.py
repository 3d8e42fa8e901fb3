"""The use cases judge by themselves: whatever a form or a button let through is refused behind it."""

import asyncio
from typing import Any

import pytest

from escalation.authority import Account
from escalation.clock import SystemClock
from escalation.configuration import Configuration
from escalation.errors import InvalidConfiguration, StoreError
from escalation.grant import Report
from escalation.ids import GrantId, RequestId, Ulids
from escalation.reason import Reason, Refused
from escalation.service import ask_again, configure, edit, resolve
from escalation.service.acknowledge import acknowledge
from escalation.service.context import Click, Core, Counted
from escalation.service.decide import Approve, Pick, Reject, Write, decide
from escalation.service.stop import Moved, resume, stop
from escalation.store.memory import MemoryDatabase, MemoryStore
from escalation.switch import Scope, ScopeKind, scope
from escalation.wakeups.local import LocalWakeups
from tests.harness.fake_faults import Refuses, Slow
from tests.scenario.agent import POSTING
from tests.scenario.laws import clicks_in
from tests.scenario.rules import ANDON, MANIFEST, RUNBOOK, Change, changed, shipped
from tests.scenario.world import World

POST, UPDATE = "chat.postMessage", "chat.update"


def by(user: str, fingerprint: str = "f", *, workspace: str = "T01ANDON") -> Click:
    """Return a click that was verified."""
    return Click(account=Account(workspace, user), fingerprint=fingerprint, what="a test")


SALMA, STRANGER = "U01SALMA", "U06OMAR"
NOBODY = RequestId("req_none")
_ELSEWHERE = Change(ANDON, "workspace: T01ANDON", "workspace: T02OTHER")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({**POSTING, "amount": 60.0}, Reason.ARGUMENTS_INVALID),
        ({**POSTING, "amount": "-1"}, Reason.ARGUMENTS_INVALID),
        ({**POSTING, "approved_by": "salma"}, Reason.ARGUMENTS_INVALID),
        ({**POSTING, "amount": float("nan")}, Reason.ARGUMENTS_INVALID),
        ({**POSTING, "amount": float("inf")}, Reason.ARGUMENTS_INVALID),
        ({**POSTING, "amount": 2**53}, Reason.ARGUMENTS_INVALID),
        ({**POSTING, "memo": "\ud800"}, Reason.ARGUMENTS_INVALID),
        ({**POSTING, "memo": "\0"}, Reason.ARGUMENTS_INVALID),
        ({**POSTING, "memo": "x" * 70_000}, Reason.ARGUMENTS_INVALID),
        ({}, Reason.ARGUMENTS_INVALID),
        (dict(reversed(list(POSTING.items()))), Reason.NOTHING_EDITED),
    ],
)
async def test_edited_arguments_are_judged_behind_the_form(
    any_room: World, arguments: dict[str, Any], reason: Reason
) -> None:
    """What no form would let through is refused by the core, stored as a click, and on the record."""
    room = any_room
    asked = await room.agent.asks()
    outcome = await edit.edit(room.core, by(SALMA), RequestId(asked["id"]), arguments)
    assert isinstance(outcome, Refused)
    assert outcome.reason is reason
    assert await room.refusals() == [("person:salma", reason.value)]
    assert len(await clicks_in(room.store)) == 1
    assert await room.agent.sees(asked) == asked


async def test_an_edit_of_nothing_editable(room: World) -> None:
    """Unknown requests, questions, lost types and strangers: each its own refusal."""
    asked, wondered = await room.agent.asks(), await room.agent.wonders("Whose?", "A")
    edited = {**POSTING, "amount": "60.000"}
    tried = [
        (await edit.edit(room.core, by(STRANGER, "1"), RequestId(asked["id"]), edited)),
        (await edit.edit(room.core, by(SALMA, "2"), NOBODY, edited)),
        (await edit.edit(room.core, by(SALMA, "3"), RequestId(wondered["id"]), edited)),
    ]
    await room.rules_become(changed(Change(MANIFEST, "ledger.post:", "ledger.write:")))
    tried.append(await edit.edit(room.core, by(SALMA, "4"), RequestId(asked["id"]), edited))
    await room.rules_become(
        changed(
            Change(MANIFEST, "agent: bank-reconciliation", "agent: other"),
            Change(RUNBOOK, "[bank-reconciliation]", "[other]"),
        )
    )
    tried.append(await edit.edit(room.core, by(SALMA, "5"), RequestId(asked["id"]), edited))
    assert [outcome.reason.value for outcome in tried if isinstance(outcome, Refused)] == [
        "unknown_person",
        "unknown_request",
        "not_a_proposal",
        "rules_changed",
        "rules_changed",
    ]
    assert len(await room.refusals()) == 5


@pytest.mark.parametrize("choice", [Approve(), Reject("No"), Pick(0), Write("Words")])
async def test_strangers_decide_nothing(room: World, choice: Any) -> None:
    """Whatever the choice, somebody who is nobody is refused before the request is even looked up."""
    for id_ in ((await room.agent.asks())["id"], "req_none"):
        outcome = await decide(room.core, by(STRANGER, id_), RequestId(id_), choice)
        assert outcome == Refused(Reason.UNKNOWN_PERSON)


async def test_blank_words_are_no_words(room: World) -> None:
    """A reason or an answer of blanks is none, whoever sends it past the form."""
    asked, wondered = await room.agent.asks(), await room.agent.wonders("Whose?", allow_text=True)
    rejected = await decide(room.core, by(SALMA, "1"), RequestId(asked["id"]), Reject(" \n"))
    answered = await decide(room.core, by(SALMA, "2"), RequestId(wondered["id"]), Write(" \n"))
    assert rejected == Refused(Reason.REASON_MISSING)
    assert answered == Refused(Reason.NOT_AN_OPTION)


async def test_a_repeated_click_changes_nothing_anywhere(any_room: World) -> None:
    """The same signed click once more, at each use case, is answered with how things stand."""
    room = any_room
    asked = RequestId((await room.agent.asks(amount="7200.000"))["id"])
    first = await decide(room.core, by("U03MARYAM", "1"), asked, Approve())
    events = len(await room.events())
    again = by("U03MARYAM", "1")
    for outcome in (
        await decide(room.core, again, asked, Approve()),
        await acknowledge(room.core, again, asked),
        await edit.edit(room.core, again, asked, {**POSTING, "amount": "9000.000"}),
        await ask_again.ask_again(room.core, again, asked),
    ):
        assert isinstance(outcome, Counted)
        assert outcome.repeated
        assert isinstance(first, Counted)
        assert outcome.request == first.request
    everything, nothing = scope("all"), Scope(ScopeKind.AGENT, "nobody")
    assert isinstance(await stop(room.core, again, everything, "odd"), Moved)
    assert isinstance(await resume(room.core, again, everything), Moved)
    assert await stop(room.core, again, nothing, "odd") == Refused(Reason.UNKNOWN_SCOPE, "agent:nobody")
    assert await resume(room.core, again, nothing) == Refused(Reason.UNKNOWN_SCOPE, "agent:nobody")
    for unknown in (
        await decide(room.core, again, NOBODY, Approve()),
        await acknowledge(room.core, again, NOBODY),
        await ask_again.ask_again(room.core, again, NOBODY),
    ):
        assert unknown == Refused(Reason.UNKNOWN_REQUEST)
    resolved = await resolve.resolve(room.core, again, GrantId("grt_none"), Report.FAILED)
    assert resolved == Refused(Reason.UNKNOWN_GRANT)
    assert len(await room.events()) == events


async def test_an_unknown_scope_is_on_the_record(room: World) -> None:
    """Somebody we know who stops what does not exist is refused, and so is a resume."""
    nothing = Scope(ScopeKind.ACTION, "ledger.delete")
    assert isinstance(await stop(room.core, by(SALMA, "1"), nothing, "odd"), Refused)
    assert isinstance(await resume(room.core, by(SALMA, "2"), nothing), Refused)
    assert await room.refusals() == [("person:salma", "unknown_scope")] * 2


async def test_an_update_that_waited_is_not_drawn_over_the_edited_card(room: World) -> None:
    """The old request's update was queued before the edit took its card: the card shows the edited one."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.salma.clicks("I am looking", on=card)
    await room.salma.clicks("Edit", on=card)
    await room.salma.sees_modal("request:edited")
    await room.salma.fills("amount", "60.000").submits()
    await room.beats()
    (shown,) = [posted for posted in room.slack.in_channel("#finance") if posted.thread is None]
    assert shown.says("Approved with edits")
    assert shown.edits == 1


async def test_a_channel_archived_after_the_card_was_posted(room: World) -> None:
    """People saw it while it was there: an update that fails for good ends no request, and no decision."""
    asked = await room.agent.asks(amount="7200.000")
    card = await room.card(asked, in_="#directors")
    room.slack.fails(UPDATE, Refuses("is_archived"), Refuses("is_archived"))
    await room.maryam.clicks("Approve", on=card)
    await room.beats()
    assert await room.agent.state_of(asked) == "pending"
    await room.yusuf.clicks("Approve", on=card)
    assert await room.agent.state_of(asked) == "approved"


async def test_a_card_given_up_after_a_decision_changes_nothing(room: World) -> None:
    """Taken back before Slack refused the card: it stays cancelled, and nobody is told otherwise."""
    asked = await room.agent.asks()
    room.slack.fails(POST, Refuses("is_archived"))
    await room.agent.cancels(asked, "never mind")
    await room.beats()
    assert await room.agent.state_of(asked) == "cancelled"
    told = [event.name.value for event in await room.events() if event.subject == asked["id"]]
    assert told == ["request.asked", "request.cancelled"]


async def test_a_card_drawn_after_its_lease_is_drawn_again(room: World) -> None:
    """Slack took longer than the lease: what another process may have drawn meanwhile is put right."""
    room.slack.fails(POST, Slow(0.2))
    asked = await room.agent.asks()
    ticking = asyncio.create_task(room.house.engine.tick())
    await asyncio.sleep(0.1)
    room.clock.advance(seconds=31)
    await ticking
    await room.beats()
    card = await room.card(asked)
    assert card.edits >= 1
    await room.salma.clicks("Approve", on=card)
    assert await room.agent.state_of(asked) == "approved"


def _serving(database: MemoryDatabase, configuration: Configuration) -> Core:
    clock = SystemClock()
    return Core(
        store=MemoryStore(clock, database),
        ids=Ulids(clock),
        wakeups=LocalWakeups(),
        configuration=lambda: configuration,
    )


async def test_a_mistyped_workspace_is_refused() -> None:
    """A workspace that a database has never seen would know none of its stops: it has to be meant."""
    database = MemoryDatabase()
    ours = _serving(database, shipped().configuration)
    theirs = _serving(database, changed(_ELSEWHERE).configuration)
    await configure.put_in_force(ours, body="{}")
    new = "T02OTHER is new to this database, which serves T01ANDON"
    with pytest.raises(InvalidConfiguration, match=new):
        await configure.put_in_force(theirs, body="{}")
    with pytest.raises(InvalidConfiguration, match=new):
        await configure.start(theirs, body="{}")
    async with theirs.store.read() as tx:
        assert (await tx.fence.read()).version is None
    # Who means it says so once; from then on it is known.
    assert (await configure.put_in_force(theirs, body="{}", beside=True)).changed
    assert await configure.start(theirs, body="{}")


async def test_a_database_belongs_to_one_workspace(room: World) -> None:
    """Requests of one workspace are never shown to, or settled by, another one's bot."""
    await room.agent.asks()
    with pytest.raises(StoreError, match="another tenant"):
        await room.rules_become(changed(_ELSEWHERE))
    room.rules.become(shipped())
