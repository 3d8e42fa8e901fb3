"""Sets aside what somebody met and nobody could read."""

from escalation.engine.module import Module, Progress
from escalation.service import doctor
from escalation.service.context import Core


def module(core: Core) -> Module:
    """Return the module that sets aside what reads of people and agents met."""

    async def note() -> Progress:
        await doctor.note(core)
        return Progress(done=0)

    return Module(name="doctor", work=note, every=1.0)
