"""Whether the database is known to be an older copy, and who acknowledged a restore last."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from escalation.audit import EventName
from escalation.errors import SchemaMismatch
from escalation.ids import PersonId
from escalation.ports import Transaction
from escalation.service.steps.set_aside import readable

#: What the events about freezing and acknowledging are about.
RELEASES: Final = "releases"
#: How far back the record is searched; between two restores there are one or two other events.
_SEARCHED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The last restore that was acknowledged."""

    by: PersonId
    at: datetime


async def is_older_copy(tx: Transaction) -> bool:
    """Return whether the database is known to be an older copy, for whoever ends what it holds as unused.

    It holds nothing: a stop and the clock wait for no fence, and end things also where it cannot be read.
    """
    try:
        fence = await readable(tx.fence.read())
    except SchemaMismatch:
        return False
    return fence is not None and fence.frozen is not None


async def last_restore(tx: Transaction) -> Restored | None:
    """Return the last restore that was acknowledged; none if none was."""
    entries = await tx.record.page(agent=None, subject=RELEASES, limit=_SEARCHED)
    events = [None if entry.event is None else entry.event.event() for entry in entries]
    known = [each for each in events if each is not None and each.name is EventName.RESTORE_ACKNOWLEDGED]
    last = max(known, key=lambda event: event.at, default=None)
    return None if last is None else Restored(by=PersonId(last.actor.removeprefix("person:")), at=last.at)
