"""What agents and people were told while everything around the bot broke: the truth kept outside of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx

#: What an agent may be told that does as it should. No 404: what was promised is there. No 500.
_MAY_BE_TOLD = frozenset({200, 201, 409, 423, 429, 503})
_COME_BACK = frozenset({429, 503})
#: What nobody may read who asks whether we are ready.
_SECRETS = ("/", "127.0.0.1", "localhost", "@", ".db", "redis:", "postgresql:", ".s.PGSQL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Acked:
    """A click that Slack was told is taken."""

    person: str
    request: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """While something was broken."""

    what: str
    began: datetime
    ended: datetime


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Every promise that was made, and every answer that was not honest."""

    asked: dict[str, str] = field(default_factory=dict)  #: By idempotency key, the request of a 2xx.
    left_alone: set[str] = field(default_factory=set)  #: Requests that nobody decides.
    acked: list[Acked] = field(default_factory=list)
    effects: dict[str, str] = field(default_factory=dict)  #: By grant, the attempt that was told to go.
    reported: set[str] = field(default_factory=set)  #: Grants whose report was answered by 2xx.
    cancelled: set[str] = field(default_factory=set)
    troubles: list[Trouble] = field(default_factory=list)
    recovered_after: list[float] = field(default_factory=list)  #: Seconds, of each trouble.
    silent_for: float = 0.0  #: Seconds: the longest that a process which runs did not say it is alive.
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)  #: What no agent or person should have been told.

    def note(self, what: str, answer: httpx.Response) -> None:
        """Look whether *answer* is honest."""
        self.answers[f"{what} {answer.status_code}"] += 1
        if answer.status_code not in _MAY_BE_TOLD:
            self.wrong.append(f"{what} was answered by {answer.status_code}: {answer.text[:200]}")
        elif answer.status_code in _COME_BACK and not answer.headers.get("retry-after", "").isdigit():
            self.wrong.append(f"{what} was answered by {answer.status_code} without a Retry-After")

    def note_readiness(self, answer: httpx.Response) -> None:
        """Look whether *answer* says what is away, and not where it is."""
        self.answers[f"readyz {answer.status_code}"] += 1
        told = answer.json()
        lines = [*told["trouble"], *told["degraded"]]
        if answer.status_code not in {200, 503} or told["ready"] is not (answer.status_code == 200):
            self.wrong.append(f"/readyz answered {answer.status_code}: {answer.text[:200]}")
        if any(secret in line for line in lines for secret in _SECRETS):
            self.wrong.append(f"/readyz names a place: {lines}")

    def acts(self, grant: str, attempt: str) -> None:
        """Do what *grant* allows: it was claimed by *attempt*."""
        if grant in self.effects:
            self.wrong.append(f"the effect of {grant} ran twice: {self.effects[grant]} and {attempt}")
        self.effects[grant] = attempt


def ends_by(deadline: datetime, troubles: Iterable[Trouble], within: float) -> datetime:
    """Return until when *deadline* may be waited with: as long as trouble goes on, and *within* seconds."""
    from datetime import timedelta

    until = deadline
    for trouble in sorted(troubles, key=lambda each: each.began):
        if trouble.began <= until + timedelta(seconds=within):
            until = max(until, trouble.ended)
    return until + timedelta(seconds=within)


def counts(ledger: Ledger) -> Mapping[str, int]:
    """Return what was done, in words for a report."""
    return {
        "requests": len(ledger.asked),
        "clicks acknowledged": len(ledger.acked),
        "effects": len(ledger.effects),
        "faults": len(ledger.troubles),
        "calls answered 503": sum(n for what, n in ledger.answers.items() if what.endswith(" 503")),
    }
