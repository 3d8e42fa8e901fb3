"""
Tells from the record alone how every request and every grant stands.

Each event moves one request or one grant on; what comes out is what the tables hold, or one of the two
was changed by somebody else. Words that were erased from the record are told as such.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from escalation.action import Action, Json, decode
from escalation.audit import Event, EventName, instant
from escalation.commitment import Disclosure, Lost, Value, Written, disclose
from escalation.grant import Grant, GrantState, LateReport, Report
from escalation.ladder import Rung
from escalation.request import Request, State, Verdict, Words

#: What is told of words that were erased.
ERASED = "(erased)"
_MICROSECOND = timedelta(microseconds=1)
#: Writes quickly; what is committed to needs no canonical form.
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)
_SILENT = Words()
_OPEN = {GrantState.GRANTED, GrantState.CLAIMED}
#: Of a request, and never none.
_FIXED = ("tenant", "function", "owner", "digest", "rule", "editing", "channel")
T = TypeVar("T")
_Data: TypeAlias = "Mapping[str, Json | Lost]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedDecision:
    """A decision, as the record tells it."""

    id: str
    person: str
    verdict: Verdict
    digest: str
    at: datetime
    ingress: str
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedRequest:
    """A request, as the record tells it."""

    id: str
    tenant: str
    agent: str
    function: str
    owner: str
    action: str | None  #: Its type; none for a question.
    subject: str  #: The arguments or the question, as they were committed to.
    digest: str
    words: str | None
    rule: str
    configuration: str  #: Its version.
    approvers: tuple[str, ...]
    quorum: int
    editing: str  #: Whether an author of an edit may approve it.
    channel: str
    nudge_at: datetime
    backup_at: datetime
    deadline: datetime
    asked_at: datetime
    key: str | None
    edits: str | None
    author: str | None
    asks_again: str | None
    follow: str | None = None
    state: State = State.PENDING
    rung: Rung = Rung.ASKED
    delivered_at: datetime | None = None
    acknowledged_by: str | None = None
    decisions: tuple[ReplayedDecision, ...] = ()
    settled_at: datetime | None = None
    reason: str | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedGrant:
    """A grant, as the record tells it."""

    id: str
    tenant: str
    request: str
    agent: str
    digest: str
    granted_at: datetime
    expires_at: datetime
    report_within: timedelta
    state: GrantState = GrantState.GRANTED
    attempt: str | None = None
    claimed_at: datetime | None = None
    ended_at: datetime | None = None
    result: str | None = None
    late: LateReport | None = None
    resolved_by: str | None = None


def asked(request: Request) -> dict[str, Value]:
    """Return what the record says of *request* when it is asked: all that is fixed from then on."""
    subject, words = request.subject, request.words
    return {
        "kind": "proposal" if isinstance(subject, Action) else "question",
        "action": subject.type if isinstance(subject, Action) else None,
        "arguments" if isinstance(subject, Action) else "question": Written(_subject_of(request)),
        "words": None if words == _SILENT else Written(_words_of(words)),
        "digest": request.digest,
        "rule": request.ruling.rule,
        "version": request.ruling.version,
        "approvers": list(request.terms.approvers),
        "quorum": request.terms.quorum,
        "editing": request.terms.edits.value,
        "tenant": request.tenant,
        "function": request.function,
        "owner": request.owner,
        "channel": request.channel,
        "nudge_at": instant(request.ladder.nudge_at),
        "backup_at": instant(request.ladder.backup_at),
        "deadline": instant(request.ladder.deadline),
        "key": request.key,
        "edits": request.edits,
        "author": request.author,
        "asks_again": request.asks_again,
        # An edit takes over a card that stands.
        "delivered_at": None if request.delivered_at is None else instant(request.delivered_at),
    }


def granted(grant: Grant) -> dict[str, Value]:
    """Return what the record says of *grant* when it is given."""
    return {
        "request": grant.request,
        "digest": grant.digest,
        "tenant": grant.tenant,
        "expires_at": instant(grant.expires_at),
        "report_within": grant.report_within // _MICROSECOND,
    }


class Replay:
    """Reads events in the chain's order, and knows how everything stands after them."""

    def __init__(self) -> None:
        self.requests: dict[str, ReplayedRequest] = {}
        self.grants: dict[str, ReplayedGrant] = {}

    def feed(self, event: Event, texts: Iterable[Disclosure] = ()) -> None:
        """Take *event* in, with what is left of its *texts*."""
        raw = decode(event.data)
        data = disclose(raw if isinstance(raw, dict) else {}, texts)
        if event.name is EventName.REQUEST_ASKED:
            self.requests[event.subject] = _asked(event, data)
        elif event.name is EventName.GRANT_GRANTED:
            self.grants[event.subject] = _granted(event, data)
        elif event.name is EventName.ROWS_REMOVED:
            self._forget(data.get("requests"))
        elif (move := _MOVES.get(event.name)) is not None:
            self.requests[event.subject] = move(self.requests[event.subject], event, data)
        elif (change := _CHANGES.get(event.name)) is not None:
            self.grants[event.subject] = change(self.grants[event.subject], event, data)

    def _forget(self, removed: object) -> None:
        gone = set(removed) if isinstance(removed, list) else set()
        self.requests = {id_: row for id_, row in self.requests.items() if id_ not in gone}
        self.grants = {id_: row for id_, row in self.grants.items() if row.request not in gone}


def of_request(request: Request) -> ReplayedRequest:
    """Return what the record has to tell for *request* to be as it is."""
    fixed = {
        "action": request.subject.type if isinstance(request.subject, Action) else None,
        "subject": _subject_of(request),
        "words": None if request.words == _SILENT else _words_of(request.words),
        "rule": request.ruling.rule,
        "configuration": request.ruling.version,
        "approvers": request.terms.approvers,
        "quorum": request.terms.quorum,
        "editing": request.terms.edits.value,
        "nudge_at": request.ladder.nudge_at,
        "backup_at": request.ladder.backup_at,
        "decisions": tuple(_same(ReplayedDecision, each) for each in request.decisions),
    }
    return _same(ReplayedRequest, request, fixed)


def of_grant(grant: Grant) -> ReplayedGrant:
    """Return what the record has to tell for *grant* to be as it is."""
    return _same(ReplayedGrant, grant)


def _same(kind: type[T], value: object, known: Mapping[str, Any] = MappingProxyType({})) -> T:
    """Return a *kind* whose fields are those of *value* that bear the same names, but for what is *known*."""
    names = [field.name for field in fields(kind) if field.name not in known]  # type: ignore[arg-type]  # ours
    return kind(**{name: getattr(value, name) for name in names}, **known)


def _subject_of(request: Request) -> str:
    subject = request.subject
    return subject.canonical if isinstance(subject, Action) else _JSON.encode(asdict(subject))


def _words_of(words: Words) -> str:
    said = {
        "summary": words.summary,
        "reasoning": words.reasoning,
        "confidence": words.confidence,
        "evidence": [(each.title, each.url) for each in words.evidence],
        "workflow": words.workflow,
        "trace": words.trace,
    }
    return _JSON.encode(said)


def _asked(event: Event, data: _Data) -> ReplayedRequest:
    approvers = data["approvers"]
    told: dict[str, Any] = {
        **{name: _text(data, name) or "" for name in _FIXED},
        **{name: _text(data, name) for name in ("action", "words", "key", "edits", "author", "asks_again")},
        **{name: _at(data, name) for name in ("nudge_at", "backup_at", "deadline")},
        "subject": _text(data, "arguments" if "arguments" in data else "question"),
        "configuration": _text(data, "version"),
        "approvers": tuple(approvers) if isinstance(approvers, list) else (),
        "quorum": data["quorum"],
        "delivered_at": _at(data, "delivered_at") if "delivered_at" in data else None,
    }
    return ReplayedRequest(id=event.subject, agent=event.agent or "", asked_at=event.at, **told)


def _delivered(before: ReplayedRequest, event: Event, _: _Data) -> ReplayedRequest:
    # A card that came too late stands, and nobody was asked by it.
    late = before.state.is_settled or event.at >= before.deadline
    return before if late else replace(before, delivered_at=before.delivered_at or event.at)


def _acknowledged(before: ReplayedRequest, event: Event, _: _Data) -> ReplayedRequest:
    return replace(before, acknowledged_by=_person(event))


def _climbed(before: ReplayedRequest, _: Event, data: _Data) -> ReplayedRequest:
    return replace(before, rung=_rung(data))


def _decided(before: ReplayedRequest, event: Event, data: _Data) -> ReplayedRequest:
    decision = ReplayedDecision(
        id=_text(data, "decision") or "",
        person=_person(event),
        verdict=Verdict(data["verdict"]),
        digest=_text(data, "digest") or "",
        at=event.at,
        ingress=_text(data, "ingress") or "",
        text=_text(data, "text"),
    )
    return replace(before, decisions=(*before.decisions, decision))


def _settled(before: ReplayedRequest, event: Event, data: _Data) -> ReplayedRequest:
    return replace(
        before,
        state=State(event.name.value.removeprefix("request.")),
        settled_at=event.at,
        rung=_rung(data),
        reason=_text(data, "reason"),
        answer=_text(data, "answer"),
        follow=_text(data, "follow"),
    )


def _asked_again(before: ReplayedRequest, _: Event, data: _Data) -> ReplayedRequest:
    return replace(before, follow=_text(data, "follow"))


def _granted(event: Event, data: _Data) -> ReplayedGrant:
    return ReplayedGrant(
        id=event.subject,
        agent=event.agent or "",
        granted_at=event.at,
        expires_at=_at(data, "expires_at"),
        report_within=int(str(data["report_within"])) * _MICROSECOND,
        tenant=_text(data, "tenant") or "",
        request=_text(data, "request") or "",
        digest=_text(data, "digest") or "",
    )


def _claimed(before: ReplayedGrant, event: Event, data: _Data) -> ReplayedGrant:
    return replace(before, state=GrantState.CLAIMED, attempt=_text(data, "attempt"), claimed_at=event.at)


def _ended(before: ReplayedGrant, event: Event, data: _Data) -> ReplayedGrant:
    return replace(
        before,
        state=GrantState(event.name.value.removeprefix("grant.")),
        ended_at=event.at,
        result=_text(data, "result"),
        # Only a person says what nobody knew.
        resolved_by=_person(event) if before.state is GrantState.UNKNOWN else None,
    )


def _reported_late(before: ReplayedGrant, event: Event, data: _Data) -> ReplayedGrant:
    late = LateReport(report=Report(data["report"]), at=event.at, result=_text(data, "result"))
    return replace(before, late=late)


def _person(event: Event) -> str:
    return event.actor.removeprefix("person:")


def _text(data: _Data, name: str) -> str | None:
    value = data.get(name)
    return ERASED if isinstance(value, Lost) else None if value is None else str(value)


def _at(data: _Data, name: str) -> datetime:
    return datetime.fromisoformat(str(data[name]))


def _rung(data: _Data) -> Rung:
    return Rung[str(data["rung"]).upper()]


#: What each event does to the request that it is about, and to the grant.
_MOVES: Mapping[EventName, Callable[[ReplayedRequest, Event, _Data], ReplayedRequest]] = {
    EventName.REQUEST_DELIVERED: _delivered,
    EventName.REQUEST_ACKNOWLEDGED: _acknowledged,
    EventName.REQUEST_CLIMBED: _climbed,
    EventName.DECISION_MADE: _decided,
    EventName.REQUEST_ASKED_AGAIN: _asked_again,
    **{EventName(f"request.{state.value}"): _settled for state in State if state.is_settled},
}
_CHANGES: Mapping[EventName, Callable[[ReplayedGrant, Event, _Data], ReplayedGrant]] = {
    EventName.GRANT_CLAIMED: _claimed,
    EventName.GRANT_REPORTED_LATE: _reported_late,
    **{EventName(f"grant.{state.value}"): _ended for state in GrantState if state not in _OPEN},
}
