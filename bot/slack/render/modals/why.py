"""Why a request needed a person, in a modal."""

from bot.slack.render.block_kit import action_ids
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.modals.frame import modal
from bot.slack.render.parts.why import why_blocks
from bot.wording.view import View


def why(view: View) -> Block:
    """Return why *view*'s request needed a person."""
    return modal(action_ids.READ, "Why did this need me?", why_blocks(view), metadata=view.request.id)
