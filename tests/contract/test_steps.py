"""The rungs that were climbed, over every store."""

import pytest

from escalation.errors import StoreError
from escalation.ids import RequestId
from escalation.ladder import Rung
from escalation.ports import Step, Store
from tests.contract import samples
from tests.contract.samples import MINUTE, NOON


async def test_rungs_are_remembered_in_order(store: Store) -> None:
    """Each rung of a request is kept with when it was planned and when it happened."""
    steps = [
        Step(request=RequestId("req_1"), rung=rung, planned_at=NOON, actual_at=NOON + int(rung) * MINUTE)
        for rung in (Rung.NUDGED, Rung.BACKUP, Rung.DEFAULTED)
    ]
    async with store.write() as tx:
        await samples.add_requests(tx, "1", "2")
        for step in steps:
            await tx.steps.add(step)
    async with store.read() as tx:
        assert list(await tx.steps.of(RequestId("req_1"))) == steps
        assert list(await tx.steps.of(RequestId("req_2"))) == []


async def test_a_rung_is_climbed_once(store: Store) -> None:
    """The same rung of the same request cannot be stored twice: nobody is paged twice for it."""
    step = Step(request=RequestId("req_1"), rung=Rung.NUDGED, planned_at=NOON, actual_at=NOON)
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        await tx.steps.add(step)
    with pytest.raises(StoreError):
        async with store.write() as tx:
            await tx.steps.add(step)
