"""An agent puts a proposal or a question."""

# Every call makes its use case anew; evaluating the annotations costs more than that.
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from escalation.action import Action, Digest, Json, action
from escalation.configuration import Agent
from escalation.errors import StoreError
from escalation.grant import Grant
from escalation.ids import AgentName
from escalation.ports import Transaction, UseCase
from escalation.reason import Reason, Refused
from escalation.request import Question, Request, State, Words
from escalation.service.context import Core, wake
from escalation.service.steps.caps import over_cap
from escalation.service.steps.clerk import Clerk, by_agent
from escalation.service.steps.draft import Wish, draft, record_asked
from escalation.service.steps.fence import by_the_one_in_force, frozen
from escalation.service.steps.grants import give_grant
from escalation.service.steps.judge import Subject, stop_over
from escalation.service.steps.refused_call import counted, refuse_call
from escalation.service.steps.settle import record_settled


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """What was sent, held against its agent's manifest."""

    agent: Agent | None
    subject: Subject | Refused
    digest: Digest  #: Of the subject as it was sent: it tells whether the same was asked before.


async def propose(core: Core, command: Propose) -> Proposed | Refused:
    """Store what *command* asks and put it to people, unless a rule settles it.

    Raises ``InvalidAction`` for arguments that have no canonical form.
    """
    core.kill("propose:before-insert")
    # Of two calls with one idempotency key that race, the loser finds at its second attempt what the
    # winner stored.
    outcome = await _try(core, command) or await _try(core, command)
    if outcome is None:
        raise StoreError(f"the key {command.key!r} was taken a moment ago; send it again")
    core.kill("propose:before-reply")
    if isinstance(outcome, Proposed) and outcome.fresh:
        await wake(core)
    return counted(core, command.agent, "propose", outcome)


def _check(core: Core, command: Propose) -> _Candidate:
    agent, wanted = core.configuration().agents.get(command.agent), command.subject
    if isinstance(wanted, Question):
        return _Candidate(agent=agent, subject=wanted, digest=wanted.digest)
    made = action(wanted.type, wanted.arguments)
    return _Candidate(agent=agent, subject=_misfit(agent, made) or made, digest=made.digest)


def _misfit(agent: Agent | None, wanted: Action) -> Refused | None:
    known = None if agent is None else agent.actions.get(wanted.type)
    if known is None:
        names = "" if agent is None else ", ".join(sorted(agent.actions))
        return Refused(Reason.UNKNOWN_ACTION_TYPE, f"{wanted.type}; it has: {names or 'none'}")
    misfit = known.misfit(wanted.arguments)
    return None if misfit is None else Refused(Reason.ARGUMENTS_INVALID, f"{misfit.path}: {misfit.problem}")


async def _try(core: Core, command: Propose) -> Proposed | Refused | None:
    def begin(core: Core) -> UseCase[Proposed | Refused | None]:
        candidate = _check(core, command)

        async def in_transaction(tx: Transaction) -> Proposed | Refused | None:
            outcome = await _propose(by_agent(core, tx, command.agent), command, candidate)
            core.kill("propose:before-commit")
            return outcome

        return in_transaction

    return await by_the_one_in_force(core, begin, touches=(f"{command.agent}/{command.key}",))


async def _propose(clerk: Clerk, command: Propose, candidate: _Candidate) -> Proposed | Refused | None:
    tx, agent, subject = clerk.tx, candidate.agent, candidate.subject
    if (known := await tx.requests.by_key(command.agent, command.key)) is not None:
        # The same question in other words is the same question; people decide about the subject.
        if known.digest == candidate.digest:
            return Proposed(request=known, grant=await tx.grants.of(known.id), fresh=False)
        subject = Refused(Reason.KEY_REUSED)
    elif (held := await frozen(tx)) is not None:
        subject = held
    elif agent is not None and (stopped := await stop_over(tx, agent, subject)) is not None:
        subject = stopped
    if isinstance(subject, Refused) or agent is None:
        refused = subject if isinstance(subject, Refused) else Refused(Reason.UNKNOWN_AGENT, command.agent)
        return await refuse_call(clerk, refused, command.agent, agent=command.agent, what="propose")
    wish = Wish(agent=agent, subject=subject, digest=candidate.digest, words=command.words, key=command.key)
    request = draft(clerk.core, clerk.tx, wish)
    # What a rule settles is asked of nobody.
    if request.state is State.PENDING and (capped := await over_cap(clerk, request)) is not None:
        return await refuse_call(clerk, capped, command.agent, agent=command.agent, what="propose")
    return await _store(clerk, request)


async def _store(clerk: Clerk, request: Request) -> Proposed | None:
    if not await clerk.tx.requests.add(request):
        return None
    await record_asked(clerk, request)
    if request.state is State.PENDING:
        await clerk.card(request)
        return Proposed(request=request, grant=None, fresh=True)
    await record_settled(clerk, request)
    grant = await give_grant(clerk, request) if request.state.gives_authority else None
    return Proposed(request=request, grant=grant, fresh=True)
