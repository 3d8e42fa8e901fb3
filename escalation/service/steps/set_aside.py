"""Sets aside what cannot be read or worked on: remembered once, one alarm each, and all else goes on."""

from collections.abc import Awaitable, Collection
from typing import TypeVar

import structlog

from escalation import notice
from escalation.audit import EventName
from escalation.errors import Unreadable
from escalation.ids import OutboxId
from escalation.ports import Aside
from escalation.service.context import Core, wake
from escalation.service.steps.clerk import Clerk, by_us

_log = structlog.get_logger(__name__)
T = TypeVar("T")

#: How many rows that are set aside together have an alarm each; the last of these counts the others.
_NAMED = 10


async def set_aside(core: Core, *rows: Unreadable) -> int:
    """Set *rows* aside, and what the store could not read since the last time; return how many were new."""
    met = {(row.kind, row.id): row for row in (*core.store.unreadable.taken(), *rows)}
    if not met:
        return 0
    async with core.store.write() as tx:
        fresh = await _remember(by_us(core, tx, "doctor"), met.values())
    for row in fresh:
        _log.error("row_set_aside", kind=row.kind, id=row.id, why=row.why)
    if fresh:
        await wake(core)
    return len(fresh)


async def readable(found: Awaitable[T]) -> T | None:
    """Return what is *found*, or nothing where it cannot be read: for what is only shown."""
    try:
        return await found
    except Unreadable:
        return None


async def _remember(clerk: Clerk, rows: Collection[Unreadable]) -> list[Unreadable]:
    fresh = [row for row in rows if await _is_new(clerk, row)]
    unnamed = len(fresh[_NAMED:])
    for number, row in enumerate(fresh[:_NAMED], start=1):
        more = unnamed if number == _NAMED else 0
        await clerk.alert(notice.SetAside(kind=row.kind, id=row.id, why=row.why, more=more))
    return fresh


async def _is_new(clerk: Clerk, row: Unreadable) -> bool:
    tx = clerk.tx
    if not await tx.set_aside.add(Aside(kind=row.kind, id=row.id, why=row.why, at=tx.now)):
        return False
    if row.kind == "outbox":
        await tx.outbox.set_aside(OutboxId(row.id), tx.now)
    await clerk.record(EventName.ROW_SET_ASIDE, row.id, kind=row.kind, why=row.why)
    return True
