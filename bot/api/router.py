"""Finds what answers a path: by exact match, else by a template with one name in it."""

import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from starlette.types import Receive, Scope

from bot.http.reply import Reply

#: Takes a request and the id in its path.
Endpoint: TypeAlias = Callable[[Scope, Receive, str], Awaitable[Reply]]
_NAME = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True)
class Route:
    """What answers one method at one path."""

    method: str
    path: str  #: With at most one name in braces, which stands for one segment.
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Match:
    """What is at a path, by method."""

    methods: Mapping[str, Endpoint]
    id: str = ""  #: What stands in the place of the name in braces.


class Router:
    """Paths and what answers them. Each request is a lookup, or a regular expression a template."""

    def __init__(self, routes: Iterable[Route]) -> None:
        by_path: dict[str, dict[str, Endpoint]] = defaultdict(dict)
        for route in routes:
            by_path[route.path][route.method] = route.endpoint
        self._fixed = {path: Match(found) for path, found in by_path.items() if "{" not in path}
        self._templates = [
            (_template(path), found) for path, found in by_path.items() if path not in self._fixed
        ]

    def find(self, path: str) -> Match | None:
        """Return what is at *path*."""
        if (fixed := self._fixed.get(path)) is not None:
            return fixed
        for template, found in self._templates:
            if (match := template.fullmatch(path)) is not None:
                return Match(found, match[1])
        return None


def _template(path: str) -> re.Pattern[str]:
    before, after = _NAME.split(path)
    return re.compile(f"{re.escape(before)}([^/]+){re.escape(after)}")
