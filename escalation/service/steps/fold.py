"""Folds what ended before its card could be shown to anybody into one message a channel, and one a person."""

from dataclasses import replace
from typing import Final

from escalation import notice
from escalation.audit import EventName, instant
from escalation.ports import Delivered, Dossier, OutboxKind, Outgoing, Transaction, Turn
from escalation.service.steps.clerk import Clerk

#: Rows folded in one transaction.
_AT_ONCE: Final = 500
#: Requests that a summary names; of the others it gives the number.
_NAMED: Final = 5


def is_unseen(outgoing: Outgoing, about: Dossier | None) -> bool:
    """Return whether *outgoing* is news of a request that ended before its card was posted, for sure."""
    if about is None or outgoing.turn not in {Turn.ASK, Turn.NEWS}:
        return False
    if outgoing.may_stand or outgoing.card_in_doubt is not None:
        return False
    return about.request.state.is_settled and about.card is None


async def fold(clerk: Clerk, outgoing: Outgoing) -> bool:
    """
    Fold *outgoing*, and what else of its lane nobody was shown, into the lane's summary.

    Return False, and change nothing, for the only such news to a person or the alerts channel: it is
    said as it is.
    """
    outbox, now = clerk.tx.outbox, clerk.tx.now
    others = await outbox.foldable(outgoing.lane, _AT_ONCE, now=now)
    if not others and outgoing.kind in {OutboxKind.ALERT, OutboxKind.DIRECT}:
        return False
    into = await outbox.summary_of(outgoing.lane) or await clerk.summary(outgoing.lane)
    for each in (outgoing.id, *others):
        await outbox.fold(each, into=into, at=now)
    return True


async def told(tx: Transaction, outgoing: Outgoing) -> Outgoing:
    """Return *outgoing*; a summary with what it tells of."""
    if outgoing.turn is not Turn.SUMMARY:
        return outgoing
    found = await tx.outbox.folded(outgoing.id, limit=_NAMED)
    if found is None:
        return outgoing
    requests = await tx.requests.among(found.requests)
    said = notice.NeverShown(count=found.count, since=instant(found.first_at), until=instant(found.last_at))
    named = tuple(requests[each] for each in found.requests if each in requests)
    return replace(outgoing, body=notice.body(said), tells_of=named)


async def is_whole(tx: Transaction, outgoing: Outgoing) -> bool:
    """Return whether *outgoing* told of everything, and, of a summary, let nothing more be folded into it."""
    if outgoing.turn is not Turn.SUMMARY:
        return True
    await tx.outbox.summary_of(outgoing.lane)
    return (await told(tx, outgoing)).body == outgoing.body


async def record(clerk: Clerk, outgoing: Outgoing, stands: Delivered) -> None:
    """Put on the record that *outgoing* was said, if it is a summary."""
    said = notice.parse(outgoing.body) if outgoing.turn is Turn.SUMMARY else None
    if isinstance(said, notice.NeverShown):
        await clerk.record(
            EventName.MESSAGES_SUMMARISED,
            outgoing.id,
            channel=stands.channel,
            ts=stands.ts,
            requests=said.count,
            since=said.since,
            until=said.until,
        )
