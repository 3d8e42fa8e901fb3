"""Files that a process finds when it starts, and files that cannot be put in force."""

from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.config import Held, load
from bot.file_watch import FileWatch
from bot.wiring import begin
from escalation.service import configure, queries
from escalation.store.memory import MemoryStore
from tests.scenario.replicas import Site, replicas
from tests.scenario.rules import ANDON, TODAY
from tests.scenario.world import MovableClock

_TWO = "finance-managers: {members: [salma, khalid]"
_ONE = "finance-managers: {members: [khalid]"


async def test_a_process_with_old_files_goes_on_by_the_new_ones(tmp_path: Path) -> None:
    """A replica whose disk was not brought up to date restarts, and brings nobody back."""
    async with replicas(MemoryStore, MovableClock(), number=1) as (here,):
        site = Site(tmp_path, here)
        old = load(site.root / ANDON, today=TODAY)
        site.write(ANDON, _TWO, _ONE)
        await site.looks()
        site.write(ANDON, _ONE, _TWO)  # the disk of the replica that restarts
        held = Held(old)
        core = replace(here.core, configuration=held.configuration, adopt=held.adopt)
        await begin(core, old)
        version = old.configuration.version
        watch = FileWatch(core, held, site.root / ANDON, version=version, today=lambda: TODAY)
        for _ in range(4):
            await watch.look()
        in_force = await configure.in_force(core)
        assert in_force is not None
        assert in_force.version == core.configuration().version != version


@pytest.mark.parametrize(
    "line",
    [
        "workspace: SLACK_BOT_TOKEN=xoxb-1234-5678-SECRETSECRET",
        "workspace: SECRETSECRET0123456789abcdef0123456789abcdef xapp-SECRETSECRET",
        'workspace: T01ANDON\n"a\\0b": SECRETSECRET',
        "workspace: T01ANDON\nxoxb-1234-5678-SECRETSECRET: 1",
    ],
)
async def test_what_is_wrong_with_files_quotes_no_secret(tmp_path: Path, line: str) -> None:
    """Somebody pasted a token where it does not belong: it is refused and told, and stands nowhere else."""
    async with replicas(MemoryStore, MovableClock(), number=1) as (here,):
        site = Site(tmp_path, here)
        await site.looks()
        site.write(ANDON, "workspace: T01ANDON", line)
        with capture_logs() as log:
            await site.looks()
        found = await queries.events(here.core, agent=None, subject=None, limit=100)
        refused = [entry for entry in found if entry.event and entry.event.name == "configuration.refused"]
        assert len(refused) == 1
        assert "SECRETSECRET" not in f"{refused} {log}"
