"""The formats that a schema may ask of a text, each with its check."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final
from uuid import UUID

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DASHES: Final = (8, 13, 18, 23)


def _date(text: str) -> bool:
    return _DATE.fullmatch(text) is not None and _parses(date.fromisoformat, text)


def _email(text: str) -> bool:
    return "@" in text


def _ipv4(text: str) -> bool:
    return _parses(ipaddress.IPv4Address, text)


def _ipv6(text: str) -> bool:
    return "%" not in text and _parses(ipaddress.IPv6Address, text)


def _uuid(text: str) -> bool:
    return _parses(UUID, text) and all(text[place] == "-" for place in _DASHES)


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


FORMATS: Final[Mapping[str, Callable[[str], bool]]] = MappingProxyType(
    {"date": _date, "email": _email, "ipv4": _ipv4, "ipv6": _ipv6, "uuid": _uuid}
)
