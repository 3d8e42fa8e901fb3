"""A peer that cannot be measured is left out, with the reason."""

import json
from pathlib import Path

import pytest

from bench.measure import figures
from bench.peers import table
from bench.peers.catalogue import IN_PROCESS, Peer
from bench.peers.install import LeftOut, install
from bench.peers.results import OURS, Results
from bench.report import Circumstances
from bench.sizes import QUICK

HERE = Circumstances(command="python -m bench peers", busy=0.0, postgresql="")


def peer(folder: Path, *, requirement: str) -> Peer:
    (folder / "none").mkdir()
    (folder / "none" / "requirements.txt").write_text(f"{requirement}\n")
    return Peer(name="None", folder="none", how="not at all", among=folder)


@pytest.mark.slow
async def test_a_package_that_is_not_there_leaves_its_peer_out(tmp_path: Path) -> None:
    """The reason is one line that names the package, and the next attempt installs again."""
    missing = peer(
        tmp_path, requirement=f"no-such-package @ file://{tmp_path}/no_such_package-1-py3-none-any.whl"
    )
    for _ in range(2):
        with pytest.raises(LeftOut, match=r"cannot be installed: .*no.such.package") as why:
            await install(missing, cache=tmp_path / "cache")
        assert "\n" not in str(why.value)


@pytest.mark.slow
async def test_what_is_installed_is_not_installed_again(tmp_path: Path) -> None:
    """The second call finds the environment as the first left it; other versions make a new one."""
    nothing = peer(tmp_path, requirement="# nothing")
    first = await install(nothing, cache=tmp_path / "cache")
    (first.folder / "kept").touch()
    assert (await install(nothing, cache=tmp_path / "cache")).folder == first.folder
    assert (first.folder / "kept").exists()
    assert json.loads(first.command('{"work": "trips"}')[-1]) == {"work": "trips"}

    (nothing.home / "requirements.txt").write_text("# other versions\n")
    await install(nothing, cache=tmp_path / "cache")
    assert not (first.folder / "kept").exists()


def test_who_is_left_out_is_named_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """On the page and at once on the terminal, in one line."""
    results = Results()
    results.leave_out("Restate", "its packages\ncannot be installed")
    assert capsys.readouterr().err == "left out: Restate: its packages cannot be installed\n"
    assert "Left out: Restate: its packages cannot be installed." in table.text(results, QUICK, HERE)


def test_each_tool_is_compared_with_ours_and_the_best_of_them_with_the_goals() -> None:
    """Ours does 300 a second: three times the best of the others with eight callers, four times the other."""
    results = Results()
    for name, count in ((OURS, 300), ("procrastinate", 100), ("DBOS", 75)):
        for callers in QUICK.at_once:
            results.trips[IN_PROCESS, name, callers] = [figures([0.001] * count, seconds=1.0)]
    said = table.text(results, QUICK, HERE)
    (procrastinate,) = [line for line in said.splitlines() if line.startswith("| procrastinate")]
    (dbos,) = [line for line in said.splitlines() if line.startswith("| DBOS")]
    assert procrastinate.count("3.00 ×") == dbos.count("4.00 ×") == 2
    assert "≥ 3 ×: met" in said
    assert "≥ 5 ×: **missed × 1.7**" in said
