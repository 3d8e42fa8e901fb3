"""A person changes the arguments and approves what they wrote: a new request, judged anew."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from escalation import notice
from escalation.action import Action, Json, action
from escalation.configuration import Agent
from escalation.errors import InvalidAction
from escalation.ids import RequestId
from escalation.ports import Card, Topic
from escalation.reason import Reason, Refused
from escalation.request import Applied, Request, State, Supersede, Verdict, apply
from escalation.service import asking, pass_time
from escalation.service.core import Clerk, Click, Clicker, Core, save, wake
from escalation.service.decide import decision_of, settle_by
from escalation.service.propose import stop_over
from escalation.service.take_up import Decided, take_up


async def edit(
    core: Core, click: Click, request_id: RequestId, arguments: Mapping[str, Json]
) -> Decided | Refused:
    """Let the person behind *click* approve the request's action with other *arguments*.

    The request is superseded by a new one, which today's rules judge; the person's approval
    counts for it as far as those rules let it.
    """
    async with core.store.write() as tx:
        outcome = await take_up(core, tx, click, (request_id, tx.requests.get), partial(_edit, arguments))
    await wake(core, request_id, Topic.DEADLINE)
    return outcome


async def _edit(
    arguments: Mapping[str, Json], clerk: Clerk, clicker: Clicker, seen: Request
) -> Decided | Refused:
    core, tx = clerk.core, clerk.tx
    agent = core.configuration().agents.get(seen.agent)
    # Switches before requests, as a stop takes them: neither waits for the other for ever.
    stopped = None if agent is None else await stop_over(tx, agent, seen.subject)
    original = await pass_time.lock(core, tx, seen.id)
    if original is None:
        return Refused(Reason.UNKNOWN_REQUEST)
    authority = asking.authority(core.configuration(), original)
    command = Supersede(by=clicker.person.id, successor=original.id, authority=authority)
    # Who may not is told so, and nothing about arguments, rules and stops.
    if isinstance(refused := apply(original, command, now=tx.now), Refused):
        return refused
    if stopped is not None:
        return stopped
    if agent is None or not isinstance(original.subject, Action):
        return Refused(Reason.NOT_A_PROPOSAL)
    edited = _edited(agent, original.subject, arguments)
    if isinstance(edited, Refused):
        return edited
    return await _replace(clerk, clicker, original, _Edit(agent=agent, action=edited, command=command))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    agent: Agent
    action: Action  #: With the arguments that the person wrote.
    command: Supersede


def _edited(agent: Agent, old: Action, arguments: Mapping[str, Json]) -> Action | Refused:
    try:
        new = action(old.type, arguments)
    except InvalidAction as error:
        return Refused(Reason.ARGUMENTS_INVALID, str(error))
    known = agent.actions.get(old.type)
    if known is None:
        return Refused(Reason.UNKNOWN_ACTION_TYPE, old.type)
    if (misfit := known.misfit(new.arguments)) is not None:
        return Refused(Reason.ARGUMENTS_INVALID, f"{misfit.path}: {misfit.problem}")
    return Refused(Reason.NOTHING_EDITED) if new.digest == old.digest else new


async def _replace(clerk: Clerk, clicker: Clicker, original: Request, edited: _Edit) -> Decided | Refused:
    core, tx = clerk.core, clerk.tx
    wish = asking.Wish(
        agent=edited.agent,
        subject=edited.action,
        digest=edited.action.digest,
        words=replace(original.words, confidence=None),  # it was the agent's, about its own arguments
        edits=original.id,
        fallback=original.terms,
    )
    successor = asking.draft(core, tx, wish)
    if successor.state is State.REJECTED:
        return Refused(Reason.DENIED_BY_RULE, successor.reason or "")
    outcome = apply(original, replace(edited.command, successor=successor.id), now=tx.now)
    if isinstance(outcome, Refused):
        return outcome
    successor = await _move_card(clerk, original, successor)
    await tx.requests.add(successor)
    await save(tx, outcome.request)
    await asking.record_settled(clerk, outcome.request)
    await asking.record_asked(clerk, successor)
    return await _approve(clerk, clicker, outcome, successor)


async def _move_card(clerk: Clerk, original: Request, successor: Request) -> Request:
    # The same people look at the same place: their card turns into the edited one. Where the
    # edit brings it before others, the old card says where it went and a new one is posted.
    card = await clerk.tx.cards.get(original.id)
    if card is None or card.channel != successor.channel:
        return successor
    return replace(successor, delivered_at=clerk.tx.now)


async def _approve(
    clerk: Clerk, clicker: Clicker, superseded: Applied, successor: Request
) -> Decided | Refused:
    original, tx = superseded.request, clerk.tx
    card = await tx.cards.get(original.id)
    if card is not None and successor.delivered_at is not None:
        await tx.cards.put(Card(request=successor.id, channel=card.channel, ts=card.ts))
    else:
        await clerk.card(original)
    decision = decision_of(clerk, clicker, successor, (Verdict.APPROVE, None))
    if asking.authority(clerk.core.configuration(), successor).objection(clicker.person.id) is None:
        return await settle_by(clerk, successor, decision)
    await clerk.card(successor)
    await clerk.thread(original, notice.Settled(state=original.state.value, by=clicker.person.id))
    return Decided(request=successor)
