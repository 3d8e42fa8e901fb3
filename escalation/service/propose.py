"""An agent puts a proposal or a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from escalation.action import Action, Digest, Json, action, digest
from escalation.configuration import Agent
from escalation.errors import StoreError
from escalation.grant import Grant
from escalation.ids import AgentName
from escalation.ports import Topic, Transaction
from escalation.reason import Reason, Refused
from escalation.request import Question, Request, State, Words
from escalation.service import asking
from escalation.service.core import Core, by_agent, wake
from escalation.switch import Switch, covering


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An action that an agent wants to take, as it arrived."""

    type: str
    arguments: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Propose:
    """What an agent sends."""

    agent: AgentName
    key: str  #: Its idempotency key.
    subject: Proposal | Question
    words: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """It is stored."""

    request: Request
    grant: Grant | None
    fresh: bool  #: Whether this call stored it; False when it was stored by an earlier one.


async def propose(core: Core, command: Propose) -> Proposed | Refused:
    """Store what *command* asks and put it to people, unless a rule settles it.

    Raises ``InvalidAction`` for arguments that have no canonical form.
    """
    agent = core.configuration().agents.get(command.agent)
    subject = _subject(agent, command.subject)
    core.kill("propose:before-insert")
    # Of two calls with one key that race, the one that loses finds at its second look what the other stored.
    outcome = await _try(core, command, agent, subject) or await _try(core, command, agent, subject)
    if outcome is None:
        raise StoreError(f"the key {command.key!r} was taken a moment ago; send it again")
    core.kill("propose:before-reply")
    if isinstance(outcome, Proposed) and outcome.fresh:
        await wake(core, Topic.DEADLINE)
    return outcome


async def _try(
    core: Core, command: Propose, agent: Agent | None, subject: asking.Subject | Refused
) -> Proposed | Refused | None:
    async with core.store.write() as tx:
        outcome = await _store(core, tx, command, agent, subject)
        core.kill("propose:before-commit")
    return outcome


def _subject(agent: Agent | None, wanted: Proposal | Question) -> asking.Subject | Refused:
    if isinstance(wanted, Question):
        return wanted
    made = action(wanted.type, wanted.arguments)
    known = None if agent is None else agent.actions.get(wanted.type)
    if known is None:
        names = "" if agent is None else ", ".join(sorted(agent.actions))
        return Refused(Reason.UNKNOWN_ACTION_TYPE, f"{wanted.type}; it has: {names or 'none'}")
    if (misfit := known.misfit(made.arguments)) is not None:
        return Refused(Reason.ARGUMENTS_INVALID, f"{misfit.path}: {misfit.problem}")
    return made


async def _store(
    core: Core, tx: Transaction, command: Propose, agent: Agent | None, subject: asking.Subject | Refused
) -> Proposed | Refused | None:
    clerk = by_agent(core, tx, command.agent)
    if (known := await tx.requests.by_key(command.agent, command.key)) is not None:
        # The same question in other words is the same question; people decide about the subject.
        if known.digest == digest_of(command.subject):
            return Proposed(request=known, grant=await tx.grants.of(known.id), fresh=False)
        subject = Refused(Reason.KEY_REUSED)
    elif agent is not None and (stopped := await stop_over(tx, agent, subject)) is not None:
        subject = stopped
    if isinstance(subject, Refused) or agent is None:
        refused = subject if isinstance(subject, Refused) else Refused(Reason.UNKNOWN_AGENT, command.agent)
        return await clerk.refuse(refused, command.agent, agent=command.agent, what="propose")
    request = asking.draft(core, tx, _wish(command, agent, subject))
    if not await tx.requests.add(request):
        return None
    await asking.record_asked(clerk, request)
    if request.state is State.PENDING:
        await clerk.card(request)
        return Proposed(request=request, grant=None, fresh=True)
    await asking.record_settled(clerk, request)
    grant = await asking.give_grant(clerk, request) if request.state.gives_authority else None
    return Proposed(request=request, grant=grant, fresh=True)


def _wish(command: Propose, agent: Agent, subject: asking.Subject) -> asking.Wish:
    return asking.Wish(
        agent=agent,
        subject=subject,
        digest=subject.digest if isinstance(subject, Action) else digest_of(command.subject),
        words=command.words,
        key=command.key,
    )


def digest_of(subject: Proposal | Question) -> Digest:
    """Return what identifies *subject*: decisions, grants and claims name it."""
    if isinstance(subject, Proposal):
        return action(subject.type, subject.arguments).digest
    return digest(
        {"allow_text": subject.allow_text, "options": list(subject.options), "question": subject.text}
    )


async def stop_over(tx: Transaction, agent: Agent, subject: asking.Subject | Refused) -> Refused | None:
    """Return the refusal if a stop covers *agent* doing *subject*, and keep it from changing meanwhile."""
    type_ = subject.type if isinstance(subject, Action) else None
    scopes = covering(agent=agent.name, function=agent.function, action_type=type_)
    return first_stop(await tx.switches.share(scopes))


def first_stop(switches: Sequence[Switch]) -> Refused | None:
    """Return the refusal that the first stopped one of *switches* means."""
    for switch in switches:
        if switch.stop is not None:
            return Refused(Reason.STOPPED, f"{switch.scope}, by {switch.stop.by}: {switch.stop.reason}")
    return None
