"""
Makes text that we did not write safe and honest to show.

Nothing in it may act (mentions, links, formatting), hide (invisible, bidirectional and control
characters, silent truncation) or pose as ours (fake lines). ``visible`` loses nothing: two texts
that differ are shown differently.
"""

import re
import unicodedata
from collections.abc import Iterator

#: Letters, marks and blanks that are drawn as nothing, though Unicode calls them neither control nor format.
_BLANKS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
_EMOJI_STYLE = "\ufe0f"  #: Asks for a symbol in colour; drawn as nothing after anything else.
_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")
#: More marks than this over one letter cover the lines around it.
_MAX_MARKS = 3
#: What needs no spelling out, at a glance: words of ASCII with one blank between them.
_READABLE = re.compile(r"(?:[!-~]+(?: [!-~]+)*)?")
_WORD = re.compile(r"[^\W\d_]+")


def visible(text: str, *, newline: str = " ⏎ ") -> str:
    """Return *text* with everything that hides or moves other text spelled out.

    A character nobody can see becomes ``⟨U+202E⟩``, a control character its picture (``␛``), a
    blank at either end or in a row ``␠``, a line break *newline*. What looks like one of these
    spellings is spelled out itself, so the result tells exactly one text.
    """
    if _READABLE.fullmatch(text):
        return text
    last = len(text) - 1
    shown = []
    marks = _MAX_MARKS  # A mark needs a letter before it.
    for index, character in enumerate(text):
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if character == "\n":
            shown.append(newline)
            marks = _MAX_MARKS
        elif character == " ":
            alone = 0 < index < last and text[index - 1] not in " \n" and text[index + 1] not in " \n"
            shown.append(" " if alone else "␠")
        elif character == _EMOJI_STYLE and index and unicodedata.category(text[index - 1]) == "So":
            shown.append(character)
        elif marks > _MAX_MARKS:
            shown.append(_spelled(character))
        else:
            shown.append(_shown(character))
    return "".join(shown)


def plain(text: str, limit: int) -> str:
    """Return *text* as one line without markup, at most *limit* characters long."""
    return cut(visible(text), limit)


def quoted(text: str, limit: int, *, lines: int = 40) -> str:
    """Return *text* without markup, with a bar before each of its lines.

    The bar is never the text's own, so none of its lines can pass for one of ours. What exceeds
    *limit* characters or *lines* lines is left out, and the last line says so.
    """
    parts = [f"│ {visible(line)}" for line in text.split("\n")]
    left_out = len(parts) - lines
    if left_out > 0:
        parts = [*parts[:lines], f"… ({left_out:,} more lines)"]
    return cut("\n".join(parts), limit)


def cut(text: str, limit: int) -> str:
    """Return *text*, or its beginning and how much is missing, in at most *limit* characters."""
    if length(text) <= limit:
        return text
    room = limit - len(_missing(len(text)))
    if room <= 0:
        return "…"[:limit]
    kept = _whole(_head(text, room))
    return kept + _missing(len(text) - len(kept))


def chunks(text: str, size: int) -> Iterator[str]:
    """Yield all of *text* in pieces of at most *size* characters, never cutting a spelled-out one."""
    while length(text) > size:
        head = _head(text, size)
        # A piece must not end in a blank: a client may trim it away (Slack does).
        piece = _whole(head).rstrip(" ") or head
        yield piece
        text = text[len(piece) :]
    yield text


def length(text: str) -> int:
    """Return how long *text* is in UTF-16, as Slack and browsers count: an emoji is two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _head(text: str, room: int) -> str:
    head = text[:room]
    while (over := length(head) - room) > 0:
        # At most half of what is over has to go, since no character counts more than two.
        head = head[: -((over + 1) // 2)]
    return head


def mixed_alphabets(text: str) -> str | None:
    """Return the first word of *text* that mixes look-alike alphabets, if there is one."""
    for word in _WORD.findall(text):
        if word.isascii():
            continue
        names = [unicodedata.name(letter, "") for letter in word]
        found = {alphabet for alphabet in _ALPHABETS for name in names if name.startswith(alphabet)}
        styled = any(not a.isascii() and unicodedata.normalize("NFKC", a).isascii() for a in word)
        if len(found) > 1 or styled:
            return str(word)
    return None


def _shown(character: str) -> str:
    if " " < character < "\x7f":
        return character
    if character < " ":
        return chr(0x2400 + ord(character))
    if character == "\x7f":
        return "␡"
    category = unicodedata.category(character)
    ours = character in "⏎│⟨⟩" or "\u2400" <= character <= "\u2426"
    hidden = category[0] in "CZ" or character in _BLANKS
    return _spelled(character) if ours or hidden else character


def _spelled(character: str) -> str:
    return f"⟨U+{ord(character):04X}⟩"


def _whole(text: str) -> str:
    opened = text.rfind("⟨")
    return text[:opened] if opened > text.rfind("⟩") and opened > 0 else text


def _missing(count: int) -> str:
    return f"… ({count:,} more characters)"
