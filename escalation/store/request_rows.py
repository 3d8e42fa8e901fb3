"""A request and its decisions as rows, and rows as them."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from escalation.action import Action, of_canonical
from escalation.authority import Edits, Terms
from escalation.ladder import Ladder, Rung
from escalation.request import Decision, Evidence, Question, Request, Ruling, State, Verdict, Words
from escalation.store.reading import Misread, Shape, decoded, known
from escalation.store.statement import Row
from escalation.store.tables import decisions as decisions_table

_STATES = {state.value: state for state in State}
_EDITS = {edits.value: edits for edits in Edits}
_RUNGS = {int(rung): rung for rung in Rung}
_VERDICTS = {verdict.value: verdict for verdict in Verdict}
_DECISION = Shape(decisions_table)
_NONE = type(None)
#: The keys of a question and of an agent's words that this version knows, with their types.
_QUESTION = {"text": (str,), "options": (list,), "allow_text": (bool,), "tried": (str, _NONE)}
_WORDS = {
    "summary": (str,),
    "reasoning": (str,),
    "confidence": (float, int),
    "workflow": (str,),
    "trace": (str,),
}


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


@lru_cache(maxsize=1024)  # one for each list that some rule names
def approvers_of(text: str) -> tuple[str, ...]:
    """Return the list of approvers that is stored as *text*, or raise ``Misread``."""
    names = decoded(text, "approvers", list)
    if not all(isinstance(name, str) for name in names):
        raise Misread("approvers", "has a name that is no text")
    return tuple(names)


def approvers_if_any(stored: object) -> tuple[str, ...] | None:
    """Return the list of approvers that is *stored*; nothing if it cannot be read."""
    try:
        return approvers_of(stored) if isinstance(stored, str) else None
    except Misread:
        return None


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


def request_of(row: Row, decided: Sequence[Row] = ()) -> Request:
    """
    Return the request of a whole *row* of ``requests`` and its rows of ``decisions``, if they are there.

    What this version does not know is ignored in the agent's words alone: they decide nothing. Anything
    else that does not fit together may change who decides or what runs: then it raises ``Misread``.
    """
    request = _request(row, [decision_of(each) for each in decided])
    if len(decided) < row.decided:
        raise Misread("decided", "counts more decisions than there are")
    if request.next_due_at != row.next_due_at:
        raise Misread("next_due_at", "is not when its next rung is due")
    return request


def _request(row: Row, decisions: Sequence[Decision]) -> Request:
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
        terms=Terms(
            approvers=approvers_of(row.approvers),
            quorum=row.quorum,
            edits=known(_EDITS, row.editing, "editing"),
        ),
        channel=row.channel,
        ladder=Ladder(nudge_at=row.nudge_at, backup_at=row.backup_at, deadline=row.deadline),
        asked_at=row.asked_at,
        key=row.key,
        edits=row.edits,
        author=row.author,
        asks_again=row.asks_again,
        follow=row.follow,
        state=known(_STATES, row.state, "state"),
        version=row.version,
        rung=known(_RUNGS, row.rung, "rung"),
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
    """Return the decision of a whole *row* of ``decisions``, or raise ``Misread``."""
    _DECISION.check(row)
    return Decision(
        id=row.id,
        person=row.person,
        verdict=known(_VERDICTS, row.verdict, "verdict"),
        digest=row.digest,
        at=row.at,
        ingress=row.ingress,
        text=row.text,
    )


def _typed(column: str, values: Mapping[str, Any], name: str, *types: type) -> Any:
    value = values.get(name)
    if type(value) not in types:
        raise Misread(column, f"has a {name} that this version cannot read")
    return value


def _subject(row: Row) -> Action | Question:
    if row.action_type is not None:
        action = of_canonical(row.action_type, row.subject)
        if action.digest != row.digest:
            raise Misread("subject", "does not have its digest")
        return action
    values = decoded(row.subject, "subject", dict)
    fields = {name: _typed("subject", values, name, *types) for name, types in _QUESTION.items()}
    question = Question(**{**fields, "options": tuple(fields["options"])})
    if not all(isinstance(option, str) for option in question.options):
        raise Misread("subject", "has an option that is no text")
    # A key that is not known may be part of what is asked: only if the digest does without it, it is not.
    if values.keys() - _QUESTION.keys() and question.digest != row.digest:
        raise Misread("subject", "does not have its digest")
    return question


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
    values = decoded(text, "words", dict)
    said = {name: _typed("words", values, name, *_WORDS[name]) for name in _WORDS.keys() & values.keys()}
    evidence = tuple(Evidence(title=title, url=url) for title, url, *_ in values.get("evidence", ()))
    return Words(**said, evidence=evidence)


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
