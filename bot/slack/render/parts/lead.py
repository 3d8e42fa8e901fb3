"""The lead of a card: what a decision means, and by when it is needed."""

from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.slack.render.parts.facts import undone
from bot.slack.render.parts.people import person
from bot.wording.view import View
from escalation.request import Question


def lead(view: View) -> str:
    """Return in markup what a decision means and by when it is needed."""
    request = view.request
    agent = mrkdwn(request.agent)
    due = view.times.at(request.deadline)
    if isinstance(request.subject, Question):
        lines = [
            f"*{agent}* does not know, and waits. Answer by *{due}*; without an answer *nothing is done*."
        ]
    else:
        lines = [f"*{agent}* wants to do this once. {undone(view)}"]
        lines.append(f"Decide by *{due}*; without a decision *nothing is done*.")
        if view.authority.denied:
            lines.append("⚠️ *The rules changed since and deny it:* it can only be rejected.")
        if view.missing > 1 and not request.approved_by:
            lines.append(f"*{view.missing} different people* have to approve.")
    if view.edited is not None:
        lines.append(f"*{person(view, view.edited.by)}* edited it; what changed is marked.")
    if request.approved_by:
        approvers = " and ".join(f"*{person(view, approver)}*" for approver in request.approved_by)
        more = "One more approval is" if view.missing == 1 else f"{view.missing} more approvals are"
        lines.append(f"Approved by {approvers}. *{more} needed.*")
    if request.acknowledged_by is not None:
        lines.append(f"{person(view, request.acknowledged_by)} is looking; the deadline stands.")
    return "\n".join(lines)
