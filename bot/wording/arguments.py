"""The arguments of an action as rows: every leaf on its own, in the manifest's order, none left out."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bot.wording.text import mixed_alphabets, visible
from bot.wording.view import View
from escalation.action import Action, Json

MASK = "•••• (hidden by the manifest; full value in the full view)"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*(_[A-Za-z0-9-]+)*")
_EMPTY = "(empty text)"
_SPECIAL = frozenset({"(null)", _EMPTY, "(empty list)", "(empty object)", MASK})


class Reader(Enum):
    """Who will see the rows."""

    CHANNEL = "channel"  #: Everybody in it: what the manifest hides stays hidden.
    DECIDER = "decider"  #: One person, alone, who may decide and therefore sees everything.


class Change(Enum):
    """What an edit did to a value."""

    NONE = ""
    CHANGED = "edited"
    ADDED = "added by the edit"
    REMOVED = "removed by the edit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One leaf of the arguments, ready to be shown."""

    label: str  #: Its path, such as ``lines[0].amount``.
    safe: bool  #: Whether the label is made of plain names only.
    value: str  #: All of it, with everything that hides spelled out; or the mask.
    masked: bool = False
    change: Change = Change.NONE
    before: str | None = None  #: The value before the edit.
    odd_word: str | None = None  #: A word in it that mixes look-alike alphabets.


@dataclass(frozen=True, slots=True)
class _Leaf:
    label: str
    safe: bool
    hidden: bool
    value: Json


def rows(view: View, reader: Reader = Reader.CHANNEL) -> tuple[Row, ...]:
    """Return the rows of *view*'s action as *reader* may see them."""
    subject = view.request.subject
    if not isinstance(subject, Action):
        return ()
    now = {leaf.label: leaf for leaf in _ordered(view, subject.arguments)}
    if view.edited is None:
        return tuple(_row(leaf, reader) for leaf in now.values())
    then = {leaf.label: leaf for leaf in _ordered(view, view.edited.arguments)}
    changed = [_compared(leaf, then.get(leaf.label), reader) for leaf in now.values()]
    removed = [_gone(leaf, reader) for leaf in then.values() if leaf.label not in now]
    return (*changed, *removed)


def merge_empty(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return *rows* with the empty texts in one row at the end: less to read, and as complete."""
    empty = [row for row in rows if row.value == _EMPTY and row.safe and row.change is Change.NONE]
    if len(empty) < 2:
        return tuple(rows)
    names = ", ".join(row.label for row in empty)
    return (*(row for row in rows if row not in empty), Row(label="left empty", safe=True, value=names))


def hidden_texts(view: View) -> tuple[str, ...]:
    """Return the values that the manifest hides, longest first, to keep them out of other texts."""
    subject = view.request.subject
    if not isinstance(subject, Action):
        return ()
    both: Sequence[Mapping[str, Json]] = (
        (subject.arguments,) if view.edited is None else (subject.arguments, view.edited.arguments)
    )
    found = {
        leaf.value if isinstance(leaf.value, str) else json.dumps(leaf.value)
        for arguments in both
        for leaf in _ordered(view, arguments)
        if leaf.hidden and leaf.value not in ("", None) and not isinstance(leaf.value, bool)
    }
    return tuple(sorted((text for text in found if len(text) >= 4), key=len, reverse=True))


def redacted(text: str, hidden: Sequence[str]) -> str:
    """Return *text* with each of the *hidden* values masked: agents repeat arguments in their words."""
    for value in hidden:
        text = text.replace(value, "••••")
    return text


def shown(value: Json) -> str:
    """Return the whole of a leaf as people read it; no two leaves of one type read the same."""
    match value:
        case None:
            return "(null)"
        case str():
            return _text(value)
        case bool() | int() | float():
            return json.dumps(value)
        case Mapping():
            return "(empty object)"
        case _:
            return "(empty list)"


def _text(value: str) -> str:
    if value == "":
        return _EMPTY
    return json.dumps(value, ensure_ascii=False) if value in _SPECIAL else visible(value)


def _ordered(view: View, arguments: Mapping[str, Json]) -> Iterator[_Leaf]:
    type_ = view.type
    first = () if type_ is None else tuple(name for name in type_.display if name in arguments)
    names = (*dict.fromkeys(first), *sorted(arguments.keys() - set(first)))
    # A type the manifest no longer names cannot say what to hide, so all of it is hidden.
    redact = None if type_ is None else type_.redact
    for name in names:
        label = name if is_plain(name) else _in_brackets(name)
        top = _Leaf(label, is_plain(name), redact is None or name in redact, arguments[name])
        yield from _leaves(top, redact or frozenset())


def _leaves(leaf: _Leaf, redact: frozenset[str]) -> Iterator[_Leaf]:
    match leaf.value:
        case Mapping() if leaf.value:
            for name, child in sorted(leaf.value.items()):
                label = f"{leaf.label}.{name}" if is_plain(name) else leaf.label + _in_brackets(name)
                safe = leaf.safe and is_plain(name)
                below = _Leaf(label, safe, leaf.hidden or name in redact, child)
                yield from _leaves(below, redact)
        case str():
            yield leaf
        case Sequence() if leaf.value:
            for index, child in enumerate(leaf.value):
                below = _Leaf(f"{leaf.label}[{index}]", leaf.safe, leaf.hidden, child)
                yield from _leaves(below, redact)
        case _:
            yield leaf


def is_plain(name: str) -> bool:
    """Return whether *name* is letters, digits, dashes and inner underscores: nothing to escape."""
    return _NAME.fullmatch(name) is not None


def _in_brackets(name: str) -> str:
    # Quoted, so that a name such as "a.b" cannot pass for b inside a.
    return f"[{visible(json.dumps(name, ensure_ascii=False))}]"


def _row(leaf: _Leaf, reader: Reader) -> Row:
    masked = leaf.hidden and reader is Reader.CHANNEL
    return Row(
        label=leaf.label,
        safe=leaf.safe,
        value=MASK if masked else shown(leaf.value),
        masked=masked,
        odd_word=mixed_alphabets(leaf.value) if isinstance(leaf.value, str) and not masked else None,
    )


def _compared(leaf: _Leaf, before: _Leaf | None, reader: Reader) -> Row:
    row = _row(leaf, reader)
    if before is None:
        return replace(row, change=Change.ADDED)
    if type(before.value) is type(leaf.value) and before.value == leaf.value:
        return row
    return replace(row, change=Change.CHANGED, before=MASK if row.masked else shown(before.value))


def _gone(leaf: _Leaf, reader: Reader) -> Row:
    row = _row(leaf, reader)
    return Row(label=row.label, safe=row.safe, value="(nothing)", change=Change.REMOVED, before=row.value)
