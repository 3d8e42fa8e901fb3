"""Sums up once a minute what agents called in vain too often to list."""

from escalation.engine.module import Module, Progress
from escalation.service import refusals
from escalation.service.context import Core


def module(core: Core) -> Module:
    """Return the module that records the counts of this process."""

    async def summarise() -> Progress:
        await refusals.summarise(core)
        return Progress(done=0)

    return Module(name="refusals", work=summarise, every=60.0)
