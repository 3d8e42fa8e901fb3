"""
Notices that the database is an older copy, freezes releases, and lets an operator begin again from there.

    RELEASING ──its head is behind the one kept outside, or another──▶ FROZEN
        ▲                                                                 │
        └── a new epoch, everything stopped, no grant left open ◀── an operator acknowledges

Frozen, nothing is claimed, approved, answered, asked or resumed; rejections, stops and deadlines go on.
"""

from dataclasses import dataclass, replace

import structlog

from escalation import notice
from escalation.audit import EventName
from escalation.commitment import written
from escalation.errors import HeadUnknown
from escalation.grant import Grant
from escalation.head import Found, Head, Loss, lost, words
from escalation.ids import GrantId, PersonId
from escalation.ports import InForce, Topic, Transaction
from escalation.reason import Reason, Refused
from escalation.service.context import Core, wake
from escalation.service.steps.clerk import Clerk, by_person, by_us
from escalation.service.steps.grants import doubt_grant
from escalation.service.steps.pull import pull
from escalation.service.steps.restored import RELEASES
from escalation.service.steps.set_aside import readable, set_aside
from escalation.switch import EVERYTHING

_log = structlog.get_logger(__name__)

#: What to do about a file that holds the head of another database.
ANOTHER_FILE = "name another file with ANDON_HEAD_FILE, or move this one away if that database is gone"
_WAYS_OUT = (
    "If the database was restored, run `andon restore acknowledge`; to compare it with the head that was"
    " noted in the audit channel, run `andon restore check --head POSITION:HASH`"
)
#: Of the stop, on the card of what it ends: the copy says that nothing was done, and cannot know.
_RESTORED = "restored from a backup, and it is not known what was done since"
#: How many grants are ended in one transaction.
_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How the database stands beside the head that is kept outside."""

    head: Head | None = None  #: The database's own.
    outside: Head | None = None
    loss: Loss | None = None
    frozen: str | None = None  #: Why nothing is released.
    doubt: str | None = None  #: Why the database cannot be told from an older copy, or is one.
    unkept: str | None = None  #: Why its head cannot be kept outside.


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """Releases go on, from a stop of everything."""

    epoch: int
    unknown: int  #: Grants that were open in the copy; a person has to find out whether they were used.


async def begin(core: Core) -> None:
    """
    Before the doors open: freeze releases if the database is an older copy.

    Raises ``HeadUnknown`` where that cannot be told: the head that was kept is gone, cannot be read, or
    may be another database's.
    """
    if core.heads.place is None:
        _log.warning(
            "head_is_kept_nowhere", why="an older copy of the database cannot be told; set ANDON_HEAD_FILE"
        )
    sight = await _compare(core, await core.heads.read())
    if sight.frozen is not None:
        return
    if sight.outside is None and sight.doubt is not None:
        raise HeadUnknown(f"{core.heads.place}: {sight.doubt}. {_WAYS_OUT}")
    if sight.loss is not None and sight.loss.is_of_elsewhere:
        raise HeadUnknown(
            f"{core.heads.place}: {sight.doubt}. If it is another database's, {ANOTHER_FILE}. {_WAYS_OUT}"
        )
    if sight.outside is not None:
        await _freeze_if_lost(core, sight.outside)


async def watch(core: Core, known: Head | None) -> Sight:
    """
    Freeze releases if the database is older than the head kept outside, or than *known*; else keep its head.

    *known* is the head that this process saw last: it tells also where the head cannot be read or kept.
    """
    kept, unkept = None, None
    try:
        kept = await core.heads.read()
    except HeadUnknown as error:
        unkept = str(error)
    outside = kept if known is None or (kept is not None and kept.is_newer_than(known)) else known
    sight = await _compare(core, outside)
    if outside is not None and sight.loss is not None and sight.frozen is None:
        return replace(sight, frozen=await _freeze_if_lost(core, outside), unkept=unkept)
    if sight.head is not None and sight.frozen is None and unkept is None:
        unkept = await _keep(core, sight.head, kept)
    return replace(sight, unkept=unkept)


async def look(core: Core) -> Sight:
    """Return how the database stands; the head may be unreadable, and that is told as a doubt."""
    try:
        return await _compare(core, await core.heads.read())
    except HeadUnknown as error:
        return replace(await _compare(core, None), doubt=str(error))


async def check(core: Core, noted: Head) -> Sight:
    """
    Compare the database with a head *noted* elsewhere, and with the one that is kept, if that can be read.

    If it has both, its own head is kept outside. What was noted may be older than the backup: it says
    nothing against a newer head that is kept.
    """
    sight = await _compare(core, noted)
    if sight.loss is None and (kept := await _readable_head(core)) is not None:
        beside = await _compare(core, kept)
        sight = sight if beside.loss is None else beside
    if sight.head is not None and sight.loss is None and sight.frozen is None:
        await _keep_anew(core, sight.head)
    return sight


async def freeze(core: Core, noted: Head) -> str | None:
    """Freeze releases if the database has not the head that was *noted* elsewhere; return why."""
    return await _freeze_if_lost(core, noted)


async def epoch(core: Core) -> int:
    """Return the epoch of the database."""
    async with core.store.read() as tx:
        return (await tx.fence.read()).epoch


async def open_grants(core: Core, *, limit: int) -> list[Grant]:
    """Return up to *limit* grants that acknowledging would end."""
    async with core.store.read() as tx:
        return list(await tx.grants.open(limit))


async def acknowledge(core: Core, by: PersonId, reason: str) -> Acknowledged | Refused:
    """
    Begin a new epoch from what the database holds: everything is stopped, and no grant stays open.

    May be run again after it was broken off. What waits is ended by the stop, and a different operator
    resumes it. Raises ``HeadUnknown``, and changes nothing, where the head that is kept is another
    database's: it says nothing about this one.
    """
    configuration = core.configuration()
    if by not in configuration.directory.members(configuration.operators):
        return Refused(Reason.NOT_AN_OPERATOR, by)
    sight = await look(core)
    why = sight.frozen or sight.doubt
    if why is None:
        return Refused(Reason.NOT_FROZEN)
    if sight.loss is Loss.ANOTHER:
        raise HeadUnknown(f"{core.heads.place}: {sight.doubt}; {ANOTHER_FILE}")
    await _stop_everything(core, by, reason, why)
    unknown = await _end_grants(core, by)
    outside = 0 if sight.outside is None else sight.outside.epoch
    done = Acknowledged(epoch=max(await epoch(core), outside) + 1, unknown=unknown)
    await _thaw(core, by, reason, done, named="" if sight.outside is None else sight.outside.record)
    await wake(core, Topic.STOPS)
    after = await _compare(core, None)
    if after.head is not None and core.heads.place is not None:
        await _keep_anew(core, after.head)
    return done


async def _found(tx: Transaction, fence: InForce, outside: Head | None) -> Found:
    return Found(
        record=fence.record or "",
        epoch=fence.epoch,
        seal=await tx.record.last_seal(),
        hash=None if outside is None else await tx.record.hash_at(outside.seq),
    )


async def _compare(core: Core, outside: Head | None) -> Sight:
    async with core.store.read() as tx:
        fence = await readable(tx.fence.read())
        if fence is None:
            # Nobody decides by a fence that cannot be read.
            return Sight(outside=outside)
        found = await _found(tx, fence, outside)
    loss = None if outside is None else lost(outside, found)
    doubt = fence.frozen
    if outside is not None and loss is not None:
        doubt = words(outside, found, loss)
    elif outside is None and fence.record is not None and core.heads.place is not None:
        doubt = doubt or "the head that was kept outside is missing, so an older copy cannot be told"
    return Sight(head=found.head(), outside=outside, loss=loss, frozen=fence.frozen, doubt=doubt)


async def _freeze_if_lost(core: Core, outside: Head) -> str | None:
    async with core.store.write() as tx:
        fence = await tx.fence.lock()
        found = await _found(tx, fence, outside)
        loss = lost(outside, found)
        if loss is None or fence.frozen is not None:
            return fence.frozen
        why = words(outside, found, loss)
        # Whoever acknowledges begins an epoch after both.
        await tx.fence.save(replace(fence, frozen=why, epoch=max(fence.epoch, outside.epoch)))
        clerk = by_us(core, tx, "sealer")
        await clerk.record(EventName.RELEASES_FROZEN, RELEASES, loss=loss.value, why=why)
        await clerk.alert(notice.ReleasesFrozen(why=why))
    _log.error("releases_frozen", why=why)
    await wake(core)
    return why


async def _keep(core: Core, head: Head, kept: Head | None) -> str | None:
    if core.heads.place is None or not head.is_newer_than(kept):
        return None
    try:
        await core.heads.keep(await _named(core, head, kept))
    except HeadUnknown as error:
        return str(error)
    return None


async def _readable_head(core: Core) -> Head | None:
    try:
        return await core.heads.read()
    except HeadUnknown:
        return None


async def _keep_anew(core: Core, head: Head) -> None:
    """Keep *head*, also in place of what cannot be read; but of no newer one, and no other record's."""
    try:
        kept = await core.heads.read()
    except HeadUnknown:
        await core.heads.replace(await _named(core, head, None))
    else:
        await core.heads.keep(await _named(core, head, kept))


async def _named(core: Core, head: Head, kept: Head | None) -> Head:
    if head.record:
        return head
    async with core.store.write() as tx:
        fence = await tx.fence.lock()
        # A copy from before it had a name, and which has the head that is kept, is of that record.
        record = fence.record or ("" if kept is None else kept.record) or core.ids.new("rec")
        if fence.record is None:
            await tx.fence.save(replace(fence, record=record))
    return replace(head, record=record)


async def _stop_everything(core: Core, by: PersonId, reason: str, why: str) -> None:
    async with core.store.write() as tx:
        fence = await tx.fence.lock()
        await tx.fence.save(replace(fence, frozen=fence.frozen or why))
        await tx.switches.ensure([EVERYTHING])
        switch = await tx.switches.lock(EVERYTHING)
        if switch is not None:
            # Stopped already it stays so, and its author stays the one who may not resume it.
            await pull(by_person(core, tx, by), by, switch, f"{_RESTORED}: {reason}")


async def _end_grants(core: Core, by: PersonId) -> int:
    unknown = 0
    while found := await open_grants(core, limit=_BATCH):
        for grant in found:
            async with core.store.write() as tx:
                unknown += await _end(by_person(core, tx, by), grant.id)
        # What cannot be read is set aside, and nobody claims it.
        await set_aside(core)
    return unknown


async def _end(clerk: Clerk, grant_id: GrantId) -> bool:
    grant = await clerk.tx.grants.lock(grant_id)
    return grant is not None and not isinstance(await doubt_grant(clerk, grant), Refused)


async def _thaw(core: Core, by: PersonId, reason: str, done: Acknowledged, *, named: str) -> None:
    async with core.store.write() as tx:
        fence = await tx.fence.lock()
        # A copy from before it had a name goes on under the one that other hosts keep its head by.
        record = fence.record or named or None
        await tx.fence.save(replace(fence, frozen=None, epoch=done.epoch, record=record))
        clerk = by_person(core, tx, by)
        await clerk.record(
            EventName.RESTORE_ACKNOWLEDGED,
            RELEASES,
            epoch=done.epoch,
            lost=fence.frozen,
            reason=written(reason),
            unknown=done.unknown,
        )
        await clerk.alert(notice.RestoreAcknowledged(by=by, reason=reason, unknown=done.unknown))
