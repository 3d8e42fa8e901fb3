"""A seal is noted outside once Slack took it; until then it stays open, and operators hear of a refusal."""

import structlog

from escalation import notice
from escalation.audit import ChainHash, Seal
from escalation.ports import OutboxKind, Outgoing, Transaction
from escalation.service.context import Core
from escalation.service.steps.clerk import Clerk

_log = structlog.get_logger(__name__)


async def is_overtaken(core: Core, tx: Transaction, outgoing: Outgoing) -> bool:
    """Return whether *outgoing* is a seal that need not be noted any more: there, or at all."""
    sealed = _seal(outgoing)
    if sealed is None:
        return False
    noted = await tx.record.last_note()
    is_noted = noted is not None and noted.seq >= sealed.seq
    return is_noted or outgoing.lane != core.configuration().audit_channel


async def note(tx: Transaction, outgoing: Outgoing) -> None:
    """Remember that the seal in *outgoing* is noted, if it is one: Slack took it."""
    sealed = _seal(outgoing)
    if sealed is None:
        return
    noted = await tx.record.last_note()
    if noted is None or noted.seq < sealed.seq:
        # As of when it was written: what happened since then is to be noted in its turn.
        await tx.record.add_note(Seal(seq=sealed.seq, hash=ChainHash(sealed.hash), at=outgoing.at))


async def refused(clerk: Clerk, outgoing: Outgoing, why: str) -> None:
    """Tell operators, once for each reason, that Slack refuses the seal in *outgoing*."""
    if outgoing.error == why:
        return
    _log.error("seal_refused", lane=outgoing.lane, why=why)
    await clerk.alert(notice.SealRefused(channel=outgoing.lane, why=why))


def _seal(outgoing: Outgoing) -> notice.Sealed | None:
    if outgoing.kind is not OutboxKind.SEAL:
        return None
    told = notice.parse(outgoing.body)
    return told if isinstance(told, notice.Sealed) else None
