"""The confirmation of a stop."""

from bot.slack.render.block_kit import action_ids, blocks
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.modals.frame import LONGEST_REASON, REASON, modal, words_entry
from bot.slack.render.parts.scopes import covered
from escalation.switch import Scope


def stop(scope: Scope) -> Block:
    """Return the confirmation of a stop of *scope*."""
    drawn = [
        blocks.section(
            f"*Stop {covered(scope)}?* From then on nothing new starts. What waits for a decision ends, "
            "and permissions not used yet are taken back. What is under way finishes.\n"
            "Only a *different* operator can resume it."
        ),
        words_entry(REASON, "Why? Whoever resumes it reads this.", limit=LONGEST_REASON),
    ]
    return modal(action_ids.STOPPED, "Stop", drawn, metadata=str(scope), submit="Stop")
