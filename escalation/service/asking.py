"""Turns what somebody wants into a request: which rule has the say, who decides, and by when."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias

from escalation import policy
from escalation.action import Action, Digest
from escalation.audit import EventName
from escalation.authority import Authority, Terms
from escalation.configuration import Agent, Configuration
from escalation.grant import Grant
from escalation.ids import GrantId, RequestId
from escalation.ladder import ladder
from escalation.policy import Allow, Ask, Deny, Facts
from escalation.ports import Transaction
from escalation.request import Question, Request, Ruling, State, Words
from escalation.service.core import Clerk, Core

Subject: TypeAlias = Action | Question

_QUESTION_RULE = "questions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be asked, before any rule has looked at it."""

    agent: Agent
    subject: Subject
    digest: Digest
    words: Words
    key: str | None = None
    edits: RequestId | None = None
    asks_again: RequestId | None = None
    fallback: Terms | None = None  #: Who decides where a rule would allow it alone: an edit's editors.


def draft(core: Core, tx: Transaction, wish: Wish) -> Request:
    """Return *wish* as a request: pending, or settled at once by a rule."""
    configuration = core.configuration()
    verdict = judge(wish.agent, wish.subject, wish.words)
    terms, channel, sla = _how(configuration, verdict, wish)
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
        terms=terms,
        channel=channel,
        ladder=ladder(tx.now, sla, configuration.calendar),
        asked_at=tx.now,
        key=wish.key,
        edits=wish.edits,
        asks_again=wish.asks_again,
    )
    match verdict:
        case Allow() if wish.fallback is None:
            return replace(request, state=State.APPROVED, settled_at=tx.now)
        case Deny(why=why):
            return replace(request, state=State.REJECTED, settled_at=tx.now, reason=why)
        case _:
            return request


def judge(agent: Agent, subject: Subject, words: Words) -> policy.Verdict:
    """Return what today's rules say."""
    if isinstance(subject, Question):
        rule = policy.Rule(
            name=_QUESTION_RULE, when=None, then=policy.Then.ASK, channel=agent.questions_channel
        )
        return Ask(rule=rule, terms=agent.questions)
    action_type = agent.actions.get(subject.type)
    if action_type is None:
        return Deny(rule="(none)", why=f"the manifest has no action {subject.type!r} any more")
    facts = Facts(
        args=subject.arguments,
        confidence=words.confidence,
        agent=agent.name,
        function=agent.function,
        action=subject.type,
    )
    return policy.evaluate(action_type.policy, facts)


def authority(configuration: Configuration, request: Request) -> Authority:
    """Return who may decide *request* now: by the terms it was asked under and, if stricter, today's."""
    agent = configuration.agents.get(request.agent)
    terms: tuple[Terms, ...] = (request.terms,)
    denied = agent is None
    if agent is not None and request.ruling.version != configuration.version:
        match judge(agent, request.subject, request.words):
            case Ask(terms=today):
                terms = (request.terms, today)
            case Deny():
                denied = True
            case Allow():
                pass
    owners = {request.owner} if agent is None else {request.owner, agent.owner}
    return Authority(directory=configuration.directory, terms=terms, owners=frozenset(owners), denied=denied)


def still_allowed(configuration: Configuration, request: Request) -> bool:
    """Return whether the authority behind the approved *request* still stands."""
    if request.decisions:
        return authority(configuration, request).suffices(request.approved_by)
    agent = configuration.agents.get(request.agent)
    return agent is not None and isinstance(judge(agent, request.subject, request.words), Allow)


async def record_asked(clerk: Clerk, request: Request) -> None:
    """Add to the record that *request* was asked, and under which terms."""
    subject = request.subject
    await clerk.note(
        EventName.REQUEST_ASKED,
        request.id,
        agent=request.agent,
        kind="proposal" if isinstance(subject, Action) else "question",
        action=subject.type if isinstance(subject, Action) else None,
        digest=request.digest,
        rule=request.ruling.rule,
        version=request.ruling.version,
        approvers=list(request.terms.approvers),
        quorum=request.terms.quorum,
        edits=request.edits,
        asks_again=request.asks_again,
    )


async def record_settled(clerk: Clerk, request: Request) -> None:
    """Add to the record how *request* ended."""
    await clerk.note(
        EventName(f"request.{request.state.value}"),
        request.id,
        agent=request.agent,
        digest=request.digest,
        reason=request.reason,
        answer=request.answer,
        follow=request.follow,
    )


async def give_grant(clerk: Clerk, request: Request) -> Grant:
    """Grant what *request* was approved for."""
    core, tx = clerk.core, clerk.tx
    times = core.configuration().times
    grant = Grant(
        id=GrantId(core.ids.new("grt")),
        tenant=request.tenant,
        request=request.id,
        agent=request.agent,
        digest=request.digest,
        granted_at=tx.now,
        expires_at=tx.now + times.grant,
        report_within=times.report,
    )
    await tx.grants.add(grant)
    await clerk.note(
        EventName.GRANT_GRANTED, grant.id, agent=grant.agent, request=request.id, digest=grant.digest
    )
    return grant


def _how(configuration: Configuration, verdict: policy.Verdict, wish: Wish) -> tuple[Terms, str, timedelta]:
    if isinstance(verdict, Ask):
        channel = verdict.rule.channel or configuration.channel_of(verdict.terms)
        return verdict.terms, channel, verdict.rule.sla or configuration.times.sla
    # Nobody is asked, unless a person edited: then those who decided about the original decide.
    terms = wish.fallback or Terms(approvers=(), quorum=1)
    return terms, configuration.channel_of(terms), configuration.times.sla


def _rule(verdict: policy.Verdict) -> str:
    return verdict.rule.name if isinstance(verdict, Ask) else verdict.rule
