"""One request in brief, as lists of several show it."""

from bot.slack.render.block_kit.blocks import Block, with_plain_words
from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.slack.render.parts.facts import undone
from bot.slack.render.parts.link import to_card
from bot.slack.render.parts.standing import so_far
from bot.wording.gist import gist
from bot.wording.view import View
from escalation.request import Question


def brief(view: View) -> Block:
    """Return one request in brief: what it is, by when, and the beginning of what is asked."""
    request = view.request
    title = "Question" if isinstance(request.subject, Question) else view.title
    heading = " · ".join(filter(None, (f"*{mrkdwn(title, 100)}*", mrkdwn(request.agent), to_card(view))))
    due = f"{undone(view)} Deadline *{view.times.at(request.deadline)}*".strip()
    # That nobody decided is no news in a list of what waits.
    moved = request.approved_by or request.acknowledged_by or request.state.is_settled
    return with_plain_words(f"{heading}\n{due}." + (f" {so_far(view)}" if moved else ""), gist(view))
