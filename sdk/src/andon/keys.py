"""
Idempotency keys: which calls are one and the same request, also across a crash and a restart.

    an action      workflow ":" digest of its type and arguments
    a question     workflow ":" digest of its text and options
    with key=      workflow ":" key
    no workflow    a question: the digest alone, and its text says what it is about
                   an action, or anything with key=: the key alone; an action without one is refused

The workflow names one run of one job. There is none by default: all runs would share it, and each would find
what people told, and what happened in, an earlier one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from andon.canonical import digest, hexdigest
from andon.errors import NotConfigured, Unfit

LONGEST_KEY: Final = 200  #: Characters, the workflow's included.
_RUN: Final = "name this run with ANDON_WORKFLOW or Andon(workflow=…), such as close-2026-10"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one run."""

    workflow: str | None

    def of_action(
        self, action_type: str, arguments: Mapping[str, JsonValue], *, key: str | None = None
    ) -> str:
        """Return the key of an action; raise `NotConfigured` when nothing says which run it belongs to."""
        if key is not None:
            return self._given(key)
        if self.workflow is None:
            raise NotConfigured(
                f"{action_type}: nothing says which run this is, so the result of an earlier one could be "
                f"returned for it: {_RUN}, or give the call a key= of its own"
            )
        return self._scoped(digest(action_type, arguments).removeprefix("sha256:"))

    def of_question(
        self, question: str, options: Sequence[str], *, key: str | None = None, about: str | None = None
    ) -> str:
        """Return the key of a question; raise `NotConfigured` when it could be one of another day."""
        if key is not None:
            return self._given(key)
        if self.workflow is None and about is None:
            raise NotConfigured(
                f"ask({question[:60]!r}): nothing says which is meant, so the answer for another could be "
                f'returned: say what it is about, such as about="INV-204", or {_RUN}'
            )
        return self._scoped(hexdigest({"question": question, "options": options}))

    def _given(self, key: str) -> str:
        if not _is_visible(scoped := self._scoped(key)) or not key:
            room = LONGEST_KEY - len(scoped) + len(key)
            raise Unfit(f"key= must be 1 to {room} visible ASCII characters without spaces")
        return scoped

    def _scoped(self, name: str) -> str:
        return name if self.workflow is None else f"{self.workflow}:{name}"


def about_it(question: str, about: str | None) -> str:
    """Return *question* as people read it: whoever answers sees which one is meant.

    Two questions that differ in what they are about so differ in their text, for the bot too.
    """
    if about is None:
        return question
    if not about.strip():
        raise Unfit('about= is empty; say what the question is about, such as about="INV-204"')
    is_named = re.search(rf"(?<!\w){re.escape(about)}(?!\w)", question) is not None
    return question if is_named else f"{about}: {question}"


def _is_visible(key: str) -> bool:
    return len(key) <= LONGEST_KEY and all("!" <= character <= "~" for character in key)
