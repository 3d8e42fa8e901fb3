"""Text that arrived from outside, made harmless to print and easy to compare."""

import re
from difflib import SequenceMatcher

#: References are keys, file contents and button texts; ISO 20022 allows 35 characters.
REFERENCE = re.compile(r"[!-~](?:[ -~]{0,62}[!-~])?")

#: In one piece, or printed in groups of four.
_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)\b")
_TOKEN = re.compile(r"[^\s,;+]+")
_NOT_ALNUM = re.compile(r"[^A-Z0-9]")
_LEGAL_FORMS = frozenset({"LLC", "SAOC", "SAOG", "SPC", "CO", "EST", "LTD", "SRL", "THE", "AND", "INTL"})
_NO_REFERENCE = frozenset({"NOTPROVIDED", "NONE", "NA", "NONREF"})


def one_line(text: str, limit: int = 140) -> str:
    """
    Return *text* without control, direction and line characters, at most *limit* long, IBANs masked.

    What is too long ends after a whole word, unless its first word alone is too long.
    """
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    masked = _IBAN.sub(_mask, " ".join(printable.split()))
    if len(masked) <= limit:
        return masked
    room = masked[:limit]  # one more than is kept, so that a word that just fits is seen to end
    return (room.rpartition(" ")[0] or room[:-1]) + "…"


def apart(days: int) -> str:
    """Return how far apart two dates are, in words."""
    return "on the same day" if days == 0 else f"{days} day{'' if days == 1 else 's'} apart"


def _mask(iban: re.Match[str]) -> str:
    compact = iban[0].replace(" ", "")
    return f"{compact[:2]}…{compact[-4:]}"


def reference(text: str) -> str:
    """Return a reference without case and punctuation: ``inv-26/0413`` is ``INV260413``."""
    plain = _NOT_ALNUM.sub("", text.upper())
    return "" if plain in _NO_REFERENCE else plain


def references(*texts: str) -> frozenset[str]:
    """Return every word of *texts* that could be a reference: five characters or more, with a digit."""
    words = (reference(token) for text in texts for token in _TOKEN.findall(text))
    return frozenset(word for word in words if len(word) >= 5 and any(map(str.isdigit, word)))


def words(text: str) -> frozenset[str]:
    """Return the upper-case words of *text*."""
    return frozenset(re.findall(r"[A-Z]{2,}", text.upper()))


def likeness(one: str, other: str) -> float:
    """Return how alike two names are, 0 to 1, whatever their word order and legal form."""
    left, right = _name_key(one), _name_key(other)
    if not left or not right:
        return 0.0
    return SequenceMatcher(None, left, right, autojunk=False).ratio()


def _name_key(name: str) -> str:
    cleaned = re.sub(r"[^A-Z0-9 ]", " ", name.upper())
    return " ".join(sorted(word for word in cleaned.split() if word not in _LEGAL_FORMS))
