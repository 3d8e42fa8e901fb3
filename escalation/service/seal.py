"""Links the events that arrived and seals the head of the record; and checks the whole of it."""

from datetime import timedelta

from escalation.audit import Broken, Link, Seal, Verified, Verifier
from escalation.audit import link as link_events
from escalation.notice import Sealed
from escalation.ports import Store, Transaction
from escalation.service.context import Core
from escalation.service.steps.clerk import by_us

#: How often the head is noted in the audit channel, at most.
_NOTE_EVERY = timedelta(minutes=5)


async def seal(core: Core, *, batch: int) -> int:
    """Link and seal up to *batch* events; return how many. One process at a time does it."""
    async with core.store.write() as tx:
        if not await tx.record.hold():
            return 0
        events = await tx.record.unlinked(batch)
        if not events:
            return 0
        links = link_events(events, after=await tx.record.last_link())
        await tx.record.add_links(links)
        await _seal(core, tx, links[-1])
        core.kill("seal:before-commit")
    return len(links)


async def _seal(core: Core, tx: Transaction, last: Link) -> None:
    earlier = await tx.record.last_seal()
    head = Seal(seq=last.seq, hash=last.hash, at=tx.now)
    await tx.record.add_seal(head)
    if earlier is None or _is_noted(earlier, head):
        await by_us(core, tx, "sealer").seal(Sealed(seq=head.seq, hash=head.hash))


def _is_noted(earlier: Seal, head: Seal) -> bool:
    # The first seal of each five minutes is noted: a number of the clock, so that no state is kept.
    slot = _NOTE_EVERY.total_seconds()
    return int(earlier.at.timestamp() // slot) != int(head.at.timestamp() // slot)


async def verify(store: Store, *, noted: Seal | None = None) -> Verified | Broken:
    """Walk the whole record; *noted* is a seal that somebody kept elsewhere."""
    async with store.read() as tx:
        verifier = Verifier(await tx.record.seals(), noted=noted)
        async for link, event in tx.record.walk():
            if (broken := verifier.feed(link, event)) is not None:
                return broken
        return verifier.finish(unsealed=await tx.record.count_unlinked())
