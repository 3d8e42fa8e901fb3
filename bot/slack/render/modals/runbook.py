"""A runbook in a modal: its Markdown as headings, paragraphs, lists and code; tables become lists."""

import re
from collections.abc import Iterator, Sequence

from bot.slack.render.block_kit import action_ids, blocks
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.modals.frame import modal
from bot.wording.text import chunks, cut

_BLOCKS = 90
_PIECE = 2800
_HEADING = re.compile(r"#{1,6}\s+(.*)")
_BULLET = re.compile(r"(\s*)[-*+]\s+")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_RULE = re.compile(r"\|?(\s*:?-+:?\s*\|)+\s*(:?-+:?\s*)?")
_CODE = re.compile(r"``\s?(.+?)\s?``")
_FENCE = "```"


def runbook(title: str, markdown: str) -> Block:
    """Return the modal that shows *markdown*; what does not fit is left out, and the last block says so."""
    drawn = list(_drawn(_body(markdown)))
    if len(drawn) > _BLOCKS:
        drawn = [*drawn[:_BLOCKS], blocks.section("_The runbook goes on; the rest is in its file._")]
    return modal(action_ids.READ, title, drawn or [blocks.section("_The runbook is empty._")])


def _body(markdown: str) -> str:
    """Return *markdown* without its front matter."""
    if not markdown.startswith("---\n"):
        return markdown
    _, end, rest = markdown[4:].partition("\n---\n")
    return rest if end else markdown


def _drawn(markdown: str) -> Iterator[Block]:
    paragraph: list[str] = []
    code: list[str] | None = None
    for line in _without_tables(markdown.splitlines()):
        heading = _HEADING.fullmatch(line)
        if line.strip().startswith(_FENCE):
            yield from _paragraph(paragraph) if code is None else _code(code)
            paragraph, code = [], [] if code is None else None
        elif code is not None:
            code.append(line)
        elif heading is not None or not line.strip():
            yield from _paragraph(paragraph)
            paragraph = []
            if heading is not None:
                yield blocks.section(f"*{_escaped(cut(heading[1].replace('*', ''), 500))}*")
        else:
            paragraph.append(_inline(line))
    yield from _paragraph(paragraph)
    yield from _code(code or [])


def _without_tables(lines: Sequence[str]) -> Iterator[str]:
    """Yield *lines* with each row of a table as a point of a list: Slack draws no tables."""
    for number, line in enumerate(lines):
        if not line.startswith("|"):
            yield line
        elif _RULE.fullmatch(line.strip()) is None and not _is_heading(lines, number):
            first, *rest = (cell.strip() for cell in line.strip().strip("|").split("|"))
            yield f"- **{first.strip('*')}**" + (f": {' · '.join(rest)}" if rest else "")


def _is_heading(lines: Sequence[str], number: int) -> bool:
    below = lines[number + 1].strip() if number + 1 < len(lines) else ""
    return _RULE.fullmatch(below) is not None


def _paragraph(lines: list[str]) -> Iterator[Block]:
    if lines:
        yield from map(blocks.section, chunks("\n".join(lines), _PIECE))


def _code(lines: list[str]) -> Iterator[Block]:
    # One section per piece, each fenced: a fence must not stay open over a cut.
    text = _escaped("\n".join(lines))
    if text.strip():
        yield from (blocks.section(f"{_FENCE}{piece}{_FENCE}") for piece in chunks(text, _PIECE))


def _inline(line: str) -> str:
    bullet = _BULLET.sub(r"\1• ", line, count=1) if _BULLET.match(line) else line
    linked = _LINK.sub(r"\1 (\2)", _CODE.sub(r"`\1`", bullet))
    return _BOLD.sub(r"*\1*", _escaped(linked))


def _escaped(text: str) -> str:
    # The runbook is ours, from the repository; only what Slack would read as markup of its own goes.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "")
