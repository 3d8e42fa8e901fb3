"""Says in Slack what the outbox holds: lanes side by side, each lane in order."""

import asyncio
from collections import defaultdict

from escalation.engine.module import Module, Progress
from escalation.ports import Courier, Outgoing
from escalation.service import deliver
from escalation.service.context import Core

BATCH = 100
#: Seconds between two looks: each commit wakes it, and Slack takes a message a second and channel.
_GAP = 0.02


def module(core: Core, courier: Courier) -> Module:
    """Return the module that empties the outbox."""

    async def empty() -> Progress:
        taken = await deliver.take(core, limit=BATCH)
        lanes: defaultdict[str, list[Outgoing]] = defaultdict(list)
        for outgoing in taken:
            lanes[outgoing.lane].append(outgoing)
        walks = (_walk(core, courier, lane) for lane in lanes.values())
        # Not a task group: a lane that fails must not break off the others, which may have said
        # something in Slack that they could then not remember.
        for outcome in await asyncio.gather(*walks, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        return Progress(done=len(taken))

    return Module(name="outbox", work=empty, every=1.0, gap=_GAP, limit=60.0)


async def _walk(core: Core, courier: Courier, lane: list[Outgoing]) -> None:
    for outgoing in lane:
        await deliver.send(core, courier, outgoing)
