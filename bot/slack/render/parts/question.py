"""A question and the ways to answer it: buttons for a few short options, a list for more, words."""

from collections.abc import Iterator

from bot.slack.render.block_kit import action_ids, blocks
from bot.slack.render.block_kit.blocks import Block
from bot.wording.text import chunks, cut, visible
from escalation.request import Question, Request

_BUTTONS = 4
_SHORT = 75
_PIECE = 1400
#: What question and options may take of a card.
_CHARACTERS = 6000


def question(asked: Question) -> tuple[Block, ...]:
    """Return the question in full, and the options that need more room than a button has."""
    if fits_card(asked):
        return whole_question(asked)
    start = cut(_barred(asked.text), _PIECE)
    hint = blocks.section("⚠️ *The question does not fit here.* Open it in full to answer it.")
    return (blocks.verbatim(start), hint)


def whole_question(asked: Question) -> tuple[Block, ...]:
    """Return all of the question and, where a button is too small for them, all of its options."""
    text = _barred(asked.text)
    return tuple(blocks.verbatim(piece) for piece in (*chunks(text, _PIECE), *_listed(asked)))


def fits_card(asked: Question) -> bool:
    """Return whether a card can show everything there is to answer."""
    return sum(map(len, (_barred(asked.text), *_listed(asked)))) <= _CHARACTERS


def answers(request: Request, asked: Question, more: Block) -> tuple[Block, ...]:
    """Return the actions of a card that asks *asked*; *more* is its menu."""
    if not fits_card(asked):
        full = blocks.button("Open in full", action_ids.FULL, request.id, style="primary")
        return (blocks.actions([full, more]),)
    elements = [*_choices(request, asked), *_own_words(request, asked), more]
    return (blocks.actions(elements),)


def labels(asked: Question) -> tuple[str, ...]:
    """Return what stands for each option on a button or in a list: itself, or its number and beginning."""
    shown = [visible(option) for option in asked.options]
    if not _listed(asked):
        return tuple(shown)
    return tuple(cut(f"{number}. {option}", 75) for number, option in enumerate(shown, 1))


def choices(request: Request, asked: Question) -> list[Block]:
    """Return the options of a select or of radio buttons."""
    return [blocks.option(label, f"{request.id}|{index}") for index, label in enumerate(labels(asked)[:100])]


def _choices(request: Request, asked: Question) -> Iterator[Block]:
    texts = labels(asked)
    if len(texts) <= _BUTTONS and all(len(text) <= _SHORT for text in texts):
        for index, text in enumerate(texts):
            yield blocks.button(text, f"{action_ids.ANSWER}:{index}", f"{request.id}|{index}")
    else:
        yield blocks.select(action_ids.ANSWER, "Choose an answer", choices(request, asked))


def _own_words(request: Request, asked: Question) -> Iterator[Block]:
    if asked.allow_text:
        yield blocks.button("Answer in words", action_ids.ANSWER_TEXT, request.id)


def _listed(asked: Question) -> tuple[str, ...]:
    """Return the options as numbered text, where one is too long for a label or two look the same."""
    shown = [visible(option) for option in asked.options]
    if all(len(text.encode("utf-16-le")) <= 2 * blocks.BUTTON_CHARACTERS for text in shown):
        return ()
    numbered = "\n".join(f"{number}. {text}" for number, text in enumerate(shown, 1))
    return tuple(chunks(numbered, _PIECE))


def _barred(text: str) -> str:
    return "\n".join(f"│ {visible(line)}" for line in text.split("\n"))
