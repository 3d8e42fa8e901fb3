"""A person who came too late asks an unanswered request once more."""

from escalation import notice
from escalation.action import Action
from escalation.audit import EventName
from escalation.ids import RequestId
from escalation.ports import Topic, Transaction
from escalation.reason import Reason, Refused
from escalation.request import AskAgain, Request, State, apply
from escalation.service import asking
from escalation.service.core import Clerk, Click, Clicker, Core, by_person, save, take_in, wake
from escalation.service.decide import Decided
from escalation.service.propose import stop_over


async def ask_again(core: Core, click: Click, request_id: RequestId) -> Decided | Refused:
    """Put the same subject once more, with a new deadline; the agent finds it by ``follow``."""
    async with core.store.write() as tx:
        clicker = await take_in(core, tx, click, request_id)
        if isinstance(clicker, Refused):
            return clicker
        outcome = await _ask_again(core, tx, clicker, request_id)
        if isinstance(outcome, Refused) and clicker is not None:
            await by_person(core, tx, clicker.person.id).refuse(outcome, request_id, what=click.what)
    await wake(core, request_id, Topic.DEADLINE)
    return outcome


async def _ask_again(
    core: Core, tx: Transaction, clicker: Clicker | None, request_id: RequestId
) -> Decided | Refused:
    seen = await tx.requests.get(request_id)
    if seen is None:
        return Refused(Reason.UNKNOWN_REQUEST)
    if clicker is None:
        return Decided(request=seen, repeated=True)
    agent = core.configuration().agents.get(seen.agent)
    if agent is None:
        return Refused(Reason.RULES_CHANGED)
    if (stopped := await stop_over(tx, agent, seen.subject)) is not None:
        return stopped
    original = await tx.requests.lock(request_id)
    if original is None:
        return Refused(Reason.UNKNOWN_REQUEST)
    wish = asking.Wish(
        agent=agent,
        subject=original.subject,
        digest=original.digest,
        words=original.words,
        edits=original.edits,
        asks_again=original.id,
        fallback=original.terms,
    )
    return await _repeat(by_person(core, tx, clicker.person.id), clicker, original, wish)


async def _repeat(clerk: Clerk, clicker: Clicker, original: Request, wish: asking.Wish) -> Decided | Refused:
    core, tx = clerk.core, clerk.tx
    successor = asking.draft(core, tx, wish)
    if successor.state is State.REJECTED:
        return Refused(Reason.DENIED_BY_RULE, successor.reason or "")
    authority = asking.authority(core.configuration(), original)
    command = AskAgain(by=clicker.person.id, successor=successor.id, authority=authority)
    outcome = apply(original, command, now=tx.now)
    if isinstance(outcome, Refused):
        return outcome
    await tx.requests.add(successor)
    await save(tx, outcome.request)
    kind = successor.subject.type if isinstance(successor.subject, Action) else "question"
    await clerk.note(
        EventName.REQUEST_ASKED_AGAIN, original.id, agent=original.agent, follow=successor.id, kind=kind
    )
    await asking.record_asked(clerk, successor)
    await clerk.card(outcome.request)
    await clerk.card(successor)
    await clerk.thread(original, notice.AskedAgain(by=clicker.person.id, follow=successor.id))
    return Decided(request=successor)
