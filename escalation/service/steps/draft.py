"""Turns what somebody wants into a request: which rule has the say, who decides, and by when."""

from dataclasses import dataclass, replace
from datetime import timedelta

from escalation import policy
from escalation.action import Digest
from escalation.audit import EventName
from escalation.authority import Terms, terms_after_edit
from escalation.configuration import Agent, Configuration
from escalation.ids import PersonId, RequestId
from escalation.ladder import ladder
from escalation.policy import Allow, Ask, Deny
from escalation.ports import Transaction
from escalation.replay import asked
from escalation.request import Request, Ruling, State, Words
from escalation.service.context import Core
from escalation.service.steps.clerk import Clerk
from escalation.service.steps.judge import Subject, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be asked, before any rule has looked at it."""

    agent: Agent
    subject: Subject
    digest: Digest
    words: Words
    key: str | None = None  #: The agent's idempotency key.
    edits: RequestId | None = None
    author: PersonId | None = None  #: Who wrote the arguments, if a person edited them.
    asks_again: RequestId | None = None
    before: Terms | None = None  #: Of the one it follows; they hold where a rule would allow it alone.


def draft(core: Core, tx: Transaction, wish: Wish) -> Request:
    """Return *wish* as a request: pending, or settled at once by a rule."""
    configuration = core.configuration()
    verdict = judge(wish.agent, wish.subject, wish.words)
    how = _how(configuration, verdict, wish)
    request = Request(
        id=RequestId(core.ids.new("req")),
        tenant=configuration.tenant,
        agent=wish.agent.name,
        function=wish.agent.function,
        owner=wish.agent.owner,
        subject=wish.subject,
        digest=wish.digest,
        words=wish.words,
        ruling=Ruling(rule=_rule(verdict), version=configuration.version),
        terms=how.terms,
        channel=how.channel,
        ladder=ladder(tx.now, how.sla, configuration.calendar),
        asked_at=tx.now,
        key=wish.key,
        edits=wish.edits,
        author=wish.author,
        asks_again=wish.asks_again,
    )
    match verdict:
        case Allow() if wish.before is None:
            return replace(request, state=State.APPROVED, settled_at=tx.now)
        case Deny(why=why):
            return replace(request, state=State.REJECTED, settled_at=tx.now, reason=why)
        case _:
            return request


async def record_asked(clerk: Clerk, request: Request) -> None:
    """Add to the record that *request* was asked, and everything that is fixed from then on."""
    await clerk.record(
        EventName.REQUEST_ASKED, request.id, agent=request.agent, at=request.asked_at, **asked(request)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _How:
    terms: Terms
    channel: str
    sla: timedelta


def _how(configuration: Configuration, verdict: policy.Verdict, wish: Wish) -> _How:
    if isinstance(verdict, Ask):
        return _How(
            terms=_terms(configuration, verdict.terms, wish),
            channel=verdict.rule.channel or configuration.channel_of(verdict.terms),
            sla=verdict.rule.sla or configuration.times.sla,
        )
    # Nobody is asked, unless a person edited: then those who decided about the original decide.
    terms = wish.before or Terms(approvers=(), quorum=1)
    return _How(terms=terms, channel=configuration.channel_of(terms), sla=configuration.times.sla)


def _terms(configuration: Configuration, ruled: Terms, wish: Wish) -> Terms:
    if wish.author is None or wish.before is None:
        return ruled
    return terms_after_edit(configuration.directory, wish.before, ruled)


def _rule(verdict: policy.Verdict) -> str:
    return verdict.rule.name if isinstance(verdict, Ask) else verdict.rule
