"""Links and seals the record every other second."""

from escalation.engine.module import Module, Progress
from escalation.service import seal
from escalation.service.context import Core

BATCH = 1000


def module(core: Core) -> Module:
    """Return the module that seals the record."""

    async def link() -> Progress:
        return Progress(done=await seal.seal(core, batch=BATCH))

    return Module(name="sealing", work=link, every=2.0)
