"""The rungs that requests climbed, in memory."""

from collections.abc import Sequence

from escalation.errors import StoreError
from escalation.ids import RequestId
from escalation.ports import Step
from escalation.store.memory.view import Table, View

STEPS: Table[RequestId, tuple[Step, ...]] = Table()


class MemorySteps:
    """The rungs that were climbed."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, step: Step) -> None:
        climbed = await self.of(step.request)
        if any(known.rung is step.rung for known in climbed):
            raise StoreError(f"{step.request} climbed to {step.rung.name} already")
        self._view[STEPS].put(step.request, (*climbed, step))

    async def of(self, request: RequestId) -> Sequence[Step]:
        return self._view[STEPS].get(request) or ()
