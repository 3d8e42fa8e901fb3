"""The lead of a card: what a decision means, and by when it is needed."""

from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.slack.render.parts.facts import undone
from bot.slack.render.parts.people import person
from bot.slack.render.parts.standing import approvals
from bot.wording.view import View
from escalation.request import Question


def lead(view: View, *, asked: str = "") -> str:
    """Return in markup what a decision means, by when it is needed, and of whom it is *asked*."""
    request = view.request
    agent = mrkdwn(request.agent)
    due = view.times.at(request.deadline)
    if isinstance(request.subject, Question):
        lines = [f"*{agent}* does not know, and waits."]
        lines.append(f"{_call(asked, 'answer')} by *{due}*; without an answer *nothing is done*.")
    else:
        lines = [f"*{agent}* wants to do this once. {undone(view)}"]
        lines.append(f"{_call(asked, 'decide')} by *{due}*; without a decision *nothing is done*.")
        if view.authority.denied:
            lines.append("⚠️ *The rules changed since and deny it:* it can only be rejected.")
        if view.missing > 1 and not request.approved_by:
            lines.append(f"*{view.missing} different people* have to approve.")
    if view.edited is not None:
        lines.append(f"*{person(view, view.edited.by)}* edited it; what changed is marked.")
    if request.approved_by:
        lines.append(approvals(view))
    if request.acknowledged_by is not None:
        lines.append(f"{person(view, request.acknowledged_by)} is looking; the deadline stands.")
    return "\n".join(lines)


def _call(who: str, verb: str) -> str:
    return f"{who}: {verb}" if who else verb.capitalize()
