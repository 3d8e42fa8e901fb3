"""How a request stands at the moment it is drawn, in a sentence for notices and lists."""

from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.slack.render.parts.outcome import sentence
from bot.slack.render.parts.people import person
from bot.wording.view import View
from escalation.request import Question


def so_far(view: View) -> str:
    """Return who decided until now, and what is still missing, or how it ended."""
    request = view.request
    if request.state.is_settled:
        return ended(view)
    if request.approved_by:
        return approvals(view)
    if request.acknowledged_by is not None:
        return f"*{person(view, request.acknowledged_by)}* is looking."
    verb = "answered" if isinstance(request.subject, Question) else "decided"
    return f"Nobody has {verb} yet."


def approvals(view: View) -> str:
    """Return who approved and how many are still needed."""
    approvers = " and ".join(f"*{person(view, approver)}*" for approver in view.request.approved_by)
    return f"Approved by {approvers}. *{needed(view)}*"


def needed(view: View) -> str:
    """Return how many approvals are still needed."""
    return (
        "One more approval is needed." if view.missing == 1 else f"{view.missing} more approvals are needed."
    )


def ended(view: View) -> str:
    """Return how it ended, without the words that stand below it on the card."""
    whole = sentence(view).removesuffix(" The reason:")
    return f"{whole.removesuffix(':')}." if whole.endswith(":") else whole


def waits(view: View) -> str:
    """Return that the agent waits, and for what."""
    what = "answer" if isinstance(view.request.subject, Question) else "decision"
    return f"*{mrkdwn(view.request.agent)}* waits for your {what}."
