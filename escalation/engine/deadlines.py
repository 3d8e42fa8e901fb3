"""Settles what is due: rungs of requests, and grants whose time is over."""

from datetime import datetime

from escalation.engine.module import Module
from escalation.service import deadlines
from escalation.service.context import Core

#: How many are settled in one transaction.
BATCH = 200


def module(core: Core) -> Module:
    """Return the module that settles deadlines, oldest first, batch by batch."""

    async def settle() -> int:
        requests = await deadlines.settle_due(core, batch=BATCH)
        return requests + await deadlines.lapse_due(core, batch=BATCH)

    return Module(name="deadlines", work=settle, every=1.0)


async def nearest(core: Core) -> datetime | None:
    """Return the nearest instant at which something is due."""
    async with core.store.read() as tx:
        candidates = (await tx.requests.next_due_at(), await tx.grants.next_due_at())
    return min((at for at in candidates if at is not None), default=None)
