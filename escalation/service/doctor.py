"""Names what does not go as it should, and lets rows that are set aside go again after a repair."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from escalation import request as requests
from escalation.audit import EventName
from escalation.errors import SchemaMismatch, StatementRefused, StoreUnavailable, Unreadable
from escalation.grant import Grant, GrantState
from escalation.ids import EventId, GrantId, OutboxId, RequestId
from escalation.ports import Aside, Outgoing, Transaction
from escalation.reason import Refused
from escalation.request import Kill, Request
from escalation.service.context import Core, wake
from escalation.service.steps import settle
from escalation.service.steps.clerk import Clerk, by_us
from escalation.service.steps.grants import doubt_grant, revoke_grant
from escalation.service.steps.judge import scopes_over
from escalation.service.steps.restored import is_older_copy, last_restore
from escalation.service.steps.set_aside import set_aside
from escalation.switch import Scope, scope

#: A deadline is settled within milliseconds; a busy machine may take a little longer.
_LATE = timedelta(seconds=5)
#: How many messages that Slack has not taken are named.
_NAMED = 5
#: How far back the record is searched for a stop; where that is not enough, there was one.
_SEARCHED = 100
_STOPPED = "stopped while it was set aside"


async def note(core: Core) -> int:
    """Set aside what the store could not read since the last time; return how many rows were new."""
    return await set_aside(core)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What does not go as it should."""

    aside: Sequence[Aside]  #: What is set aside, the oldest first.
    late_since: datetime | None  #: When the first deadline passed that nobody settled.
    asks: int  #: How many requests wait for their card.
    refused: Sequence[Outgoing]  #: The oldest messages that were tried, and that Slack has not taken.


async def findings(core: Core, *, limit: int) -> Findings:
    """Return what is set aside, up to *limit* rows; what is late; and what Slack has not taken."""
    async with core.store.read() as tx:
        dues = [await tx.requests.next_due_at(), await tx.grants.next_due_at()]
        late = [due for due in dues if due is not None and due < tx.now - _LATE]
        return Findings(
            aside=await tx.set_aside.all(limit),
            late_since=min(late, default=None),
            asks=await tx.outbox.count_asks(),
            refused=await tx.outbox.refused(_NAMED),
        )


async def release(core: Core, id_: str) -> Sequence[Aside]:
    """
    Read what is set aside under *id_* again and let it go; return what that was.

    Raises ``Unreadable``, and changes nothing, while it is still broken. A request whose deadline passed
    meanwhile is settled at once; what a stop would have ended, it ends now.
    """
    async with core.store.write() as tx:
        clerk = by_us(core, tx, "operator")
        released = await tx.set_aside.of(id_)
        for aside in released:
            await tx.set_aside.remove(aside)
            await _or_unreadable(core, aside, _read_again(clerk, aside))
            await clerk.record(EventName.ROW_RELEASED, aside.id, kind=aside.kind)
    await wake(core, id_)
    return released


async def _or_unreadable(core: Core, aside: Aside, reading: Awaitable[None]) -> None:
    try:
        await reading
    except (StoreUnavailable, StatementRefused, SchemaMismatch, Unreadable):
        raise
    except Exception as error:
        why = f"it cannot be worked on ({type(error).__name__})"
        raise Unreadable(aside.kind, aside.id, why) from error
    finally:
        # It is set aside already, or not any more: nobody has to do it again.
        core.store.unreadable.forget(aside)


async def _read_again(clerk: Clerk, aside: Aside) -> None:
    tx = clerk.tx
    match aside.kind:
        case "requests":
            await _request(clerk, RequestId(aside.id))
        case "grants":
            await _grant(clerk, GrantId(aside.id))
        case "outbox":
            await tx.outbox.bring_back(OutboxId(aside.id), not_before=tx.now)
        case "switches":
            await tx.switches.lock(scope(aside.id))
        case "sweeps" if (switch := await tx.switches.lock(scope(aside.id))) is not None:
            await tx.sweeps.of(switch)
        case "fence":
            await tx.fence.read()
        case "audit_events":
            await tx.record.get(EventId(aside.id))
        case "agent_keys" if aside.id in {key.id for key in await tx.keys.all()}:
            pass
        case _:
            raise Unreadable(aside.kind, aside.id, aside.why)


async def _request(clerk: Clerk, request_id: RequestId) -> None:
    tx = clerk.tx
    seen = await tx.requests.get(request_id)
    # Switches before requests, as a stop takes them: neither waits for the other for ever.
    stopped = seen is not None and await _was_stopped(clerk, seen, since=seen.asked_at)
    locked = await settle.lock(clerk.core, tx, request_id)
    if locked is None:
        return
    killed = requests.apply(locked, Kill(_STOPPED, at=tx.now), now=tx.now)
    if stopped and not isinstance(killed, Refused):
        await settle.settled(clerk, killed.request)
    else:
        await clerk.card(locked)
    # The sweep of a stop finds a grant by its request, and this one could not be read.
    unused = await tx.grants.of(request_id) if locked.state.gives_authority else None
    if unused is not None and unused.state is GrantState.GRANTED:
        await _grant(clerk, unused.id)


async def _grant(clerk: Clerk, grant_id: GrantId) -> None:
    tx = clerk.tx
    seen = await tx.grants.get(grant_id)
    stopped = seen is not None and await _would_be_revoked(clerk, seen)
    grant = await tx.grants.lock(grant_id)
    if grant is not None and await _was_restored(tx, since=grant.granted_at):
        # Acknowledging makes every open grant unknown, and could not read this one; an ended one stays so.
        await doubt_grant(clerk, grant)
    elif stopped and grant is not None and grant.state is GrantState.GRANTED:
        await revoke_grant(clerk, grant, reason=_STOPPED)


async def _was_restored(tx: Transaction, *, since: datetime) -> bool:
    """Return whether the database went back to an older copy *since* then, acknowledged or not yet."""
    restored = await last_restore(tx)
    return (restored is not None and since <= restored.at) or await is_older_copy(tx)


async def _would_be_revoked(clerk: Clerk, grant: Grant) -> bool:
    request = await clerk.tx.requests.get(grant.request)
    return request is not None and await _was_stopped(clerk, request, since=grant.granted_at)


async def _was_stopped(clerk: Clerk, request: Request, *, since: datetime) -> bool:
    """Return whether a stop covered *request* at any time *since* then: it would have ended it."""
    scopes = scopes_over(clerk.core.configuration(), request)
    if any(switch.stop is not None for switch in await clerk.tx.switches.share(scopes)):
        return True
    return any([await _has_moved(clerk.tx, each, since) for each in scopes])


async def _has_moved(tx: Transaction, scope_: Scope, since: datetime) -> bool:
    entries = await tx.record.page(agent=None, subject=str(scope_), limit=_SEARCHED)
    events = [None if entry.event is None else entry.event.event() for entry in entries]
    # One that this version cannot read may have been a stop.
    newer = [event for event in events if event is None or event.at >= since]
    return len(newer) == _SEARCHED or any(
        event is None or event.name is EventName.SWITCH_STOPPED for event in newer
    )
