"""
Settles rows of one kind, a batch in one transaction; one that cannot be settled does not stop the others.

    together ──ok──▶ done
        ╲────error──▶ each alone ──▶ the others are done, and who fails alone is set aside
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import structlog

from escalation.errors import SchemaMismatch, StatementRefused, StoreUnavailable, Unreadable, places
from escalation.grant import Grant
from escalation.ports import Transaction
from escalation.request import Request
from escalation.service.context import Core
from escalation.service.steps.clerk import Clerk, by_us
from escalation.service.steps.set_aside import set_aside
from escalation.service.steps.time_slice import TimeSlice

_log = structlog.get_logger(__name__)
#: About the store as a whole, or this process: however few rows are due, none of them is to blame.
_ABOUT_NO_ROW = (StoreUnavailable, StatementRefused, SchemaMismatch, MemoryError)
R = TypeVar("R", Request, Grant)


class Work(Protocol[R]):
    """Rows of one table that the clock, or a stop, has to end."""

    kind: str  #: Their table.

    async def lock_due(self, tx: Transaction, limit: int) -> Sequence[R]: ...

    async def lock(self, tx: Transaction, id_: str) -> R | None: ...

    async def settle(self, clerk: Clerk, row: R) -> bool:
        """Do what is due; return False if nothing is."""
        ...

    def pass_kill_point(self, core: Core) -> None:
        """Pass the kill point before the commit of a batch."""
        ...


async def settle_batch(core: Core, work: Work[R], *, limit: int) -> list[str]:
    """Settle up to *limit* rows that are due, or as many as there is time for, and return their ids."""
    try:
        settled = await _together(core, work, limit)
    except _ABOUT_NO_ROW:
        raise
    except Exception as error:  # noqa: BLE001 - whatever one row does must not hold up the others
        settled = await _each_alone(core, work, limit, error)
    await set_aside(core)
    return settled


async def _together(core: Core, work: Work[R], limit: int) -> list[str]:
    async with core.store.write() as tx:
        clerk = by_us(core, tx, "clock")
        settled: list[str] = []
        due = await work.lock_due(tx, limit)
        time_slice = TimeSlice()
        for row in due:
            if await work.settle(clerk, row):
                settled.append(str(row.id))
            if await time_slice.is_over():
                break
        work.pass_kill_point(core)
    core.kill("deadline:committed")
    return settled


async def _each_alone(core: Core, work: Work[R], limit: int, cause: Exception) -> list[str]:
    async with core.store.read() as tx:
        due = [str(row.id) for row in await work.lock_due(tx, limit)]
    settled: list[str] = []
    failed: list[Unreadable] = []
    for id_ in due:
        try:
            settled += await _alone(core, work, id_)
        except Unreadable as unreadable:
            failed.append(unreadable)
    if len(failed) == len(due) > 1:
        raise cause  # It is not about one of them: nothing is set aside that the next version could settle.
    await set_aside(core, *failed)
    return settled


async def _alone(core: Core, work: Work[R], id_: str) -> list[str]:
    try:
        async with core.store.write() as tx:
            row = await work.lock(tx, id_)
            done = row is not None and await work.settle(by_us(core, tx, "clock"), row)
    except (*_ABOUT_NO_ROW, Unreadable):
        raise
    except Exception as error:
        # The log says where it failed, and not the error's message, which may quote what people wrote.
        why = f"it cannot be settled ({type(error).__name__})"
        _log.error("row_not_settled", kind=work.kind, id=id_, why=why, where=places(error))
        raise Unreadable(work.kind, id_, why) from error
    return [id_] if done else []
