"""
What somebody wrote stands beside the record: its event holds a salted commitment to it, never the words.

    commitment = hex(HMAC-SHA256(key = salt, message = field + LF + text)), all of them as UTF-8

The salt is 256 random bits of its own for each text. Whoever holds salt and text can show that these
words were recorded; once both are erased nobody can tell, or try out, what the words were, and the
chain over the events is still whole.
"""

import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import TypeAlias

from escalation.action import HALF_OF_A_PAIR, Json
from escalation.errors import InvalidAction
from escalation.ids import EventId

#: What an event's data calls the commitment to a field: ``commit:reason``.
_PREFIX = "commit:"
#: One text, in characters.
_MAX_TEXT = 512 * 1024


@dataclass(frozen=True, slots=True)
class Written:
    """The words of a person or an agent, which may have to be erased one day."""

    text: str


Value: TypeAlias = "Json | Written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """What stands behind one commitment of an event."""

    event: EventId
    field: str
    salt: str
    text: str


class Lost(Enum):
    """Why there are no words for a commitment."""

    ERASED = "erased"  #: Text and salt are gone.
    CHANGED = "changed"  #: They are not those that were recorded.


def written(text: str | None) -> Written | None:
    """Return *text* as what somebody wrote; nothing if there is none."""
    return None if text is None else Written(text)


def commitment(field: str, text: str, salt: str) -> str:
    """Return the commitment to *text* as the event's *field*."""
    # Whoever holds the file may have put a number there: that is another salt, and no error.
    return hmac.digest(f"{salt}".encode(), f"{field}\n{text}".encode(), sha256).hex()


def commit(
    event: EventId, values: Mapping[str, Value], *, salt: Callable[[], str]
) -> tuple[dict[str, Json], list[Disclosure]]:
    """
    Return *values* with commitments where somebody wrote them, and what stands behind those.

    Raises ``InvalidAction`` for a text that not every database can hold.
    """
    plain: dict[str, Json] = {}
    disclosed = []
    for field, value in values.items():
        if isinstance(value, Written):
            _check(value.text)
            text = Disclosure(event=event, field=field, salt=salt(), text=value.text)
            plain[_PREFIX + field] = commitment(field, text.text, text.salt)
            disclosed.append(text)
        else:
            plain[field] = value
    return plain, disclosed


def _check(text: str) -> None:
    if len(text) > _MAX_TEXT:
        raise InvalidAction(f"has {len(text)} characters; at most {_MAX_TEXT} are recorded")
    if "\0" in text:
        raise InvalidAction("holds a NUL character")
    if not text.isascii() and HALF_OF_A_PAIR.search(text) is not None:
        raise InvalidAction("holds half of a surrogate pair")


def committed(values: Mapping[str, Json]) -> dict[str, str]:
    """Return the commitments among an event's *values*, by field."""
    return {
        name.removeprefix(_PREFIX): value
        for name, value in values.items()
        if name.startswith(_PREFIX) and isinstance(value, str)
    }


def disclose(values: Mapping[str, Json], disclosed: Iterable[Disclosure]) -> dict[str, "Json | Lost"]:
    """Return an event's *values* with the words in place of each commitment, or why there are none."""
    found: dict[str, Json | Lost] = {
        name: value for name, value in values.items() if not name.startswith(_PREFIX)
    }
    known = {each.field: each for each in disclosed}
    for field, promised in committed(values).items():
        found[field] = _words(promised, known.get(field))
    return found


def joined(values: Mapping[str, Json], disclosed: Iterable[Disclosure]) -> dict[str, Json]:
    """Return an event's *values* with the words in place of each commitment; ``{"erased": true}`` if gone."""
    found = disclose(values, disclosed)
    return {name: {value.value: True} if isinstance(value, Lost) else value for name, value in found.items()}


def lost(values: Mapping[str, Json], disclosed: Iterable[Disclosure]) -> dict[str, Lost]:
    """Return the fields of an event's *values* whose words are gone or changed, or were never recorded."""
    known = list(disclosed)
    found = {name: value for name, value in disclose(values, known).items() if isinstance(value, Lost)}
    promised = committed(values)
    return found | {each.field: Lost.CHANGED for each in known if each.field not in promised}


def _words(promised: str, known: Disclosure | None) -> "str | Lost":
    if known is None:
        return Lost.ERASED
    same = commitment(known.field, known.text, known.salt) == promised
    return known.text if same else Lost.CHANGED
