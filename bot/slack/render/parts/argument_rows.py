"""Lays rows out as blocks, and tells whether all of them fitted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.slack.render.block_kit import blocks
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.block_kit.mrkdwn import escaped
from bot.wording.arguments import Change, Row
from bot.wording.text import chunks, cut

#: A value up to this long stands beside its label; a longer one below it.
_SHORT = 120
_PAIRS = blocks.FIELDS // 2
#: A piece of a long value; below Slack's limit, because Slack counts some characters twice.
_PIECE = 1400


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockBudget:
    """How much of a message or view the rows may take."""

    blocks: int
    characters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentBlocks:
    """The rows as blocks."""

    blocks: tuple[Block, ...]
    shown: int  #: How many rows are there, each to its last character (or masked).
    masked: int  #: How many rows stand there as a mask.
    of: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing and nothing is hidden."""
        return self.shown == self.of and self.masked == 0


@dataclass(frozen=True, slots=True)
class _Piece:
    row: Row
    pair: tuple[Block, Block] | None  #: Label and value side by side …
    long: tuple[Block, ...] = ()  #: … or one below the other.


def lay_out(rows: Sequence[Row], budget: BlockBudget) -> ArgumentBlocks:
    """Return as many of *rows* as fit into *budget*, from the first on; each in full or not at all."""
    taken: list[_Piece] = []
    characters = 0
    for piece in map(_piece, rows):
        characters += len(piece.row.label) + len(piece.row.value) + len(piece.row.before or "")
        if characters > budget.characters or len(_joined([*taken, piece])) > budget.blocks:
            break
        taken.append(piece)
    masked = sum(row.masked for row in rows)
    return ArgumentBlocks(blocks=tuple(_joined(taken)), shown=len(taken), masked=masked, of=len(rows))


def _joined(pieces: Sequence[_Piece]) -> list[Block]:
    joined: list[Block] = []
    waiting: list[Block] = []
    for piece in pieces:
        if piece.pair is not None:
            waiting.extend(piece.pair)
        if waiting and (piece.pair is None or len(waiting) == 2 * _PAIRS):
            joined.append(blocks.fields(waiting))
            waiting = []
        joined.extend(piece.long)
    return [*joined, blocks.fields(waiting)] if waiting else joined


def _piece(row: Row) -> _Piece:
    short = len(row.value) <= _SHORT and len(row.label) <= _SHORT and len(row.before or "") <= _SHORT
    label = _label(row)
    if short:
        return _Piece(row, (label, blocks.plain_text(_with_before(row))))
    below = [blocks.verbatim(text) for text in chunks(row.value, _PIECE)]
    return _Piece(row, None, (*_labels(row), *below, *_before(row)))


def _label(row: Row) -> Block:
    change = f" ({row.change.value})" if row.change is not Change.NONE else ""
    if row.safe:
        return blocks.marked(f"*{escaped(row.label)}*{change}")
    return blocks.plain_text(f"{row.label}{change}")


def _labels(row: Row) -> Iterator[Block]:
    if len(row.label) <= _PIECE:
        yield {"type": "section", "text": _label(row)}
        return
    yield from (blocks.verbatim(text) for text in chunks(row.label, _PIECE))


def _with_before(row: Row) -> str:
    return row.value if row.before is None else f"{row.value}\n│ before: {row.before}"


def _before(row: Row) -> Iterator[Block]:
    # What was proposed before does not run; its beginning is enough to see what changed.
    if row.before is not None:
        yield blocks.verbatim(f"│ before: {cut(row.before, _PIECE)}")
