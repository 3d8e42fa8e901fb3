"""Why a request needed a person: the rule, its condition as it stands today, and the facts."""

from bot.slack.render.block_kit import blocks
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.slack.render.parts.facts import facts
from bot.wording.text import quoted
from bot.wording.view import View
from escalation.request import Question


def why_blocks(view: View) -> tuple[Block, ...]:
    """Return the rule that asked, its condition as it stands today, and the facts."""
    ruling = view.request.ruling
    if isinstance(view.request.subject, Question):
        start = "The agent asked a question; the manifest says who may answer it."
    else:
        start = f"The first rule that matched is *{mrkdwn(ruling.rule)}*, and it says: ask."
    condition = _condition(view)
    return (
        blocks.section(start),
        *([blocks.verbatim(quoted(f"Its condition today: {condition}", 2800))] if condition else []),
        blocks.section(facts(view)),
        blocks.context(f"Rules {mrkdwn(ruling.version)}"),
    )


def _condition(view: View) -> str | None:
    if view.type is None:
        return None
    ruling = view.request.ruling.rule
    rule = next((rule for rule in view.type.policy.rules if rule.name == ruling), None)
    if rule is None:
        return None
    return "always" if rule.when is None else rule.when.source
