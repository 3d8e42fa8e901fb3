"""The few Block Kit blocks that Andon draws, and Slack's limits on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot.wording.text import cut, plain
from escalation.action import Json

Block: TypeAlias = dict[str, Json]

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
SECTION_CHARACTERS = 3000
FIELD_CHARACTERS = 2000
FIELDS = 10
BUTTON_CHARACTERS = 75
OPTIONS = 100
MESSAGE_CHARACTERS = 3000
#: Slack takes views of 250 kB; what escapes to more in transit must still pass.
VIEW_BYTES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is posted: *blocks* to look at, and *text* that says the same to ears and notifications."""

    text: str
    blocks: tuple[Block, ...]


def plain_text(text: str) -> Block:
    """Return a text object in which nothing is ever markup."""
    return {"type": "plain_text", "text": text, "emoji": False}


def marked(text: str) -> Block:
    """Return a text object with markup; whatever we did not write must have been escaped."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def header(text: str) -> Block:
    return {"type": "header", "text": plain_text(plain(text, 150))}


def section(text: str) -> Block:
    """Return a section of markup; a last cut keeps a message with overlong names deliverable."""
    return {"type": "section", "text": marked(cut(text, SECTION_CHARACTERS))}


def verbatim(text: str) -> Block:
    """Return a section in which nothing is markup."""
    return {"type": "section", "text": plain_text(text)}


def fields(texts: Sequence[Block]) -> Block:
    return {"type": "section", "fields": list(texts)}


def with_plain_words(text: str, words: str) -> Block:
    """Return a section of markup with the *words* of others below it, in which nothing is markup."""
    return {**section(text), "fields": [plain_text(words)]}


def context(text: str) -> Block:
    return {"type": "context", "elements": [marked(text)]}


def divider() -> Block:
    return {"type": "divider"}


def actions(elements: Sequence[Block]) -> Block:
    return {"type": "actions", "elements": list(elements)}


def button(
    label: str, action: str, value: str, *, style: Literal["primary", "danger"] | None = None
) -> Block:
    """Return a button that carries *value*: an opaque id, never what it would do."""
    drawn: Block = {
        "type": "button",
        "text": plain_text(cut(label, BUTTON_CHARACTERS)),
        "action_id": action,
        "value": value,
    }
    return drawn if style is None else {**drawn, "style": style}


def option(label: str, value: str) -> Block:
    return {"text": plain_text(cut(label, BUTTON_CHARACTERS)), "value": value}


def overflow(action: str, options: Sequence[Block]) -> Block:
    return {"type": "overflow", "action_id": action, "options": list(options)}


def select(action: str, placeholder: str, options: Sequence[Block]) -> Block:
    return {
        "type": "static_select",
        "action_id": action,
        "placeholder": plain_text(placeholder),
        "options": list(options),
    }


def entry(block_id: str, label: str, element: Block, *, required: bool) -> Block:
    """Return an input block."""
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(cut(label, 2000)),
        "element": element,
        "optional": not required,
    }
