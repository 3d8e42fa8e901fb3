"""Requests, grants and events as rows, and rows as them."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from escalation.action import Action
from escalation.audit import Event, EventName
from escalation.authority import Terms
from escalation.grant import Grant, GrantState
from escalation.ladder import Ladder, Rung
from escalation.request import Decision, Evidence, Question, Request, Ruling, State, Verdict, Words
from escalation.store.statement import Row

_MICROSECOND = timedelta(microseconds=1)
_STATES = {state.value: state for state in State}
_GRANT_STATES = {state.value: state for state in GrantState}
_VERDICTS = {verdict.value: verdict for verdict in Verdict}
_EVENT_NAMES = {name.value: name for name in EventName}


def values_of_request(request: Request) -> dict[str, Any]:
    """Return the row of *request*, without its decisions."""
    subject, terms, ladder = request.subject, request.terms, request.ladder
    return {
        **values_that_change(request),
        "id": request.id,
        "tenant": request.tenant,
        "agent": request.agent,
        "function": request.function,
        "owner": request.owner,
        "action_type": subject.type if isinstance(subject, Action) else None,
        "subject": subject.canonical if isinstance(subject, Action) else _question_text(subject),
        "digest": request.digest,
        "words": _words_text(request.words),
        "ruling_rule": request.ruling.rule,
        "ruling_version": request.ruling.version,
        "approvers": json.dumps(terms.approvers),
        "quorum": terms.quorum,
        "channel": request.channel,
        "nudge_at": ladder.nudge_at,
        "backup_at": ladder.backup_at,
        "deadline": ladder.deadline,
        "asked_at": request.asked_at,
        "key": request.key,
        "edits": request.edits,
        "asks_again": request.asks_again,
    }


def values_that_change(request: Request) -> dict[str, Any]:
    """Return the part of *request*'s row that a command may change."""
    return {
        "follow": request.follow,
        "state": request.state.value,
        "version": request.version,
        "rung": int(request.rung),
        "delivered_at": request.delivered_at,
        "acknowledged_by": request.acknowledged_by,
        "decided": len(request.decisions),
        "settled_at": request.settled_at,
        "reason": request.reason,
        "answer": request.answer,
        "next_due_at": request.next_due_at,
    }


def request_of(row: Row, decisions: Sequence[Decision] = ()) -> Request:
    """Return the request of a whole *row* of ``requests``."""
    id_, tenant, agent, function, owner, action_type, subject, digest, words = row[:9]
    rule, rules, approvers, quorum, channel, nudge_at, backup_at, deadline, asked_at = row[9:18]
    key, edits, asks_again, follow, state, version, rung = row[18:25]
    delivered_at, acknowledged_by, _, settled_at, reason, answer, _ = row[25:]
    return Request(
        id=id_,
        tenant=tenant,
        agent=agent,
        function=function,
        owner=owner,
        subject=_subject(action_type, subject, digest),
        digest=digest,
        words=_words(words),
        ruling=Ruling(rule=rule, version=rules),
        terms=Terms(approvers=tuple(json.loads(approvers)), quorum=quorum),
        channel=channel,
        ladder=Ladder(nudge_at=nudge_at, backup_at=backup_at, deadline=deadline),
        asked_at=asked_at,
        key=key,
        edits=edits,
        asks_again=asks_again,
        follow=follow,
        state=_STATES[state],
        version=version,
        rung=Rung(rung),
        delivered_at=delivered_at,
        acknowledged_by=acknowledged_by,
        decisions=tuple(decisions),
        settled_at=settled_at,
        reason=reason,
        answer=answer,
    )


def values_of_decision(request: Request, position: int) -> dict[str, Any]:
    """Return the row of the decision of *request* at *position*."""
    decision = request.decisions[position]
    return {
        "id": decision.id,
        "request": request.id,
        "position": position,
        "person": decision.person,
        "verdict": decision.verdict.value,
        "digest": decision.digest,
        "at": decision.at,
        "ingress": decision.ingress,
        "text": decision.text,
    }


def decision_of(row: Row) -> Decision:
    """Return the decision of a whole *row* of ``decisions``."""
    id_, _, _, person, verdict, digest, at, ingress, text = row
    return Decision(
        id=id_, person=person, verdict=_VERDICTS[verdict], digest=digest, at=at, ingress=ingress, text=text
    )


def values_of_grant(grant: Grant) -> dict[str, Any]:
    """Return the row of *grant*."""
    return {
        "id": grant.id,
        "tenant": grant.tenant,
        "request": grant.request,
        "agent": grant.agent,
        "digest": grant.digest,
        "granted_at": grant.granted_at,
        "expires_at": grant.expires_at,
        "report_within": grant.report_within // _MICROSECOND,
        "state": grant.state.value,
        "version": grant.version,
        "attempt": grant.attempt,
        "claimed_at": grant.claimed_at,
        "ended_at": grant.ended_at,
        "result": grant.result,
        "resolved_by": grant.resolved_by,
        "next_due_at": grant.next_due_at,
    }


def grant_of(row: Row) -> Grant:
    """Return the grant of a whole *row* of ``grants``."""
    id_, tenant, request, agent, digest, granted_at, expires_at, report_within, state, version, *end, _ = row
    attempt, claimed_at, ended_at, result, resolved_by = end
    return Grant(
        id=id_,
        tenant=tenant,
        request=request,
        agent=agent,
        digest=digest,
        granted_at=granted_at,
        expires_at=expires_at,
        report_within=report_within * _MICROSECOND,
        state=_GRANT_STATES[state],
        version=version,
        attempt=attempt,
        claimed_at=claimed_at,
        ended_at=ended_at,
        result=result,
        resolved_by=resolved_by,
    )


def values_of_event(event: Event) -> dict[str, Any]:
    """Return the row of *event*, but for its position."""
    return {
        "id": event.id,
        "at": event.at,
        "name": event.name.value,
        "actor": event.actor,
        "subject": event.subject,
        "agent": event.agent,
        "data": event.data,
    }


def event_of(row: Row) -> Event:
    """Return the event of a *row* of ``audit_events`` without its position."""
    id_, at, name, actor, subject, agent, data = row
    return Event(id=id_, at=at, name=_EVENT_NAMES[name], actor=actor, subject=subject, agent=agent, data=data)


def _subject(action_type: str | None, text: str, digest: Any) -> Action | Question:
    if action_type is not None:
        return Action(type=action_type, canonical=text, digest=digest)
    values = json.loads(text)
    return Question(**{**values, "options": tuple(values["options"])})


def _question_text(question: Question) -> str:
    return json.dumps(
        {
            "text": question.text,
            "options": question.options,
            "allow_text": question.allow_text,
            "tried": question.tried,
        }
    )


def _words(text: str) -> Words:
    values = json.loads(text)
    evidence = tuple(Evidence(title=title, url=url) for title, url in values.pop("evidence", ()))
    return Words(**values, evidence=evidence)


def _words_text(words: Words) -> str:
    values = {
        "summary": words.summary,
        "reasoning": words.reasoning,
        "confidence": words.confidence,
        "evidence": [(evidence.title, evidence.url) for evidence in words.evidence],
        "workflow": words.workflow,
        "trace": words.trace,
    }
    return json.dumps({name: value for name, value in values.items() if value is not None and value != []})
