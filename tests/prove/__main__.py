"""
Proves on demand what tests prove in small: for as long as there is time, and on databases of its own.

    python -m tests.prove --minutes 20 [--only kills] [--seed 7]

The time is divided among the sections by their shares. It ends with status 1 if anything was found wrong,
or a section is missing, and writes docs/proof.md in any case, also when it is interrupted.
"""

import argparse
import asyncio
import importlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from escalation.clock import SystemClock, monotonic
from tests.prove.report import Proof, Ran, page
from tests.prove.section import Budget, Section

ROOT = Path(__file__).resolve().parents[2]
#: Every part of the proof, in the order in which they run.
NAMES = ("kills", "races", "chaos", "machine", "model")
#: What somebody may have in the environment for a bot that serves.
_URLS = ("ANDON_DATABASE_URL", "ANDON_REDIS_URL", "SLACK_API_URL")


def main(arguments: Sequence[str]) -> int:
    """Prove, and return the exit code."""
    asked = _parsed(arguments)
    if (elsewhere := not_loopback(os.environ)) is not None:
        print(elsewhere, file=sys.stderr)
        return 2
    sections, missing = _sections(NAMES if asked.only is None else (asked.only,))
    if asked.only is not None and missing:
        print(f"There is no part {asked.only!r}; there are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    ran, interrupted = asyncio.run(_prove(sections, seconds=asked.minutes * 60, seed=asked.seed))
    proof = Proof(
        on=SystemClock().now().date(),
        seed=asked.seed,
        minutes=asked.minutes,
        only=asked.only,
        interrupted=interrupted,
        ran=ran,
        missing=[f"`{name}`: there is no such part" for name in missing],
    )
    (ROOT / "docs/proof.md").write_text(page(proof), encoding="utf-8")
    print(f"\n{len(proof.violations)} violations. docs/proof.md says what was run.")
    return 1 if proof.violations or missing else 0


def not_loopback(environment: Mapping[str, str]) -> str | None:
    """Return why nothing is run: something in *environment* is on another machine."""
    for name in _URLS:
        if (url := environment.get(name)) and not _is_here(url):
            return (
                f"{name} names another machine. make prove kills, floods and fills what it runs on, so it"
                " runs on this machine alone, with databases of its own:"
                f" unset {name}, or let it name 127.0.0.1."
            )
    return None


def _is_here(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # PostgreSQL's may name its host, or the folder of its socket, beside the others.
        hosts = [*([parts.hostname] if parts.hostname else []), *parse_qs(parts.query).get("host", [])]
    except ValueError:
        return False
    return all(host.startswith("/") or host == "localhost" or _is_loopback(host) for host in hosts)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make prove")
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--only")
    parser.add_argument("--seed", type=int)
    found = parser.parse_args(arguments)
    if not found.minutes > 0:
        parser.error("MINUTES must be more than 0, such as MINUTES=20")
    if found.seed is None:
        found.seed = int(SystemClock().now().timestamp())
    return found


def _sections(names: Sequence[str]) -> tuple[list[Section], list[str]]:
    """Return the sections called *names*, and which of them are not there."""
    found, missing = [], []
    for name in names:
        try:
            found.append(importlib.import_module(f"tests.prove.{name}").SECTION)
        except ModuleNotFoundError as error:
            if error.name != f"tests.prove.{name}":
                raise
            missing.append(name)
    return found, missing


async def _prove(sections: Sequence[Section], *, seconds: float, seed: int) -> tuple[list[Ran], bool]:
    shares = sum(section.share for section in sections)
    ran: list[Ran] = []
    interrupted = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted.set)
    for section in sections:
        if not interrupted.is_set():
            own = seconds * section.share / shares
            print(f"{section.name}: {own / 60:.1f} minutes, seed {seed}", flush=True)
            ran.append(await _run(section, own, seed, interrupted))
            _say(ran[-1])
    return ran, interrupted.is_set()


async def _run(section: Section, seconds: float, seed: int, interrupted: asyncio.Event) -> Ran:
    began = monotonic()
    with tempfile.TemporaryDirectory(prefix="andon-prove-") as folder:
        budget = Budget(seconds=seconds, seed=seed, folder=Path(folder))
        proving = asyncio.ensure_future(section.run(budget))
        giving_up = asyncio.create_task(interrupted.wait())
        await asyncio.wait([proving, giving_up], return_when=asyncio.FIRST_COMPLETED)
        giving_up.cancel()
        proving.cancel()  # it returns what it has; if it is through, this does nothing
        try:
            evidence, problem = await proving, None
        except asyncio.CancelledError:
            evidence, problem = (), None
        except Exception as error:  # noqa: BLE001  a part that fails has proven nothing, and the others go on
            evidence, problem = (), f"it came to nothing: {type(error).__name__}: {error}"
    clean = None if problem is None else problem.replace(folder, "…").replace(socket.gethostname(), "…")
    return Ran(section=section, seconds=monotonic() - began, evidence=evidence, problem=clean)


def _say(ran: Ran) -> None:
    for each in ran.evidence:
        counts = ", ".join(f"{count:,} {name}" for name, count in each.counts.items())
        print(f"  {each.backend}: {counts}; {len(each.violations)} violations", flush=True)
    for violation in ran.violations:
        print(f"  VIOLATION {violation}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
