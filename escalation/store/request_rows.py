"""A request and its decisions as rows, and rows as them."""

import json
from collections.abc import Sequence
from typing import Any

from escalation.action import Action
from escalation.authority import Edits, Terms
from escalation.ladder import Ladder, Rung
from escalation.request import Decision, Evidence, Question, Request, Ruling, State, Verdict, Words
from escalation.store.statement import Row

_STATES = {state.value: state for state in State}
_EDITS = {edits.value: edits for edits in Edits}
_RUNGS = {int(rung): rung for rung in Rung}
_VERDICTS = {verdict.value: verdict for verdict in Verdict}


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
        "approvers": approvers_text(terms.approvers),
        "quorum": terms.quorum,
        "editing": terms.edits.value,
        "channel": request.channel,
        "nudge_at": ladder.nudge_at,
        "backup_at": ladder.backup_at,
        "deadline": ladder.deadline,
        "asked_at": request.asked_at,
        "key": request.key,
        "edits": request.edits,
        "author": request.author,
        "asks_again": request.asks_again,
    }


def approvers_text(names: Sequence[str]) -> str:
    """Return a list of approvers as it is stored, so that it can be looked for."""
    return json.dumps(names)


def approvers_of(row: Row) -> tuple[str, ...]:
    """Return the list of approvers in *row*."""
    return tuple(json.loads(row.approvers))


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
    return Request(
        id=row.id,
        tenant=row.tenant,
        agent=row.agent,
        function=row.function,
        owner=row.owner,
        subject=_subject(row),
        digest=row.digest,
        words=_words(row.words),
        ruling=Ruling(rule=row.ruling_rule, version=row.ruling_version),
        terms=Terms(approvers=approvers_of(row), quorum=row.quorum, edits=_EDITS[row.editing]),
        channel=row.channel,
        ladder=Ladder(nudge_at=row.nudge_at, backup_at=row.backup_at, deadline=row.deadline),
        asked_at=row.asked_at,
        key=row.key,
        edits=row.edits,
        author=row.author,
        asks_again=row.asks_again,
        follow=row.follow,
        state=_STATES[row.state],
        version=row.version,
        rung=_RUNGS[row.rung],
        delivered_at=row.delivered_at,
        acknowledged_by=row.acknowledged_by,
        decisions=tuple(decisions),
        settled_at=row.settled_at,
        reason=row.reason,
        answer=row.answer,
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
    return Decision(
        id=row.id,
        person=row.person,
        verdict=_VERDICTS[row.verdict],
        digest=row.digest,
        at=row.at,
        ingress=row.ingress,
        text=row.text,
    )


def _subject(row: Row) -> Action | Question:
    if row.action_type is not None:
        return Action(type=row.action_type, canonical=row.subject, digest=row.digest)
    values = json.loads(row.subject)
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
