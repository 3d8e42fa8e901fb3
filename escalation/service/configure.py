"""Puts a configuration in force: in the fence, on the record, with a switch for everything it can stop."""

from dataclasses import dataclass, replace
from enum import Enum

from escalation import notice
from escalation.audit import EventName
from escalation.commitment import written
from escalation.errors import InvalidConfiguration, NotInForce
from escalation.ports import InForce, StoredConfiguration, Topic, Transaction
from escalation.service.context import Core, wake
from escalation.service.steps import fence
from escalation.service.steps.clerk import Clerk, by_us

#: How much of what is wrong goes into the record and to the alerts channel.
_LONGEST_WHY = 2000


class Source(Enum):
    """Where a change of the configuration came from."""

    START = "start"  #: A process started with files that nobody had seen before.
    FILES = "files changed"  #: The files changed while a process served.
    COMMAND = "andon apply"  #: Somebody at the command line.


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What putting a configuration in force came to."""

    before: str | None  #: The version that was in force until then.
    seq: int
    changed: bool  #: Whether it was not in force already.


async def put_in_force(
    core: Core, *, body: str, source: Source = Source.COMMAND, host: str | None = None, beside: bool = False
) -> Change:
    """
    Put the configuration of *core* in force everywhere (*body*: its files, as text).

    *beside*: also where the database serves other workspaces, and has never served this one; otherwise
    that raises ``InvalidConfiguration``. Raises ``StoreError`` if it is another workspace's than the one
    whose rows the store is open for.
    """
    core.store.open_for(core.configuration().tenant)
    async with core.store.write() as tx:
        if not beside:
            await _check_known(tx, core.configuration().tenant)
        change = await _put(core, tx, body=body, source=source, host=host)
    core.kill("configure:committed")
    if change.changed:
        await wake(core, Topic.CONFIGURATION)
    return change


async def start(core: Core, *, body: str, host: str | None = None) -> bool:
    """
    Put the configuration of *core* in force if it never was; return whether it is in force now.

    One that was in force earlier is an old deployment, or a process that was away: starting it must
    not bring back people and rules that were removed since.
    """
    version = core.configuration().version
    async with core.store.write() as tx:
        await _check_known(tx, core.configuration().tenant)
        in_force = await tx.fence.lock()
        if in_force.version not in {None, version} and await tx.configurations.get(version) is not None:
            return False
        change = await _put(core, tx, body=body, source=Source.START, host=host)
    if change.changed:
        await wake(core, Topic.CONFIGURATION)
    return True


async def follow(core: Core) -> bool:
    """Have this process work by the configuration in force; return whether it is another than before.

    Raises ``NotInForce`` if it cannot.
    """
    return await fence.follow(core)


async def in_force(core: Core) -> StoredConfiguration | None:
    """Return the configuration in force; nothing before the first one."""
    async with core.store.read() as tx:
        version = (await tx.fence.read()).version
        return None if version is None else await tx.configurations.get(version)


async def refuse(core: Core, problems: str, *, files: str, host: str | None = None) -> bool:
    """
    Alarm, once, that changed files are not put in force because of *problems*; return whether it did.

    *files* identifies them: every replica that has them comes here, and the first one alarms.
    """
    async with core.store.write() as tx:
        core.refused_files.refuse(problems, tx.now)
        known = await tx.fence.lock()
        if known.refused == files:
            return False
        await tx.fence.save(replace(known, refused=files))
        # What the files say is quoted: it is somebody's words, and may be no text that can be stored.
        why = problems[:_LONGEST_WHY].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
        clerk = by_us(core, tx, "operator")
        await clerk.record(
            EventName.CONFIGURATION_REFUSED, known.version or "none", why=written(why), host=host
        )
        await clerk.alert(notice.ConfigurationRefused(in_force=known.version or "", why=why))
    await wake(core)
    return True


async def accept(core: Core) -> None:
    """Note that the files are in order again: what is wrong with them next is an alarm of its own."""
    core.refused_files.accept()
    async with core.store.read() as tx:
        if (await tx.fence.read()).refused is None:
            return
    async with core.store.write() as tx:
        await tx.fence.save(replace(await tx.fence.lock(), refused=None))


async def alarm_unreadable(core: Core, error: NotInForce, *, host: str | None = None) -> None:
    """Tell the alerts channel that this process is quiet: it cannot load the configuration in force."""
    async with core.store.write() as tx:
        told = notice.ConfigurationNotLoaded(host=host or "", why=str(error)[:_LONGEST_WHY])
        await by_us(core, tx, "operator").alert(told)
    await wake(core)


async def _put(core: Core, tx: Transaction, *, body: str, source: Source, host: str | None) -> Change:
    configuration, before = core.configuration(), await tx.fence.lock()
    await tx.switches.ensure(configuration.scopes())
    if before.version == configuration.version:
        return Change(before=before.version, seq=before.seq, changed=False)
    now = replace(before, version=configuration.version, seq=before.seq + 1, refused=None)
    await tx.fence.save(now)
    stored = StoredConfiguration(version=configuration.version, body=body)
    await tx.configurations.add(stored, at=tx.now)
    await _record(by_us(core, tx, "operator"), before, now, source=source, host=host)
    core.kill("configure:before-commit")
    return Change(before=before.version, seq=now.seq, changed=True)


async def _check_known(tx: Transaction, workspace: str) -> None:
    # A mistyped workspace would see none of its own stops, and its rules would release past them.
    if (await tx.fence.lock()).version is None and (others := await tx.fence.others()):
        raise InvalidConfiguration(
            f"workspace: {workspace} is new to this database, which serves {', '.join(others)}; nothing was"
            " changed. Correct andon.yaml, or give the new workspace a database of its own (or, to have both"
            " in one: andon apply --beside)"
        )


async def _record(clerk: Clerk, before: InForce, now: InForce, *, source: Source, host: str | None) -> None:
    await clerk.record(
        EventName.CONFIGURATION_LOADED,
        now.version or "",
        agents=sorted(clerk.core.configuration().agents),
        before=before.version,
        seq=now.seq,
        source=source.value,
        host=host,
    )
