"""Runs a peer's driver once, with what it needs, and reads what it measured."""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench import bulk
from bench.databases import Databases, Kind
from bench.measure import Figures
from bench.peers.install import Installed, LeftOut
from deploy.demo.processes import ROOT

#: Seconds.
_WITHIN: Final = 90.0
_RESTATE: Final = "@restatedev/restate-server-*/bin/restate-server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What drivers may be given."""

    databases: Databases
    valkey: str = ""  #: The address of a Valkey that loses nothing, or nothing.


async def drive(
    installed: Installed, given: Surroundings, wanted: Mapping[str, object]
) -> list[dict[str, Any]]:
    """Let *installed* do what is *wanted*, and return what it said; raise ``LeftOut`` where it cannot."""
    with tempfile.TemporaryDirectory(prefix="andon-peer-") as folder:
        whole = {**installed.peer.settings, **wanted, **await _given(installed, given, Path(folder))}
        out = await _output(installed.command(json.dumps(whole)))
    return [json.loads(line) for line in out.splitlines() if line.startswith(b"{")]


async def _output(command: Sequence[str]) -> bytes:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env=_environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as why:
        raise LeftOut(f"its driver does not start: {command[0]}: {why.strerror}") from None
    try:
        async with asyncio.timeout(_WITHIN):
            out, err = await process.communicate()
    except TimeoutError:
        raise LeftOut(f"it did not end within {_WITHIN:.0f} s") from None
    finally:
        # What the driver started is in its group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        raise LeftOut(f"its driver failed: {_last_words(err.decode(errors='replace'))}")
    return out


def figures_of(said: Mapping[str, Any]) -> Figures:
    """Return the figures that a driver told."""
    return Figures(
        **{name: said[name] for name in ("count", "per_second", "p50", "p99", "most", "cpu", "beside")}
    )


async def _given(installed: Installed, given: Surroundings, folder: Path) -> dict[str, object]:
    found: dict[str, object] = {"folder": str(folder / "data"), "servers": []}
    if "postgresql" in installed.peer.needs:
        if given.databases.postgres is None:
            raise LeftOut("PostgreSQL does not run")
        found["servers"] = [given.databases.postmaster]
        found["url"] = bulk.dsn(await given.databases.empty(Kind.POSTGRESQL))
    if "valkey" in installed.peer.needs:
        if not given.valkey:
            raise LeftOut("Valkey does not run")
        found["valkey"] = given.valkey
    if (program := installed.program(_RESTATE)) is not None:
        found["program"] = program
    elif installed.peer.folder == "restate":
        raise LeftOut("its packages hold no server for this machine")
    return found


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "DO_NOT_TRACK": "1",
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPATH": "",
        "PYTHONWARNINGS": "ignore",
    }


def _last_words(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"
