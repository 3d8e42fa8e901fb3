"""What the rules, the switches and the directory say about a request today."""

from collections.abc import Sequence
from typing import TypeAlias

from escalation import policy
from escalation.action import Action
from escalation.authority import Authority, Terms
from escalation.configuration import Agent, Configuration
from escalation.ids import AgentName
from escalation.policy import Allow, Ask, Deny, Facts
from escalation.ports import Transaction
from escalation.reason import Reason, Refused
from escalation.request import Question, Request, Words
from escalation.switch import Scope, ScopeKind, Switch, covering

Subject: TypeAlias = Action | Question

_QUESTION_RULE = "questions"


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
    return Authority(
        directory=configuration.directory,
        terms=terms,
        owners=frozenset(owners),
        denied=denied,
        author=request.author,
    )


def still_allowed(configuration: Configuration, request: Request) -> bool:
    """Return whether the authority behind the approved *request* still stands."""
    if request.decisions:
        return authority(configuration, request).suffices(request.approved_by)
    agent = configuration.agents.get(request.agent)
    if agent is None:
        return False
    if request.ruling.version == configuration.version:
        return _is_allowance(agent, request)
    return isinstance(judge(agent, request.subject, request.words), Allow)


def _is_allowance(agent: Agent, request: Request) -> bool:
    """Return whether the rule that had the say allows: under one version it has the say every time."""
    action_type = agent.actions.get(request.subject.type) if isinstance(request.subject, Action) else None
    rules = () if action_type is None else action_type.policy.rules
    return any(rule.name == request.ruling.rule and rule.then is policy.Then.ALLOW for rule in rules)


async def stop_over(tx: Transaction, agent: Agent, subject: Subject | Refused) -> Refused | None:
    """Return the refusal if a stop covers *agent* doing *subject*, and keep it from changing meanwhile."""
    type_ = subject.type if isinstance(subject, Action) else None
    scopes = covering(agent=agent.name, function=agent.function, action_type=type_)
    return first_stop(await tx.switches.share(scopes))


def stop_on(configuration: Configuration, request: Request, stopped: Sequence[Switch]) -> Switch | None:
    """Return the first of *stopped*, which are in the order of their stops, that covers *request*."""
    scopes = scopes_over(configuration, request)
    return next((switch for switch in stopped if switch.scope in scopes), None)


def scopes_over(configuration: Configuration, request: Request) -> frozenset[Scope]:
    """
    Return every scope whose stop holds *request*.

    A stop of the function that the agent works for today holds it too, whichever one it asked for.
    """
    agent = configuration.agents.get(request.agent)
    functions = {request.function} | (set() if agent is None else {agent.function})
    type_ = request.subject.type if isinstance(request.subject, Action) else None
    every = (covering(agent=request.agent, function=each, action_type=type_) for each in functions)
    return frozenset().union(*every)


def agents_under(configuration: Configuration, scope: Scope) -> frozenset[AgentName]:
    """Return whose requests a stop of *scope* holds whatever function they were asked for."""
    if scope.kind is not ScopeKind.FUNCTION:
        return frozenset()
    return frozenset(agent.name for agent in configuration.agents.values() if agent.function == scope.name)


async def is_anything_left(configuration: Configuration, tx: Transaction, scope: Scope) -> bool:
    """Return whether something waits that a stop of *scope* ends."""
    agents = agents_under(configuration, scope)
    pending = await tx.requests.any_pending(scope, agents=agents)
    return pending or await tx.grants.any_unclaimed(scope, agents=agents)


def first_stop(switches: Sequence[Switch]) -> Refused | None:
    """Return the refusal that the first stopped one of *switches* means."""
    for switch in switches:
        if switch.stop is not None:
            return Refused(Reason.STOPPED, f"{switch.scope}, by {switch.stop.by}: {switch.stop.reason}")
    return None
