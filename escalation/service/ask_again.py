"""A person who came too late asks an unanswered request once more."""

from dataclasses import replace

from escalation import notice
from escalation.action import Action
from escalation.audit import EventName
from escalation.ids import RequestId
from escalation.ports import Topic
from escalation.reason import Reason, Refused
from escalation.request import AskAgain, Request, State, apply
from escalation.service import asking, pass_time
from escalation.service.core import Clerk, Click, Clicker, Core, save, wake
from escalation.service.propose import stop_over
from escalation.service.take_up import Decided, take_up


async def ask_again(core: Core, click: Click, request_id: RequestId) -> Decided | Refused:
    """Put the same subject once more, with a new deadline; the agent finds it by ``follow``."""
    async with core.store.write() as tx:
        outcome = await take_up(core, tx, click, (request_id, tx.requests.get), _ask_again)
    await wake(core, request_id, Topic.DEADLINE)
    return outcome


async def _ask_again(clerk: Clerk, clicker: Clicker, seen: Request) -> Decided | Refused:
    core, tx = clerk.core, clerk.tx
    agent = core.configuration().agents.get(seen.agent)
    # Switches before requests, as a stop takes them: neither waits for the other for ever.
    stopped = None if agent is None else await stop_over(tx, agent, seen.subject)
    original = await pass_time.lock(core, tx, seen.id)
    if original is None:
        return Refused(Reason.UNKNOWN_REQUEST)
    authority = asking.authority(core.configuration(), original)
    command = AskAgain(by=clicker.person.id, successor=original.id, authority=authority)
    # Who may not is told so, and nothing about rules and stops.
    if isinstance(refused := apply(original, command, now=tx.now), Refused):
        return refused
    if stopped is not None or agent is None:
        return stopped or Refused(Reason.RULES_CHANGED)
    wish = asking.Wish(
        agent=agent,
        subject=original.subject,
        digest=original.digest,
        words=original.words,
        edits=original.edits,
        asks_again=original.id,
        fallback=original.terms,
    )
    return await _repeat(clerk, original, wish, command)


async def _repeat(clerk: Clerk, original: Request, wish: asking.Wish, command: AskAgain) -> Decided | Refused:
    core, tx = clerk.core, clerk.tx
    successor = asking.draft(core, tx, wish)
    if successor.state is State.REJECTED:
        return Refused(Reason.DENIED_BY_RULE, successor.reason or "")
    outcome = apply(original, replace(command, successor=successor.id), now=tx.now)
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
    await clerk.thread(original, notice.AskedAgain(by=command.by, follow=successor.id))
    return Decided(request=successor)
