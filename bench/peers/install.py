"""Installs each peer into an environment of its own, in the versions named beside its driver."""

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.peers.catalogue import Peer
from deploy.demo.processes import ROOT, program

CACHE: Final = ROOT / ".bench"
_STAMP: Final = "installed"
_WITHIN: Final = 300.0


class LeftOut(Exception):
    """A peer cannot be measured here; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A peer that can run."""

    peer: Peer
    folder: Path

    def command(self, wanted: str) -> list[str]:
        """Return the command that runs its driver with *wanted*, which is JSON."""
        if (self.peer.home / "driver.mjs").exists():
            return ["node", str(self.folder / "driver.mjs"), wanted]
        return [str(self.folder / "venv/bin/python"), "-m", self.peer.module, wanted]

    def program(self, pattern: str) -> str | None:
        """Return the path of the one file of its npm packages that *pattern* finds."""
        return next((str(path) for path in sorted(self.folder.glob(f"node_modules/{pattern}"))), None)


async def install(peer: Peer, *, cache: Path = CACHE) -> Installed:
    """Return *peer*, installed in *cache*; raise ``LeftOut`` where that does not work."""
    folder = cache / peer.folder
    stamp, wants = folder / _STAMP, _fingerprint(peer)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wants:
        return Installed(peer, folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if (packages := peer.home / "requirements.txt").exists():
        await _run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], folder)
        python = str(folder / "venv/bin/python")
        uv = [program("uv"), "pip", "install", "--quiet", "--python", python, "-r", str(packages)]
        await _run(uv, folder)
    if (packages := peer.home / "package.json").exists():
        if shutil.which("npm") is None:
            raise LeftOut("npm is not installed")
        shutil.copy(packages, folder)
        for driver in peer.home.glob("*.mjs"):
            shutil.copy(driver, folder)
        await _run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"], folder)
    stamp.write_text(wants, encoding="utf-8")
    return Installed(peer, folder)


def _fingerprint(peer: Peer) -> str:
    files = sorted(
        (*peer.home.glob("requirements.txt"), *peer.home.glob("package.json"), *peer.home.glob("*.mjs"))
    )
    return hashlib.sha256(b"\n".join(path.read_bytes() for path in files)).hexdigest()


async def _run(command: Sequence[str], folder: Path) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env={**os.environ, "DO_NOT_TRACK": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as why:
        raise LeftOut(f"its packages cannot be installed: {command[0]}: {why.strerror}") from None
    try:
        async with asyncio.timeout(_WITHIN):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise LeftOut(f"its packages did not arrive within {_WITHIN:.0f} s") from None
    if process.returncode != 0:
        raise LeftOut(f"its packages cannot be installed: {_why(said.decode(errors='replace'))}")


def _why(said: str) -> str:
    # An installer may break the line that tells why; what follows it belongs to it.
    lines = [line.strip() for line in said.splitlines() if line.strip() and "warn" not in line.lower()]
    tells = (
        at for at, line in enumerate(lines) if "no matching" in line.lower() or "not found" in line.lower()
    )
    first = next(tells, 0)
    return " ".join(lines[first : first + 2])[:300] or "no reason was given"
