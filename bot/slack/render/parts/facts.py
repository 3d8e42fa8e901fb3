"""The facts of a request: from the policy, the manifest and the record; never from the agent."""

from collections.abc import Iterator

from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.slack.render.parts.link import linked
from bot.slack.render.parts.people import people, person
from bot.wording.view import View
from escalation.action import Action
from escalation.ladder import Rung


def facts(view: View) -> str:
    """Return the facts as lines of markup."""
    return "\n".join(_lines(view))


def undone(view: View) -> str:
    """Return whether what is proposed can be undone, as a sentence; nothing for a question."""
    if not isinstance(view.request.subject, Action):
        return ""
    if view.type is None:
        return "*Nobody can say whether it can be undone:* the manifest does not name it any more."
    return "It can be undone." if view.type.reversible else "⚠️ *It cannot be undone.*"


def runbook_link(view: View) -> str | None:
    """Return the agent's runbook, as a link where there is one to follow."""
    if view.agent is None:
        return None
    title = mrkdwn(view.agent.runbook)
    url = view.agent.runbook_url
    if url is None or not url.startswith(("https://", "http://")) or any(c in url for c in "<>| \n"):
        return title
    return f"<{url.replace('&', '&amp;')}|{title}>"


def _lines(view: View) -> Iterator[str]:
    request = view.request
    rule = mrkdwn(request.ruling.rule)
    action = ""
    if isinstance(request.subject, Action) and view.title != request.subject.type:
        action = f"*Action:* {mrkdwn(request.subject.type)} · "
    yield f"{action}*Asked because of* rule {rule} (rules {mrkdwn(request.ruling.version[:12])})"
    if request.terms.approvers:
        yield f"*May decide:* {people(view, view.deciders) or 'nobody'} · {_needed(view)}"
    owner = f"*Owner:* {person(view, request.owner)} (never decides)"
    agent = f"*Agent:* {mrkdwn(request.agent)}, {mrkdwn(request.function)}"
    book = runbook_link(view)
    yield f"{agent} · {owner}" + (f" · *Runbook:* {book}" if book else "")
    if view.edited is not None:
        was = "" if view.link_to_old is None else f" · {linked(view.link_to_old, 'As the agent asked it')}"
        yield f"*Edited by* {person(view, view.edited.by)}; what changed is marked above{was}"
    if request.asks_again is not None:
        yield f"*Asked again* after {linked(view.link_to_old, mrkdwn(request.asks_again))} went unanswered"
    yield from _ladder(view)


def _needed(view: View) -> str:
    if not isinstance(view.request.subject, Action):
        return "one answer settles it"
    quorum = view.authority.quorum
    return "one approval is enough" if quorum == 1 else f"{quorum} different people have to approve"


def _ladder(view: View) -> Iterator[str]:
    words = {Rung.NUDGED: "reminded", Rung.BACKUP: "backup told"}
    climbed = [
        f"{words[step.rung]} {view.times.at(step.actual_at)}" for step in view.steps if step.rung in words
    ]
    if climbed:
        yield f"*So far:* {' · '.join(climbed)}"
