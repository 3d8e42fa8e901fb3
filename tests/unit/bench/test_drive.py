"""What a peer's driver measures is read from its lines; where it cannot, the reason is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.databases import Databases
from bench.peers.catalogue import PEERS, Peer
from bench.peers.drive import Surroundings, drive
from bench.peers.install import Installed, LeftOut

pytestmark = pytest.mark.slow

SAYS = 'console.log("warming up"); console.log(JSON.stringify({asked: JSON.parse(process.argv[2]).at_once}))'
FAILS = 'console.log("{}"); console.error("Error: port 9070 is taken"); process.exit(3)'


def installed(folder: Path, *, driver: str) -> Installed:
    (folder / "none").mkdir()
    (folder / "none" / "driver.mjs").write_text(driver)
    return Installed(Peer(name="None", folder="none", how="not at all", among=folder), folder / "none")


def nothing(folder: Path) -> Surroundings:
    return Surroundings(databases=Databases(folder=folder, postgres=None))


async def test_a_driver_is_told_what_is_wanted_and_its_json_lines_are_read(tmp_path: Path) -> None:
    """Whatever else it prints is not taken for a measurement."""
    said = await drive(installed(tmp_path, driver=SAYS), nothing(tmp_path), {"at_once": [1, 8]})
    assert said == [{"asked": [1, 8]}]


async def test_a_driver_that_fails_is_left_out_with_its_last_words(tmp_path: Path) -> None:
    """What it measured before it failed does not count."""
    with pytest.raises(LeftOut, match=r"^its driver failed: Error: port 9070 is taken$"):
        await drive(installed(tmp_path, driver=FAILS), nothing(tmp_path), {})


async def test_a_driver_without_its_program_is_left_out(tmp_path: Path) -> None:
    """Its environment may have been removed since it was installed."""
    gone = replace(installed(tmp_path, driver=SAYS), folder=tmp_path / "elsewhere")
    (gone.peer.home / "driver.mjs").unlink()
    with pytest.raises(
        LeftOut, match=r"^its driver does not start: /.*elsewhere/venv/bin/python: No such file"
    ):
        await drive(gone, nothing(tmp_path), {})


@pytest.mark.parametrize(("needed", "name"), [("postgresql", "PostgreSQL"), ("valkey", "Valkey")])
async def test_a_peer_without_what_it_needs_is_left_out(tmp_path: Path, needed: str, name: str) -> None:
    """It is not even started."""
    alone = installed(tmp_path, driver=SAYS)
    needing = replace(alone, peer=replace(alone.peer, needs=frozenset({needed})))
    with pytest.raises(LeftOut, match=rf"^{name} does not run$"):
        await drive(needing, nothing(tmp_path), {})


def test_the_catalogue_has_a_driver_and_pinned_versions_for_each() -> None:
    """A peer is measured in the version that its folder names."""
    for peer in PEERS:
        assert any((peer.home / f"driver.{ending}").exists() for ending in ("py", "mjs")), peer.name
        if (packages := peer.home / "requirements.txt").exists():
            assert all("==" in line for line in packages.read_text().splitlines()), peer.name
        if (packages := peer.home / "package.json").exists():
            versions = json.loads(packages.read_text())["dependencies"].values()
            assert all(version[0].isdigit() for version in versions), peer.name
