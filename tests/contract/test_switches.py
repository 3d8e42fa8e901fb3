"""The port of the kill switches, over every store."""

from dataclasses import replace

from escalation.ports import Aside, Store
from escalation.switch import EVERYTHING, Scope, ScopeKind, Stop, Switch
from tests.contract import samples
from tests.contract.samples import NOON, SALMA, TICK

AGENT = Scope(ScopeKind.AGENT, "bank-reconciliation")
FUNCTION = Scope(ScopeKind.FUNCTION, "finance")
STOPPED = Switch(scope=AGENT, stop=Stop(by=SALMA, at=NOON, reason="odd bookings"), version=2)


async def test_a_switch_is_made_once(store: Store) -> None:
    """Making sure of a switch that is there changes nothing, not even a stop."""
    async with store.write() as tx:
        await tx.switches.ensure([AGENT, EVERYTHING])
        assert await tx.switches.save(STOPPED)
    async with store.write() as tx:
        await tx.switches.ensure([EVERYTHING, AGENT, FUNCTION])
        assert await tx.switches.lock(AGENT) == STOPPED
        assert await tx.switches.lock(FUNCTION) == Switch(scope=FUNCTION)


async def test_a_claim_sees_all_its_switches(store: Store) -> None:
    """Sharing returns one switch for each scope, and makes those that are missing."""
    async with store.write() as tx:
        await tx.switches.ensure([AGENT])
        await tx.switches.save(STOPPED)
    async with store.write() as tx:
        shared = await tx.switches.share([FUNCTION, AGENT, EVERYTHING, AGENT])
    assert set(shared) == {STOPPED, Switch(scope=FUNCTION), Switch(scope=EVERYTHING)}
    assert len(shared) == 3
    async with store.write() as tx:
        assert await tx.switches.lock(FUNCTION) == Switch(scope=FUNCTION)


async def test_a_switch_in_doubt_is_stopped_since_it_was_set_aside(
    store: Store, clock: samples.MovableClock
) -> None:
    """Whoever asks, and when: what was due before that instant timed out, what was due later is killed."""
    async with store.write() as tx:
        await tx.switches.ensure([AGENT])
        await tx.set_aside.add(Aside(kind="switches", id=str(AGENT), why="it is odd", at=NOON))
    clock.advance(samples.MINUTE)
    async with store.write() as tx:
        found = (*await tx.switches.share([AGENT]), *await tx.switches.stopped())
        found = (*found, *await tx.switches.share_stopped())
    assert [switch.stop.at for switch in found if switch.stop is not None] == [NOON] * 3


async def test_a_stale_writer_loses(store: Store) -> None:
    """Of two stops of one version the first stands; a switch that is not there cannot be saved."""
    other = replace(STOPPED, stop=Stop(by=SALMA, at=NOON, reason="other"))
    async with store.write() as tx:
        assert not await tx.switches.save(STOPPED)
        assert await tx.switches.lock(AGENT) is None
        await tx.switches.ensure([AGENT])
        assert await tx.switches.save(STOPPED)
        assert not await tx.switches.save(other)
        assert await tx.switches.lock(AGENT) == STOPPED


async def test_only_what_is_stopped_is_listed(store: Store) -> None:
    """The list of stops holds the stopped switches alone; a resumed one leaves it."""
    async with store.write() as tx:
        await tx.switches.ensure([AGENT, FUNCTION])
        await tx.switches.save(STOPPED)
    async with store.read() as tx:
        assert list(await tx.switches.stopped()) == [STOPPED]
    async with store.write() as tx:
        await tx.switches.save(Switch(scope=AGENT, version=3))
    async with store.read() as tx:
        assert list(await tx.switches.stopped()) == []


async def test_stops_are_listed_in_the_order_in_which_they_were_pulled(store: Store) -> None:
    """Whoever asks which stop ended something finds the first one first, also while it holds them all."""
    later = Switch(scope=AGENT, stop=Stop(by=SALMA, at=NOON + TICK, reason="later"), version=2)
    first = Switch(scope=FUNCTION, stop=Stop(by=SALMA, at=NOON, reason="first"), version=2)
    async with store.write() as tx:
        await tx.switches.ensure([AGENT, FUNCTION, EVERYTHING])
        await tx.switches.save(later)
        await tx.switches.save(first)
    async with store.write() as tx:
        assert list(await tx.switches.share_stopped()) == [first, later]
        assert list(await tx.switches.stopped()) == [first, later]
