"""From the record alone: each event moves a request or a grant on, to where the tables have it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import pytest

from escalation import replay
from escalation.audit import Event, EventName, data
from escalation.commitment import Disclosure, Value, Written, commit
from escalation.grant import Grant, GrantState
from escalation.ids import EventId, GrantId, PersonId, RequestId
from escalation.ladder import Rung
from escalation.replay import ERASED, Replay, of_grant, of_request
from escalation.request import Evidence, Request, State, Verdict, Words
from tests.unit.core.kit import BANK, DEADLINE, KHALID, NOON, QUESTION, SALMA, TICK, asked, decide

LATER = NOON + timedelta(minutes=3)
GRANT = Grant(
    id=GrantId("grt_1"),
    tenant="T01",
    request=RequestId("req_1"),
    agent=BANK,
    digest=asked().digest,
    granted_at=NOON,
    expires_at=NOON + timedelta(minutes=10),
    report_within=timedelta(minutes=7, microseconds=1),
)


class Recorded:
    """A replay to which events are told one by one, as the use cases record them."""

    def __init__(self) -> None:
        self.replay = Replay()
        self._keeps_words = True

    def forget(self) -> "Recorded":
        """Erase the words of whatever is told from now on."""
        self._keeps_words = False
        return self

    def tell(
        self,
        name: EventName,
        values: Mapping[str, Value] = MappingProxyType({}),
        *,
        subject: str = "req_1",
        actor: str = "clock",
        at: datetime = LATER,
        **more: Value,
    ) -> "Recorded":
        """Tell one event."""
        event = EventId(f"evt_{name.value}")
        plain, texts = commit(event, {**values, **more}, salt=lambda: "salt")
        told = Event(id=event, at=at, name=name, actor=actor, subject=subject, agent=BANK, data=data(plain))
        self.replay.feed(told, self._left(texts))
        return self

    def _left(self, texts: Sequence[Disclosure]) -> Sequence[Disclosure]:
        return texts if self._keeps_words else ()


def recorded(request: Request | None = None) -> Recorded:
    """Return the record of *request* being asked."""
    return Recorded().tell(
        EventName.REQUEST_ASKED, replay.asked(request or asked()), at=NOON, actor=f"agent:{BANK}"
    )


def of(told: Recorded) -> replay.ReplayedRequest:
    return told.replay.requests["req_1"]


@pytest.mark.parametrize(
    "request_",
    [
        asked(),
        asked(QUESTION),
        replace(asked(), key=None, edits=RequestId("req_0"), delivered_at=NOON),
        replace(asked(), words=Words(), asks_again=RequestId("req_0")),
        replace(
            asked(),
            words=Words(summary="Zahlung ü", confidence=0.25, evidence=(Evidence(title="a", url="b"),)),
        ),
    ],
)
def test_what_was_asked_is_in_the_record(request_: Request) -> None:
    """Owner, terms, ladder, key, arguments, words: everything that is fixed when it is asked."""
    assert of(recorded(request_)) == of_request(request_)


def test_words_that_were_erased_are_told_as_erased() -> None:
    """Who asks the record after an erasure learns that there were words, and all the rest."""
    request = asked()
    told = Recorded().forget().tell(EventName.REQUEST_ASKED, replay.asked(request), at=NOON)
    assert of(told) == replace(of_request(request), subject=ERASED, words=ERASED)


@pytest.mark.parametrize(
    ("at", "delivered_at"), [(LATER, LATER), (DEADLINE - TICK, DEADLINE - TICK), (DEADLINE, None)]
)
def test_a_delivery_counts_until_the_deadline(at: datetime, delivered_at: datetime | None) -> None:
    """A card that came too late asked nobody; one that was posted anew does not ask a second time."""
    told = recorded().tell(EventName.REQUEST_DELIVERED, at=at).tell(EventName.REQUEST_DELIVERED, at=at + TICK)
    assert of(told).delivered_at == delivered_at


def test_a_delivery_after_the_end_does_not_count() -> None:
    """What was settled before its card was posted was not asked by it."""
    told = recorded().tell(EventName.REQUEST_CANCELLED, rung="asked")
    assert of(told.tell(EventName.REQUEST_DELIVERED)).delivered_at is None


def test_people_and_the_clock_move_a_request_on() -> None:
    """Acknowledged, climbed, decided by one, approved by another: as the row has it."""
    first, second = decide(asked(), SALMA), decide(asked(), KHALID)
    request = replace(
        asked(),
        state=State.APPROVED,
        rung=Rung.NUDGED,
        acknowledged_by=SALMA,
        decisions=(replace(first, at=LATER), replace(second, at=LATER)),
        settled_at=LATER,
    )
    told = recorded()
    told.tell(EventName.REQUEST_ACKNOWLEDGED, actor="person:salma")
    told.tell(EventName.REQUEST_CLIMBED, rung="nudged")
    for decision in (first, second):
        told.tell(
            EventName.DECISION_MADE,
            actor=f"person:{decision.person}",
            decision=decision.id,
            verdict="approve",
            digest=decision.digest,
            ingress=decision.ingress,
        )
    told.tell(EventName.REQUEST_APPROVED, rung="nudged")
    assert of(told) == of_request(request)


def test_a_rejection_brings_its_words() -> None:
    """Why somebody said no is in the decision and in how the request ended."""
    decision = replace(decide(asked(), SALMA, Verdict.REJECT, text="too much"), at=LATER)
    told = recorded().tell(
        EventName.DECISION_MADE,
        actor="person:salma",
        decision=decision.id,
        verdict="reject",
        digest=decision.digest,
        ingress=decision.ingress,
        text=Written("too much"),
    )
    told.tell(EventName.REQUEST_REJECTED, rung="asked", reason=Written("too much"))
    request = replace(
        asked(), state=State.REJECTED, decisions=(decision,), settled_at=LATER, reason="too much"
    )
    assert of(told) == of_request(request)


def test_an_unanswered_request_may_go_on() -> None:
    """It timed out, and was asked again later."""
    told = recorded().tell(EventName.REQUEST_TIMED_OUT, rung="defaulted", reason="nobody decided in time")
    told.tell(EventName.REQUEST_ASKED_AGAIN, follow="req_2", kind="timed_out")
    assert (of(told).state, of(told).rung, of(told).follow) == (State.TIMED_OUT, Rung.DEFAULTED, "req_2")


def test_a_grant_lives_in_the_record() -> None:
    """Granted, claimed, unknown, resolved by a person: as the row has it."""
    told = recorded().tell(EventName.GRANT_GRANTED, replay.granted(GRANT), subject="grt_1", at=NOON)
    grants = told.replay.grants
    assert grants["grt_1"] == of_grant(GRANT)
    told.tell(EventName.GRANT_CLAIMED, subject="grt_1", attempt="first")
    claimed = replace(GRANT, state=GrantState.CLAIMED, attempt="first", claimed_at=LATER)
    assert grants["grt_1"] == of_grant(claimed)
    told.tell(EventName.GRANT_UNKNOWN, subject="grt_1", result=Written('{"a":1}'))
    unknown = replace(claimed, state=GrantState.UNKNOWN, ended_at=LATER, result='{"a":1}')
    assert grants["grt_1"] == of_grant(unknown)
    told.tell(EventName.GRANT_FAILED, subject="grt_1", actor="person:omar", result=Written('{"a":1}'))
    resolved = replace(unknown, state=GrantState.FAILED, resolved_by=PersonId("omar"))
    assert grants["grt_1"] == of_grant(resolved)


def test_a_stop_resolves_nothing() -> None:
    """A grant that a person's stop took back was not resolved by that person."""
    told = recorded().tell(EventName.GRANT_GRANTED, replay.granted(GRANT), subject="grt_1", at=NOON)
    told.tell(EventName.GRANT_REVOKED, subject="grt_1", actor="person:nadia", reason="stopped")
    assert told.replay.grants["grt_1"] == of_grant(replace(GRANT, state=GrantState.REVOKED, ended_at=LATER))


def test_what_is_about_neither_changes_neither() -> None:
    """Switches, keys and refusals are no part of a request's life."""
    before = of(recorded())
    told = recorded().tell(EventName.SWITCH_STOPPED, subject="all").tell(EventName.INGRESS_REFUSED)
    assert of(told) == before
    assert told.replay.grants == {}


def test_what_was_removed_is_gone_from_the_replay() -> None:
    """The event that tells of a removal takes the requests it names, with their grants, and no others."""
    told = recorded()
    told.tell(EventName.REQUEST_ASKED, replay.asked(asked()), subject="req_2")
    for grant, request in (("grt_1", "req_1"), ("grt_2", "req_2")):
        values = {**replay.granted(GRANT), "request": request}
        told.tell(EventName.GRANT_GRANTED, values, subject=grant)
    told.tell(EventName.ROWS_REMOVED, {"count": 3}, subject="messages", actor="keeper")
    assert set(told.replay.requests) == {"req_1", "req_2"}
    told.tell(EventName.ROWS_REMOVED, {"count": 1, "requests": ["req_1"]}, subject="requests")
    assert set(told.replay.requests) == {"req_2"}
    assert set(told.replay.grants) == {"grt_2"}
