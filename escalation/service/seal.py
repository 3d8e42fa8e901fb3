"""Links the events that arrived, seals the head, has it noted outside; and checks the whole record."""

from datetime import timedelta

from escalation.audit import Seal
from escalation.audit import link as link_events
from escalation.notice import Sealed
from escalation.ports import InForce, OutboxKind, Store, Transaction
from escalation.service.context import Core
from escalation.service.steps.clerk import by_us
from escalation.service.steps.set_aside import readable
from escalation.verification import Broken, Verified, Verifier

#: A head is noted in the audit channel at the latest five minutes after its last event: by then the
#: engine has come round, and Slack's lane too.
_NOTE_EVERY = timedelta(minutes=4, seconds=30)


async def seal(core: Core, *, batch: int) -> int:
    """Link and seal up to *batch* events; return how many. One process at a time does it."""
    async with core.store.write() as tx:
        if not await tx.record.hold():
            return 0
        events = await tx.record.unlinked(batch)
        links = link_events(events, after=await tx.record.last_link()) if events else []
        if links:
            await tx.record.add_links(links)
            await tx.record.add_seal(Seal(seq=links[-1].seq, hash=links[-1].hash, at=tx.now))
        # Also when nothing happened: what happened last may not have been noted yet.
        await _note(core, tx)
        core.kill("seal:before-commit")
    core.kill("seal:committed")
    return len(links)


async def _note(core: Core, tx: Transaction) -> None:
    channel = core.configuration().audit_channel
    if channel is None:
        return
    head, noted = await tx.record.last_seal(), await tx.record.last_note()
    if head is None or (noted is not None and noted.seq >= head.seq):
        return
    if noted is not None and tx.now - noted.at < _NOTE_EVERY:
        return
    # It counts once Slack took it. What waits to be said is enough until then.
    if not await tx.outbox.waits(channel, OutboxKind.SEAL):
        fence = await readable(tx.fence.read()) or InForce()
        told = Sealed(seq=head.seq, hash=head.hash, epoch=fence.epoch)
        await by_us(core, tx, "sealer").seal(told)


async def verify(store: Store, *, noted: Seal | None = None) -> Verified | Broken:
    """Walk the whole record; *noted* is a seal that somebody kept elsewhere."""
    async with store.read() as tx:
        verifier = Verifier(await tx.record.seals(), noted=noted)
        async for entry in tx.record.walk():
            if (broken := verifier.feed(entry)) is not None:
                return broken
        if (broken := verifier.cut_off()) is not None:
            return broken
        async for entry in tx.record.walk_beside():
            if (broken := verifier.beside(entry, now=tx.now)) is not None:
                return broken
        return verifier.finish()
