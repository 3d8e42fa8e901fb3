"""A person who came too late asks an unanswered request once more."""

from escalation import notice
from escalation.action import Action
from escalation.audit import EventName
from escalation.authority import Authority, Edits
from escalation.ids import PersonId, RequestId
from escalation.reason import Reason, Refused
from escalation.request import AskAgain, Request
from escalation.service.context import Click, Core, Counted, wake
from escalation.service.steps.clerk import Clerk
from escalation.service.steps.click import Clicker, read, use_click
from escalation.service.steps.draft import Wish, record_asked
from escalation.service.steps.successor import Succession, hold_predecessor, succeed


async def ask_again(core: Core, click: Click, request_id: RequestId) -> Counted | Refused:
    """Put the same subject once more, with a new deadline; the agent finds it by ``follow``."""
    outcome = await use_click(core, click, request_id, find=read, use=_ask_again)
    core.kill("again:before-ack")
    await wake(core, request_id)
    return outcome


async def _ask_again(clerk: Clerk, clicker: Clicker, seen: Request) -> Counted | Refused:
    person = clicker.person.id

    def command(successor: RequestId, authority: Authority) -> AskAgain:
        return AskAgain(by=person, successor=successor, authority=authority)

    held = await hold_predecessor(clerk, seen, command)
    if isinstance(held, Refused):
        return held
    if held.stopped is not None or held.agent is None:
        return held.stopped or Refused(Reason.RULES_CHANGED)
    original = held.request
    wish = Wish(
        agent=held.agent,
        subject=original.subject,
        digest=original.digest,
        words=original.words,
        edits=original.edits,
        author=original.author,
        asks_again=original.id,
        before=original.terms,
    )
    pair = succeed(clerk, held, wish)
    if isinstance(pair, Succession) and original.author and pair.successor.terms.edits is Edits.FORBIDDEN:
        return Refused(Reason.EDITS_FORBIDDEN)
    return pair if isinstance(pair, Refused) else await _repeat(clerk, person, pair)


async def _repeat(clerk: Clerk, by: PersonId, pair: Succession) -> Counted:
    before, successor = pair.before, pair.successor
    await clerk.add(successor)
    await clerk.save(before)
    kind = successor.subject.type if isinstance(successor.subject, Action) else "question"
    await clerk.record(
        EventName.REQUEST_ASKED_AGAIN, before.id, agent=before.agent, follow=successor.id, kind=kind
    )
    await record_asked(clerk, successor)
    await clerk.card(before)
    await clerk.card(successor)
    await clerk.thread(before, notice.AskedAgain(by=by, follow=successor.id))
    clerk.core.kill("again:before-commit")
    return Counted(request=successor)
