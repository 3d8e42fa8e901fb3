"""An event that was set aside is listed until it is mended and released, and no longer."""

import pytest

from escalation.errors import Unreadable
from escalation.service import doctor, seal
from escalation.verification import Verified
from tests.harness.vandal import Vandal
from tests.scenario.test_one_bad_row import ON_DISK, bad_room, set_aside
from tests.scenario.world import World

__all__ = ["bad_room"]


@ON_DISK
async def test_an_event_that_was_mended_is_listed_no_longer(bad_room: World) -> None:
    """Broken and met before it was linked, mended, released: it is linked like any other."""
    room, vandal = bad_room, Vandal(bad_room.store)
    while await seal.seal(room.core, batch=100):
        pass
    await room.agent.asks()
    async with room.store.read() as tx:
        [asked] = await tx.record.unlinked(9)
    await vandal.sets("audit_events", "at", vandal.never, of=asked.id)
    async with room.store.read() as tx:
        await tx.record.unlinked(9)
    await doctor.note(room.core)
    assert await set_aside(room) == [("audit_events", asked.id)]
    with pytest.raises(Unreadable):
        await doctor.release(room.core, asked.id)
    await vandal.sets("audit_events", "at", "(SELECT max(asked_at) FROM requests)", of=asked.id)
    [released] = await doctor.release(room.core, asked.id)
    assert released.id == asked.id
    await room.beats()
    assert await set_aside(room) == []
    assert isinstance(await seal.verify(room.store), Verified)


@ON_DISK
async def test_an_event_in_line_for_a_second_link_is_listed_until_it_is_out_of_it(bad_room: World) -> None:
    """It is named once; released in line it is refused, and once somebody took it out it is gone."""
    room, vandal = bad_room, Vandal(bad_room.store)
    while await seal.seal(room.core, batch=100):
        pass
    await vandal.runs(
        "INSERT INTO audit_unlinked (tenant, position)"
        " SELECT tenant, min(position) FROM audit_events GROUP BY tenant"
    )
    await room.agent.asks()
    await room.beats()
    [(kind, bad)] = await set_aside(room)
    assert kind == "audit_events"
    with pytest.raises(Unreadable, match="can be given none"):
        await doctor.release(room.core, bad)
    await vandal.runs("DELETE FROM audit_unlinked WHERE position = (SELECT min(position) FROM audit_events)")
    await doctor.release(room.core, bad)
    await room.passes(seconds=5)
    assert await set_aside(room) == []
    while await seal.seal(room.core, batch=100):
        pass
    assert isinstance(await seal.verify(room.store), Verified)
