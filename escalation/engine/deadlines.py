"""Settles what is due: rungs of requests, and grants whose time is over."""

from escalation.engine.module import Module, Progress
from escalation.service import deadlines
from escalation.service.context import Core

#: How many are settled in one transaction.
BATCH = 200
#: Seconds until what is due, but held by another process, is tried again.
_CONTENDED = 0.05


def module(core: Core) -> Module:
    """Return the module that settles deadlines, oldest first, batch by batch."""

    async def settle() -> Progress:
        due = await deadlines.due(core)
        done = 0
        try:
            if due.requests_in == 0:
                done += await deadlines.settle_due(core, batch=BATCH)
        finally:
            # Requests that cannot be settled keep no grant from lapsing.
            if due.grants_in == 0:
                done += await deadlines.lapse_due(core, batch=BATCH)
        return Progress(done=done, next_in=_CONTENDED if due.now else due.next_in)

    return Module(name="deadlines", work=settle, every=1.0)
