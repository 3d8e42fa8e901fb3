"""Rows to store: a request, a click, a decision, a grant, and a clock that a test moves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from escalation import notice
from escalation.action import Action, action
from escalation.audit import Event, EventName, Seal, Stored, link
from escalation.authority import Terms
from escalation.clock import Clock
from escalation.grant import Grant
from escalation.ids import (
    AgentName,
    DecisionId,
    EventId,
    GrantId,
    IngressId,
    OutboxId,
    PersonId,
    RequestId,
)
from escalation.ladder import Ladder, Rung
from escalation.ports import Ingress, OutboxKind, Outgoing, Store, Transaction
from escalation.request import Decision, Evidence, Question, Request, Ruling, State, Verdict, Words
from escalation.store import Database, open_store

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
TENANT = "T01ANDON"
MINUTE = timedelta(minutes=1)
TICK = timedelta.resolution
BANK, LEGAL = AgentName("bank-reconciliation"), AgentName("contract-review")
SALMA, KHALID = PersonId("salma"), PersonId("khalid")
PAY = action("ledger.post", {"amount": "49.90", "to": "مؤسسة النور", "note": "x' OR 1=1 --"})
ASK = Question(text="Which account?", options=("4400", "4711"), allow_text=True, tried="the last ten")


class MovableClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, at: datetime = NOON) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta) -> None:
        self._at += by


def opened(url: str, clock: Clock | None = None, *, tenant: str = TENANT) -> Database:
    """Return the store at *url*, for the tenant of the samples."""
    store = open_store(url, clock)
    store.open_for(tenant)
    return store


def request(name: str = "1", *, agent: AgentName = BANK, asked_at: datetime = NOON) -> Request:
    """Return a pending proposal, nudged after 5 minutes, escalated after 8, due after 10."""
    return Request(
        id=RequestId(f"req_{name}"),
        tenant=TENANT,
        agent=agent,
        function="finance",
        owner=PersonId("omar"),
        subject=PAY,
        digest=PAY.digest,
        words=Words(
            summary="Pay it <!channel>",
            reasoning="",
            confidence=0.0,
            evidence=(Evidence(title="Invoice", url="https://example.com/1"), Evidence(title="Memory")),
            workflow="w",
        ),
        ruling=Ruling(rule="large", version="sha256:aa"),
        terms=Terms(approvers=("treasury", "salma"), quorum=2),
        channel="C01FIN",
        ladder=Ladder(
            nudge_at=asked_at + 5 * MINUTE, backup_at=asked_at + 8 * MINUTE, deadline=asked_at + 10 * MINUTE
        ),
        asked_at=asked_at,
        key=f"key-{name}",
    )


def of_type(type_: str) -> Action:
    """Return an action of *type_*."""
    return action(type_, {"amount": 1})


def settled(before: Request, state: State = State.REJECTED, at: datetime = NOON) -> Request:
    """Return *before* settled, one version on."""
    return replace(before, state=state, settled_at=at, reason="because", version=before.version + 1)


def nudged(before: Request) -> Request:
    """Return *before* on its next rung, one version on."""
    return replace(before, rung=Rung.NUDGED, version=before.version + 1)


def click(name: str = "1", *, fingerprint: str | None = None) -> Ingress:
    """Return a click of Salma's."""
    return Ingress(
        id=IngressId(f"ing_{name}"),
        fingerprint=fingerprint or f"print-{name}",
        person=SALMA,
        what="request:approve",
        at=NOON,
    )


def decision(
    name: str = "1", *, person: PersonId = SALMA, verdict: Verdict = Verdict.APPROVE, at: datetime = NOON
) -> Decision:
    """Return a decision that stands on the click of the same *name*."""
    return Decision(
        id=DecisionId(f"dec_{name}"),
        person=person,
        verdict=verdict,
        digest=PAY.digest,
        at=at,
        ingress=IngressId(f"ing_{name}"),
        text=None if verdict is Verdict.APPROVE else "too much",
    )


def decided(before: Request, *more: Decision) -> Request:
    """Return *before* with *more* decisions, one version on."""
    return replace(before, decisions=(*before.decisions, *more), version=before.version + 1)


def grant(name: str = "1", *, agent: AgentName = BANK, granted_at: datetime = NOON) -> Grant:
    """Return a grant for the request of the same *name*; it expires after 10 minutes."""
    return Grant(
        id=GrantId(f"grt_{name}"),
        tenant=TENANT,
        request=RequestId(f"req_{name}"),
        agent=agent,
        digest=PAY.digest,
        granted_at=granted_at,
        expires_at=granted_at + 10 * MINUTE,
        report_within=timedelta(minutes=7, microseconds=1),
    )


def outgoing(
    name: str = "1",
    *,
    kind: OutboxKind = OutboxKind.THREAD,
    lane: str = "C01FIN",
    about: str = "1",
    at: datetime = NOON,
) -> Outgoing:
    """Return a message about the request named *about*, to be said at once."""
    return Outgoing(
        id=OutboxId(f"out_{name}"),
        kind=kind,
        lane=lane,
        request=RequestId(f"req_{about}"),
        body=notice.body(notice.Settled(state="rejected", text="Füße")),
        at=at,
        not_before=at,
    )


def event(name: str = "1", *, agent: str | None = BANK, subject: str = "req_1") -> Event:
    """Return an event of the record."""
    return Event(
        id=EventId(f"evt_{name}"),
        at=NOON,
        name=EventName.REQUEST_ASKED,
        actor="agent:bank-reconciliation",
        subject=subject,
        agent=agent,
        data='{"digest":"sha256:cc"}',
    )


def stored(event: Event, position: int) -> Stored:
    """Return the row of *event* at *position*."""
    return Stored(
        position=position,
        id=event.id,
        at=event.at,
        name=event.name.value,
        actor=event.actor,
        subject=event.subject,
        agent=event.agent,
        data=event.data,
    )


async def add_requests(tx: Transaction, *names: str) -> list[Request]:
    """Store a request of each of *names*."""
    found = [request(name) for name in names]
    for each in found:
        assert await tx.requests.add(each)
    return found


async def fill_the_record(store: Store) -> None:
    """Put a row into each table whose rows are only ever added."""
    async with store.write() as tx:
        await tx.requests.add(request())
        await tx.inbox.add(click())
        await tx.requests.save(decided(request(), decision()))
        await tx.record.add(event())
        [first] = link(await tx.record.unlinked(1), after=None)
        await tx.record.add_links([first])
        await tx.record.add_seal(Seal(seq=1, hash=first.hash, at=NOON))
        await tx.record.add_note(Seal(seq=1, hash=first.hash, at=NOON))


def changes_of(table: str) -> tuple[str, str]:
    """Return SQL that changes, and SQL that deletes, every row of *table*, one of ours."""
    column = {"audit_events": "data", "decisions": "person"}.get(table, "hash")
    return f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"  # noqa: S608  # our own names
