"""A person changes the arguments and approves what they wrote: a new request, judged anew."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from escalation import notice
from escalation.action import Action, Json, action
from escalation.authority import Authority, Edits, Terms
from escalation.configuration import Agent
from escalation.errors import InvalidAction
from escalation.ids import PersonId, RequestId
from escalation.ports import Card
from escalation.reason import Reason, Refused
from escalation.request import Request, Supersede, Verdict
from escalation.service.context import Click, Core, Counted, wake
from escalation.service.steps.asking import ask_directly
from escalation.service.steps.clerk import Clerk
from escalation.service.steps.click import Clicker, read, use_click
from escalation.service.steps.decision import apply_decision, decision_of
from escalation.service.steps.draft import Wish, draft, record_asked
from escalation.service.steps.judge import authority
from escalation.service.steps.settle import record_settled
from escalation.service.steps.successor import Succession, hold_predecessor, succeed


async def edit(
    core: Core, click: Click, request_id: RequestId, arguments: Mapping[str, Json]
) -> Counted | Refused:
    """Let the person behind *click* approve the request's action with other *arguments*.

    The request is superseded by a new one, which today's rules judge; the person's approval
    counts for it as far as those rules let it.
    """
    outcome = await use_click(core, click, request_id, find=read, use=partial(_edit, arguments))
    core.kill("edit:before-ack")
    await wake(core, request_id)
    return outcome


async def foresee(
    core: Core, request_id: RequestId, arguments: Mapping[str, Json], *, author: PersonId
) -> Request | None:
    """
    Return the request that an edit by *author* would ask now, without asking it.

    None where ``edit`` refuses it by the arguments or the rules; it says why, and records it.
    """
    async with core.store.read() as tx:
        original = await tx.requests.get(request_id)
        agent = None if original is None else core.configuration().agents.get(original.agent)
        if original is None or agent is None or not isinstance(original.subject, Action):
            return None
        edited = _edited(agent, original.subject, arguments)
        if isinstance(edited, Refused):
            return None
        before = replace(original.terms, edits=authority(core.configuration(), original).edits)
        successor = draft(core, tx, _wish(agent, original, edited, before, author=author))
        refused = successor.state.is_settled or successor.terms.edits is Edits.FORBIDDEN
        return None if refused else successor


async def _edit(
    arguments: Mapping[str, Json], clerk: Clerk, clicker: Clicker, seen: Request
) -> Counted | Refused:
    def command(successor: RequestId, authority: Authority) -> Supersede:
        return Supersede(by=clicker.person.id, successor=successor, authority=authority)

    held = await hold_predecessor(clerk, seen, command)
    if isinstance(held, Refused):
        return held
    if held.stopped is not None:
        return held.stopped
    original = held.request
    if held.agent is None or not isinstance(original.subject, Action):
        return Refused(Reason.NOT_A_PROPOSAL)
    edited = _edited(held.agent, original.subject, arguments)
    if isinstance(edited, Refused):
        return edited
    before = replace(original.terms, edits=held.command.authority.edits)
    pair = succeed(clerk, held, _wish(held.agent, original, edited, before, author=clicker.person.id))
    if isinstance(pair, Succession) and pair.successor.terms.edits is Edits.FORBIDDEN:
        return Refused(Reason.EDITS_FORBIDDEN)
    if isinstance(pair, Refused):
        return pair
    outcome = await _replace(clerk, clicker, pair)
    clerk.core.kill("edit:before-commit")
    return outcome


def _wish(agent: Agent, original: Request, edited: Action, before: Terms, *, author: PersonId) -> Wish:
    return Wish(
        agent=agent,
        subject=edited,
        digest=edited.digest,
        words=replace(original.words, confidence=None),  # it was the agent's, about its own arguments
        edits=original.id,
        author=author,
        before=before,
    )


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


async def _replace(clerk: Clerk, clicker: Clicker, pair: Succession) -> Counted | Refused:
    tx, original = clerk.tx, pair.before
    # The same people look at the same place: their card turns into the edited one. Where the
    # edit brings it before others, the old card says where it went and a new one is posted.
    card = await tx.cards.get(original.id)
    stays = card is not None and card.channel == pair.successor.channel
    successor = replace(pair.successor, delivered_at=tx.now) if stays else pair.successor
    await clerk.add(successor)
    await clerk.save(original)
    await record_settled(clerk, original)
    await record_asked(clerk, successor)
    if card is not None and stays:
        await tx.cards.put(Card(request=successor.id, channel=card.channel, ts=card.ts))
    else:
        await clerk.card(original)
    return await _approve(clerk, clicker, original=original, successor=successor)


async def _approve(
    clerk: Clerk, clicker: Clicker, *, original: Request, successor: Request
) -> Counted | Refused:
    who_may = authority(clerk.core.configuration(), successor)
    if clicker.person.id in who_may.approvers and not who_may.denied:
        decision = decision_of(clerk, clicker, successor, verdict=Verdict.APPROVE)
        return await apply_decision(clerk, successor, decision)
    await clerk.card(successor)
    if successor.delivered_at is not None:
        await ask_directly(clerk, successor)  # its card stands: nobody will do it when it is posted
    told = notice.Settled(state=original.state.value, by=clicker.person.id)
    await clerk.thread(original, told)
    return Counted(request=successor)
