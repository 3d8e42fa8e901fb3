"""Rules change within one decision, without a restart: nobody decides by rules that are not in force."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from bot.config import Loaded
from escalation import notice
from escalation.action import Json, decode
from escalation.audit import Event
from escalation.engine import configuration as follower
from escalation.engine import sweeping
from escalation.engine.metronome import Metronome
from escalation.errors import NotInForce, SchemaMismatch
from escalation.ids import Ids
from escalation.ports import Delivery, Dossier, InForce, OutboxKind, Outgoing, Page, StoredConfiguration
from escalation.reason import Reason, Refused
from escalation.request import State
from escalation.service import queries
from escalation.service.claim import Claimed
from escalation.service.context import Counted
from escalation.service.propose import Proposed
from escalation.service.stop import Moved, resume, stop
from escalation.store import open_store
from escalation.store.memory import MemoryStore
from escalation.store.migrations import REVISIONS
from escalation.store.sqlite import SqliteStore
from escalation.store.statement import Statement
from escalation.store.tables import fence
from escalation.switch import EVERYTHING, Scope, ScopeKind
from tests.harness.databases import Postgres
from tests.scenario.agent import CONFIDENT, SMALL
from tests.scenario.conftest import OpenStore
from tests.scenario.replicas import Replica, Site, click, events, replicas
from tests.scenario.rules import ANDON, MANIFEST, Change, changed, shipped
from tests.scenario.world import MovableClock, World, told_by

KHALID_LEFT = Change(
    ANDON, "finance-managers: {members: [salma, khalid]", "finance-managers: {members: [salma]"
)
#: The same as a line of the file on a disk.
MANAGERS, SALMA_ALONE = KHALID_LEFT.old, KHALID_LEFT.new
STRICTER = Change(MANIFEST, 'decimal("50")', 'decimal("5")')
OTHER_OPERATORS = Change(ANDON, "operators: [nadia, khalid]", "operators: [nadia, maryam]")


@pytest.fixture
async def pair(any_store: OpenStore) -> AsyncIterator[list[Replica]]:
    """Two processes over one database, in each kind of it; neither beats by itself."""
    async with replicas(any_store, MovableClock()) as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def lasting_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Each store that outlives its process."""
    if request.param == "sqlite":
        file = Path(shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "andon.db"))
        return lambda clock: SqliteStore(file, clock)
    server: Postgres = request.getfixturevalue("postgres")
    url = server.url_of(request.getfixturevalue("database"))
    return lambda clock: open_store(url, clock)


@pytest.fixture
async def in_memory() -> AsyncIterator[list[Replica]]:
    """The same, over memory alone."""
    async with replicas(MemoryStore, MovableClock()) as found:
        yield found


# --- who decides, decides by what is in force -----------------------------------------------------------


async def test_a_removed_approver_is_refused_at_once_everywhere(pair: list[Replica]) -> None:
    """Through a process that has not noticed anything yet, who was removed approves nothing."""
    here, stale = pair
    request = await here.asked()
    await here.puts_in_force(changed(KHALID_LEFT))
    assert stale.version == shipped().configuration.version, "nothing told it so far"
    refused = await stale.approves("khalid", request)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NOT_AN_APPROVER
    assert stale.version == changed(KHALID_LEFT).configuration.version
    counted = await stale.approves("salma", request)
    assert isinstance(counted, Counted)
    assert counted.request.state is State.APPROVED


async def test_what_the_removed_approved_is_not_claimed(pair: list[Replica]) -> None:
    """An approval of before does not count at the claim, through whichever process it comes."""
    for number in range(2):
        here, stale = pair
        await here.puts_in_force(shipped())
        await stale.follows()
        counted = await stale.approves("khalid", await stale.asked(memo=f"number {number}"))
        assert isinstance(counted, Counted)
        await here.puts_in_force(changed(KHALID_LEFT))
        refused = await (here, stale)[number].claims(counted.grant)
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.AUTHORITY_LAPSED


async def test_proposals_are_judged_by_the_rules_in_force(pair: list[Replica]) -> None:
    """What the old rules allowed alone is asked about, in a process that still holds them."""
    here, stale = pair
    allowed = await stale.asks(confidence=CONFIDENT, **SMALL)
    assert isinstance(allowed, Proposed)
    assert allowed.request.state is State.APPROVED
    await here.puts_in_force(changed(STRICTER))
    asked = await stale.asks(confidence=CONFIDENT, **SMALL)
    assert isinstance(asked, Proposed)
    assert asked.request.state is State.PENDING
    assert asked.request.ruling.version == changed(STRICTER).configuration.version
    refused = await stale.claims(allowed.grant)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.AUTHORITY_LAPSED


async def test_who_is_no_operator_any_more_resumes_nothing(pair: list[Replica]) -> None:
    """A stop outlives the operator who left, in a process that still holds him for one."""
    here, stale = pair
    assert isinstance(await stop(here.core, click("nadia"), EVERYTHING, "It posts twice"), Moved)
    await here.puts_in_force(changed(OTHER_OPERATORS))
    refused = await resume(stale.core, click("khalid"), EVERYTHING)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NOT_AN_OPERATOR
    await sweeping.module(here.core).run()
    assert isinstance(await resume(stale.core, click("maryam"), EVERYTHING), Moved)


async def test_what_is_new_can_be_stopped(pair: list[Replica]) -> None:
    """A new configuration brings a switch for each of its scopes."""
    here, _ = pair
    loaded = changed(Change(MANIFEST, "function: finance", "function: treasury"))
    await here.puts_in_force(loaded)
    treasury = Scope(ScopeKind.FUNCTION, "treasury")
    async with here.core.store.write() as tx:
        assert await tx.switches.lock(treasury) is not None


async def test_one_use_case_sees_one_configuration(in_memory: list[Replica]) -> None:
    """A process that adopts another configuration in the middle of a proposal finishes it by the first."""
    here, _ = in_memory
    other = changed(Change(ANDON, "grant: 10m", "grant: 1m"))

    class Adopting:
        """Ids, the first of which changes what the process works by."""

        def new(self, prefix: str) -> str:
            here.held.become(other)
            return here.core.ids.new(prefix)

        def secret(self) -> str:
            return here.core.ids.secret()

    ids: Ids = Adopting()
    proposed = await replace(here, core=replace(here.core, ids=ids)).asks(confidence=CONFIDENT, **SMALL)
    assert here.version == other.configuration.version
    assert isinstance(proposed, Proposed)
    assert proposed.grant is not None
    granted = proposed.grant.expires_at - proposed.request.asked_at
    assert (granted, proposed.request.ruling.version) == (
        shipped().configuration.times.grant,
        shipped().configuration.version,
    )


async def test_a_change_waits_for_who_decides(pair: list[Replica]) -> None:
    """A change commits after the decisions that share the fence, and whoever comes then sees it."""
    here, stale = pair
    request = await here.asked()
    shares, may_end = asyncio.Event(), asyncio.Event()

    async def decides() -> None:
        async with stale.core.store.write() as tx:
            assert (await tx.fence.share()).version == shipped().configuration.version
            shares.set()
            await may_end.wait()

    deciding = asyncio.create_task(decides())
    await shares.wait()
    changing = asyncio.create_task(here.puts_in_force(changed(KHALID_LEFT)))
    done, _ = await asyncio.wait({changing}, timeout=0.1)
    may_end.set()
    await asyncio.gather(deciding, changing)
    assert not done
    assert isinstance(await stale.approves("khalid", request), Refused)


async def test_a_flood_of_changes(pair: list[Replica]) -> None:
    """While the rules change again and again, each request is judged by those in force at its commit."""
    here, stale = pair
    versions: list[Loaded] = [changed(KHALID_LEFT), shipped(), changed(STRICTER)]

    async def change() -> None:
        for loaded in versions * 3:
            await here.puts_in_force(loaded)
            await asyncio.sleep(0.05)

    async def ask(replica: Replica) -> None:
        while not changing.done():
            # On a slow machine the next change comes before the last one is loaded: it is tried again.
            with suppress(NotInForce):
                await replica.asked()
            await asyncio.sleep(0.005)

    changing = asyncio.create_task(change())
    await asyncio.gather(changing, ask(here), ask(stale))
    in_force, asked = "", 0
    for event in await _everything(here):
        if event.name.value == "configuration.loaded":
            in_force = event.subject
        elif event.name.value == "request.asked":
            asked += 1
            assert _data(event)["version"] == in_force
    assert asked > 0
    assert len(await events(here.core, "configuration.loaded")) == 1 + 9
    await stale.follows()
    assert stale.version == changed(STRICTER).configuration.version


def _data(event: Event) -> dict[str, Json]:
    data = decode(event.data)
    assert isinstance(data, dict)
    return data


async def _everything(replica: Replica) -> list[Event]:
    return [
        told_by(entry) for entry in await queries.events(replica.core, agent=None, subject=None, limit=10_000)
    ]


# --- which files win ------------------------------------------------------------------------------------


async def test_an_old_process_that_starts_late_rolls_nothing_back(pair: list[Replica]) -> None:
    """Files that were in force earlier stay out of force, until an operator puts them there."""
    here, late = pair
    await here.puts_in_force(changed(KHALID_LEFT))
    assert not await late.starts(shipped())
    assert isinstance(await late.approves("khalid", await here.asked()), Refused)
    assert late.version == changed(KHALID_LEFT).configuration.version
    assert len(await events(here.core, "configuration.loaded")) == 2
    await late.puts_in_force(shipped())
    assert isinstance(await here.approves("khalid", await here.asked()), Counted)


async def test_a_process_with_files_nobody_has_seen_puts_them_in_force(pair: list[Replica]) -> None:
    """A new deployment needs no other command, and the record says where it came from."""
    here, new = pair
    assert await new.starts(changed(STRICTER))
    assert await new.starts(changed(STRICTER)), "the same again is no change"
    await here.follows()
    assert here.version == changed(STRICTER).configuration.version
    first, second = await events(here.core, "configuration.loaded")
    assert _data(first) == {"agents": ["bank-reconciliation"], "seq": 1, "source": "start"}
    assert _data(second)["before"] == first.subject


async def test_processes_that_start_together_agree(any_store: OpenStore) -> None:
    """Of several that start at once with the same new files, one puts them on the record."""
    async with replicas(any_store, MovableClock(), number=3) as several:
        assert all(await asyncio.gather(*(each.starts(changed(STRICTER)) for each in several)))
        assert len(await events(several[0].core, "configuration.loaded")) == 2


async def test_nothing_is_decided_before_anything_is_in_force(any_store: OpenStore) -> None:
    """A database without a configuration in force takes no proposal, whatever files a process has."""
    async with replicas(any_store, MovableClock(), number=1) as (alone,):
        async with alone.core.store.write() as tx:
            await tx.fence.save(InForce())
        with pytest.raises(NotInForce, match=r"no configuration is in force yet; `andon apply`"):
            await alone.asks()


# --- files that change while it serves ------------------------------------------------------------------


async def test_changed_files_come_into_force_once(pair: list[Replica], tmp_path: Path) -> None:
    """Two processes whose files change alike put one event on the record, and both work by it."""
    sites = [Site(tmp_path / name, replica) for name, replica in zip("ab", pair, strict=True)]
    for site in sites:
        await site.looks()
    assert len(await events(pair[0].core, "configuration.loaded")) == 1, "unchanged files change nothing"
    for site in sites:
        site.write(ANDON, MANAGERS, SALMA_ALONE)
    await asyncio.gather(*(site.looks() for site in sites))
    assert {replica.version for replica in pair} == {changed(KHALID_LEFT).configuration.version}
    _, event = await events(pair[0].core, "configuration.loaded")
    assert _data(event)["source"] == "files changed"


async def test_a_file_in_the_middle_of_being_written_waits(in_memory: list[Replica], tmp_path: Path) -> None:
    """What was found changed is read at the next look, once it is found the same."""
    here, _ = in_memory
    site = Site(tmp_path, here)
    await site.looks()
    site.write(ANDON, MANAGERS, "finance-managers: {members: [sal")
    await site.watch.look()
    site.write(ANDON, "finance-managers: {members: [sal", SALMA_ALONE)
    await site.looks()
    assert here.version == changed(KHALID_LEFT).configuration.version
    assert await events(here.core, "configuration.refused") == []


async def test_files_that_another_process_overtook_are_left_alone(
    pair: list[Replica], tmp_path: Path
) -> None:
    """Unchanged files do not come back into force by themselves; an operator who asks for it gets it."""
    here, other = pair
    site = Site(tmp_path, here)
    await site.looks()
    await other.puts_in_force(changed(KHALID_LEFT))
    await here.follows()
    (site.root / ANDON).touch()
    await site.looks()
    assert here.version == changed(KHALID_LEFT).configuration.version
    site.watch.ask()
    await site.watch.look()
    assert here.version == shipped().configuration.version
    assert isinstance(await other.approves("khalid", await other.asked()), Counted)


async def test_an_invalid_change_changes_nothing_and_alarms_once(pair: list[Replica], tmp_path: Path) -> None:
    """What `andon check` would refuse is refused with the same words, once however many processes see it."""
    sites = [Site(tmp_path, replica) for replica in pair]
    for site in sites:
        await site.looks()
    sites[0].write(ANDON, MANAGERS, "finance-managers: {members: [salma, nobody-here]")
    with capture_logs() as log:
        for site in sites * 2:
            await site.looks()
    assert {replica.version for replica in pair} == {shipped().configuration.version}
    (alarm,) = await _alarms(pair[0])
    assert isinstance(alarm, notice.ConfigurationRefused)
    assert alarm.why.startswith(f"{tmp_path}/andon.yaml:14: ")
    assert "nobody-here" in alarm.why
    logged = [entry for entry in log if entry["event"] == "configuration_refused"]
    assert [entry["problems"] for entry in logged] == [alarm.why.splitlines()] * 2
    (event,) = await events(pair[0].core, "configuration.refused")
    assert _data(event)["why"] == alarm.why

    sites[0].write(ANDON, "finance-managers: {members: [salma, nobody-here]", MANAGERS)
    await sites[0].looks()
    sites[0].write(ANDON, MANAGERS, "finance-managers: {members: [salma, nobody-here]")
    await sites[0].looks()
    # Mended and broken again is an alarm of its own.
    assert len(await events(pair[0].core, "configuration.refused")) == 2
    assert isinstance(await pair[1].approves("khalid", await pair[1].asked()), Counted)


async def test_another_workspace_is_no_change(in_memory: list[Replica], tmp_path: Path) -> None:
    """A process that serves one workspace refuses files for another one."""
    here, _ = in_memory
    site = Site(tmp_path, here)
    await site.looks()
    site.write(ANDON, "workspace: T01ANDON", "workspace: T02OTHER")
    await site.looks()
    (alarm,) = await _alarms(here)
    assert isinstance(alarm, notice.ConfigurationRefused)
    assert "stop every process" in alarm.why
    assert here.version == shipped().configuration.version


async def _alarms(replica: Replica) -> list[notice.Notice]:
    async with replica.core.store.write() as tx:
        taken = await tx.outbox.take(tx.now, lease=timedelta(), limit=100)
    return [notice.parse(outgoing.body) for outgoing in taken if outgoing.kind is OutboxKind.ALERT]


# --- what this version cannot load ----------------------------------------------------------------------


def _newer() -> StoredConfiguration:
    texts = json.loads(shipped().body)
    texts[ANDON] += "\nhorizon: {from: the future}\n"
    return StoredConfiguration(version="ffffffffffff", body=json.dumps(texts))


async def test_what_cannot_be_loaded_makes_it_quiet(pair: list[Replica]) -> None:
    """A process that cannot load what a newer one put in force decides nothing, and alarms once."""
    here, _ = pair
    before = await here.approves("salma", await here.asked())
    waiting = await here.asked(memo="another")
    assert isinstance(before, Counted)
    async with here.core.store.write() as tx:
        await tx.configurations.add(_newer(), at=tx.now)
        await tx.fence.save(InForce(version="ffffffffffff", seq=7))
    for attempt in (here.asks(), here.approves("salma", waiting), here.claims(before.grant)):
        with pytest.raises(NotInForce, match=r"ffffffffffff is in force, and this version .*horizon"):
            await attempt
    module = follower.Follower(here.core).module
    with capture_logs() as log:
        for _ in range(3):
            await module.run()
    assert "NotInForce: configuration ffffffffffff" in str(module.error), "/readyz says it"
    assert [entry["event"] for entry in log if entry["log_level"] == "error"] == ["configuration_not_loaded"]
    (alarm,) = await _alarms(here)
    assert isinstance(alarm, notice.ConfigurationNotLoaded)
    await here.puts_in_force(shipped())
    await module.run()
    assert module.error is None
    assert isinstance(await here.claims(before.grant), Claimed)


async def test_files_that_were_changed_in_the_database_are_refused(in_memory: list[Replica]) -> None:
    """Who rewrites the remembered files gets no approvers out of it."""
    here, _ = in_memory
    forged = changed(
        Change(ANDON, "finance-managers: {members: [salma", "finance-managers: {members: [yusuf")
    )
    async with here.core.store.write() as tx:
        await tx.configurations.add(StoredConfiguration(version="e" * 12, body=forged.body), at=tx.now)
        await tx.fence.save(InForce(version="e" * 12, seq=2))
    with pytest.raises(NotInForce, match="were changed in the database"):
        await here.asks()


async def test_a_quiet_process_says_so_at_its_doors(any_room: World) -> None:
    """Agents and people are told that nothing was taken, and the load balancer that it is not ready."""
    room = any_room
    room.expected |= {"configuration_not_loaded", "listener_failed", "slack_request_failed"}
    asked = await room.agent.asks()
    card = await room.card(asked)
    async with room.store.write() as tx:
        in_force = await tx.fence.lock()
        await tx.configurations.add(_newer(), at=tx.now)
        await tx.fence.save(InForce(version="ffffffffffff", seq=7))
    answer = await room.agent.proposes({})
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1")
    assert "cannot load the configuration in force" in answer.json()["detail"]
    assert (await room.salma.clicks("Approve", on=card)).status == 503
    await room.beats()
    ready = await room.agent.gets("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert ready.json()["trouble"] == ["configuration: NotInForce"]
    await room.passes(minutes=15)
    assert await room.agent.state_of(asked) == "timed_out", "the clock goes on"
    async with room.store.write() as tx:
        await tx.fence.save(in_force)
    await room.beats()
    assert (await room.agent.gets("/readyz")).status_code == 200


class _Mute:
    """A courier that must not be called."""

    async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        raise AssertionError(f"{outgoing.id} was sent about {about}")


async def test_a_newer_schema_makes_it_quiet(lasting_store: OpenStore) -> None:
    """Once another version migrated the database, a process decides, settles and delivers nothing."""
    clock = MovableClock()
    async with replicas(lasting_store, clock, number=1) as (here,):
        request = await here.asked()
        engine = Metronome(here.core, _Mute())
        follower = next(module for module in engine.modules if module.name == "configuration")
        before = await _rows(here)
        await _migrated_to(here, "9999")
        clock.advance(minutes=15)
        for attempt in (here.asks(), here.approves("salma", request)):
            with pytest.raises(SchemaMismatch, match=r"ahead.*9999"):
                await attempt
        with capture_logs() as log:
            for _ in range(3):
                await follower.run()
                await engine.tick()
        assert [entry["event"] for entry in log if entry["log_level"] == "error"] == ["schema_is_another"]
        assert "SchemaMismatch" in str(follower.error), "/readyz says it"
        assert await _rows(here) == before
        await _migrated_to(here, REVISIONS[-1])
        await follower.run()
        await engine.modules[0].run()
        assert await _rows(here) != before, "back again, it settles what is overdue"


async def _rows(replica: Replica) -> tuple[list[State], int]:
    async with replica.core.store.read() as tx:
        requests = await tx.requests.page(Page(limit=10))
    return [request.state for request in requests], len(await _everything(replica))


async def _migrated_to(replica: Replica, revision: str) -> None:
    async with replica.core.store.write() as tx:
        session: Any = tx
        await session.source.run(Statement(update(fence).values(schema=revision)), {})
