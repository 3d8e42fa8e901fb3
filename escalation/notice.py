"""What Andon tells people beside the cards: a closed list of notices, each a few plain fields."""

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TypeAlias

from escalation.action import canonical, decode
from escalation.errors import InvalidAction


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """To one person who may decide and wants direct messages: how things stand when it is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nudged:
    """In the thread: half of the time is over and nobody has decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCalled:
    """In the thread and to the backup: most of the time is over."""

    backup: str  #: A person's id.


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """In the thread: somebody is looking, so the reminders pause."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedByOne:
    """In the thread: one approval is in, more are needed."""

    by: str
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """In the thread: how it ended, with the words of whoever decided."""

    state: str
    by: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAgain:
    """In the thread of the old card: it was asked once more."""

    by: str
    follow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """To the owner and the alerts channel: nobody answered, so the safe default was taken."""

    state: str  #: ``timed_out`` or ``undeliverable``.
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverShown:
    """To a channel or a person: several requests ended before their cards could be shown to anybody."""

    count: int = 0  #: Known when it is sent, like the rest.
    since: str = ""  #: When the first and the last of their messages were written.
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFailed:
    """In the thread and to the owner: what people approved did not succeed."""

    grant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectUnknown:
    """To the owner and the alerts channel: nobody knows whether an effect happened."""

    grant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectResolved:
    """To the alerts channel: a person found out what had happened."""

    grant: str
    by: str
    report: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectContradicted:
    """To the alerts channel, the owner and whoever had resolved it: the agent reports the opposite."""

    grant: str
    by: str  #: Who had found out what happened.
    report: str  #: What the agent says.


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """To the alerts channel: somebody pulled the cord, and what waits is being ended."""

    scope: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """To the alerts channel: everything that waited under a stop has ended."""

    scope: str
    killed: int  #: How many pending requests the stop ended.
    late: int  #: How many had missed their deadline before it, and timed out.
    revoked: int  #: How many unclaimed grants it took back.


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """To the alerts channel: a different operator let go of it."""

    scope: str
    by: str
    stopped_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRefused:
    """To the alerts channel: the files changed, and what they say now is not put in force."""

    in_force: str  #: The version that stays in force.
    why: str  #: As ``andon check`` says it.


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationNotLoaded:
    """To the alerts channel: a process cannot load the configuration in force, and decides nothing."""

    host: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """To the audit channel: the head of the record, noted where we cannot change it."""

    seq: int
    hash: str
    epoch: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRefused:
    """To the alerts channel: Slack does not take seals in the audit channel; they are not noted."""

    channel: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasesFrozen:
    """To the alerts channel: the database is an older copy, and nothing is released."""

    why: str  #: What tells so: the two heads.


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreAcknowledged:
    """To the alerts channel: an operator took note of it, and everything begins from a stop."""

    by: str
    reason: str
    unknown: int  #: Of how many approvals nobody knows whether they were used.


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """To the alerts channel: a row cannot be read, or cannot be worked on; everything else goes on."""

    kind: str  #: Its table.
    id: str
    why: str  #: What is wrong with it, and never what stands in it.
    more: int = 0  #: How many others were set aside with it and are not named.


Notice: TypeAlias = (
    Asked
    | Nudged
    | BackupCalled
    | Acknowledged
    | ApprovedByOne
    | Settled
    | AskedAgain
    | Unanswered
    | NeverShown
    | EffectFailed
    | EffectUnknown
    | EffectResolved
    | EffectContradicted
    | Stopped
    | Swept
    | Resumed
    | ConfigurationRefused
    | ConfigurationNotLoaded
    | Sealed
    | SealRefused
    | ReleasesFrozen
    | RestoreAcknowledged
    | SetAside
)

_KINDS: dict[str, type[Notice]] = {
    kind.__name__: kind
    for kind in (
        *(Asked, Nudged, BackupCalled, Acknowledged, ApprovedByOne, Settled, AskedAgain, Unanswered),
        NeverShown,
        *(EffectFailed, EffectUnknown, EffectResolved, EffectContradicted),
        *(Stopped, Swept, Resumed, Sealed, SealRefused),
        *(SetAside, ReleasesFrozen, RestoreAcknowledged),
        *(ConfigurationRefused, ConfigurationNotLoaded),
    )
}


@lru_cache(maxsize=256)  # of many requests that time out together, all say the same, twice
def body(notice: Notice) -> str:
    """Return *notice* as it is stored in the outbox."""
    return canonical(
        {"note": type(notice).__name__, **{each.name: getattr(notice, each.name) for each in fields(notice)}}
    )


def parse(stored: str) -> Notice:
    """Return the notice that ``body`` stored; what a newer version says besides is left out."""
    values = decode(stored)
    if not isinstance(values, dict):
        raise TypeError(f"no notice: {stored!r}")
    kind = _KINDS[str(values.pop("note"))]
    # A row that another version queued may say more than this one asks for; it is said all the same.
    known = {each.name for each in fields(kind)}
    return kind(**{name: value for name, value in values.items() if name in known})


@lru_cache(maxsize=256)
def is_known(stored: str) -> bool:
    """Return whether ``parse`` can make a notice of *stored*, which a newer version may have written."""
    try:
        parse(stored)
    except (InvalidAction, LookupError, TypeError):
        return False
    return True
