"""What the modals share: their frame, their inputs for words, and the way back from those."""

from collections.abc import Mapping, Sequence

from bot.slack.render.block_kit import action_ids, blocks
from bot.slack.render.block_kit.blocks import Block
from bot.wording.text import plain
from escalation.action import Json

REASON = "reason"  #: The block (and action) id of a reason.
LONGEST_REASON = 1000


def modal(
    callback: str, heading: str, drawn: Sequence[Block], *, metadata: str = "", submit: str | None = None
) -> Block:
    """Return a modal view; *metadata* is what comes back with it, an id first."""
    view: Block = {
        "type": "modal",
        "callback_id": callback,
        "title": blocks.plain_text(plain(heading, 24)),
        "close": blocks.plain_text("Close" if submit is None else "Cancel"),
        "private_metadata": metadata,
        "blocks": list(drawn),
    }
    return view if submit is None else {**view, "submit": blocks.plain_text(submit)}


def said(heading: str, sentence: str) -> Block:
    """Return a modal that says one thing, such as why a click was refused."""
    return modal(action_ids.READ, heading, [blocks.verbatim(plain(sentence, 2800))])


def words_entry(block_id: str, label: str, *, limit: int, required: bool = True) -> Block:
    """Return an input block for several lines of text, at most *limit* characters."""
    element: Block = {
        "type": "plain_text_input",
        "action_id": block_id,
        "multiline": True,
        "max_length": limit,
    }
    return blocks.entry(block_id, label, element, required=required)


def reason(values: Mapping[str, Json]) -> str:
    """Return the reason typed into a submitted modal, or an empty text."""
    return typed(values, REASON)


def entered(values: Mapping[str, Json], block_id: str) -> Mapping[str, Json] | None:
    """Return what was put into an input block, or nothing if the client did not send it.

    *values* are the ``values`` of a submitted view's ``state``.
    """
    block = values.get(block_id)
    element = next(iter(block.values()), None) if isinstance(block, Mapping) else None
    return element if isinstance(element, Mapping) else None


def typed(values: Mapping[str, Json], block_id: str) -> str:
    """Return the text typed into an input block, without blanks around it."""
    element = entered(values, block_id)
    value = None if element is None else element.get("value")
    return value.strip() if isinstance(value, str) else ""
