"""What may be removed once it was kept for its term: nothing that still has something to come."""

from dataclasses import replace
from datetime import timedelta

import pytest

from escalation.grant import Grant, GrantState
from escalation.ids import GrantId, RequestId
from escalation.request import Request, State
from escalation.retention import may_go
from tests.unit.core.kit import BANK, NOON, QUESTION, TICK, asked

OVER = NOON + timedelta(minutes=10)
SUCCESSOR = RequestId("req_2")


def settled(state: State = State.REJECTED, *, follow: RequestId | None = None) -> Request:
    """Return a request that was settled at noon."""
    return replace(asked(), state=state, settled_at=NOON, follow=follow)


def granted(state: GrantState, *, over: bool = True) -> Grant:
    """Return the grant of that request."""
    return Grant(
        id=GrantId("grt_1"),
        tenant="T01",
        request=RequestId("req_1"),
        agent=BANK,
        digest=asked().digest,
        granted_at=NOON,
        expires_at=OVER,
        report_within=timedelta(minutes=7),
        state=state,
        ended_at=OVER if over else None,
    )


def goes(request: Request, grant: Grant | None = None, *, by: timedelta = TICK) -> bool:
    """Return whether *request* may go *by* so long after its grant was over, with nothing in its way."""
    return may_go(request, grant, before=OVER + by, unsaid=(), stored=())


@pytest.mark.parametrize("state", [state for state in State if state is not State.PENDING])
def test_what_ended_goes_after_its_term(state: State) -> None:
    """Every end is an end; the instant itself is not before itself."""
    grant = granted(GrantState.SUCCEEDED) if state.gives_authority else None
    request = settled(state)

    assert goes(request, grant)
    assert may_go(request, grant, before=NOON + timedelta(minutes=10, microseconds=1), unsaid=(), stored=())
    assert not may_go(request, grant, before=NOON, unsaid=(), stored=())


def test_what_waits_stays() -> None:
    """A pending request is never removed, however old."""
    assert not goes(asked(), by=timedelta(days=9999))


@pytest.mark.parametrize("state", [GrantState.GRANTED, GrantState.CLAIMED, GrantState.UNKNOWN])
def test_what_can_still_be_done_stays(state: GrantState) -> None:
    """A grant that can be claimed, reported or resolved keeps its request, whenever it was given."""
    assert not goes(settled(State.APPROVED), granted(state), by=timedelta(days=9999))
    assert not goes(settled(State.APPROVED), granted(state, over=False), by=timedelta(days=9999))


@pytest.mark.parametrize(
    "state", [GrantState.SUCCEEDED, GrantState.FAILED, GrantState.EXPIRED, GrantState.REVOKED]
)
def test_the_term_begins_when_the_grant_ends(state: GrantState) -> None:
    """What somebody said a year later what became of it is kept from then on."""
    assert goes(settled(State.APPROVED), granted(state), by=TICK)
    assert not goes(settled(State.APPROVED_WITH_EDITS), granted(state), by=timedelta())
    assert not goes(settled(State.APPROVED), granted(state, over=False))


def test_a_grant_that_cannot_be_read_is_none_that_ended() -> None:
    """Approved, and no grant to be seen: it stays. A question that was answered has none."""
    assert not goes(settled(State.APPROVED))
    assert goes(replace(asked(QUESTION), state=State.ANSWERED, settled_at=NOON))


def test_what_is_still_to_be_said_stays() -> None:
    """A request that an unsent message is about stays until it was said."""
    request = settled()

    assert not may_go(request, None, before=OVER, unsaid={request.id}, stored=())
    assert may_go(request, None, before=OVER, unsaid={SUCCESSOR}, stored=())


def test_what_goes_on_goes_after_its_successor() -> None:
    """What was edited or asked again stays while the request that took its place is there."""
    request = settled(State.SUPERSEDED, follow=SUCCESSOR)

    assert not may_go(request, None, before=OVER, unsaid=(), stored={SUCCESSOR})
    assert may_go(request, None, before=OVER, unsaid=(), stored={request.id})
