"""The whole action in one view, for whoever may decide; or nothing, when not even a view can hold it."""

import json

from bot.slack.render.block_kit import blocks
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.parts.argument_rows import BlockBudget, lay_out
from bot.wording.arguments import Reader, rows
from bot.wording.text import chunks, visible
from bot.wording.view import View
from escalation.action import Action

#: What the arguments may take of a view; the rest is for the facts and the agent's words.
_BUDGET = BlockBudget(blocks=80, characters=60_000)
_PIECE = 1400
_BYTES = 150_000


def whole(view: View, reader: Reader = Reader.DECIDER) -> tuple[Block, ...] | None:
    """Return every argument in full; nothing if *reader* may not see all or one view cannot hold it."""
    subject = view.request.subject
    if not isinstance(subject, Action):
        return None
    laid = lay_out(rows(view, reader), _BUDGET)
    if laid.masked:
        return None
    drawn = laid.blocks if laid.is_whole else _as_json(subject)
    return drawn if len(drawn) <= _BUDGET.blocks and _size(drawn) <= _BYTES else None


def _as_json(subject: Action) -> tuple[Block, ...]:
    # Too many values for rows of their own; the canonical text leaves none out either.
    return tuple(blocks.verbatim(piece) for piece in chunks(visible(subject.canonical), _PIECE))


def _size(drawn: tuple[Block, ...]) -> int:
    return len(json.dumps(drawn))
