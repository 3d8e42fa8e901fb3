"""What `make prove` refuses, what it writes, and when it fails."""

import asyncio
import platform
import socket
from datetime import date
from pathlib import Path

import pytest

from tests.prove import __main__ as prove
from tests.prove.report import Proof, Ran, page
from tests.prove.section import Backend, Budget, Evidence, Section

FINE = Evidence(backend=Backend("sqlite"), counts={"kills": 12_345}, left_out=("a power cut",))
BROKEN = Evidence(backend=Backend("postgresql"), counts={"kills": 9}, violations=("seed 7: lost\na click",))


def section(*evidence: Evidence) -> Section:
    async def run(_: Budget) -> tuple[Evidence, ...]:
        return evidence

    return Section(name="kills", title="Killed", promises="Nothing is lost.", share=1, run=run)


def proof(*evidence: Evidence, problem: str | None = None, missing: tuple[str, ...] = ()) -> Proof:
    ran = Ran(section=section(), seconds=90, evidence=evidence, problem=problem)
    return Proof(
        on=date(2026, 11, 16),
        seed=7,
        minutes=20,
        only=None,
        interrupted=False,
        ran=[ran],
        missing=missing,
    )


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("ANDON_DATABASE_URL", "postgresql+asyncpg://andon:secret@db.example/andon"),
        ("ANDON_DATABASE_URL", "postgresql+asyncpg://andon@/andon?host=10.0.0.7"),
        ("ANDON_DATABASE_URL", "postgresql://andon@127.0.0.1.example/andon"),
        ("ANDON_DATABASE_URL", "postgresql://andon@[::ffff:10.0.0.7]/andon"),
        ("ANDON_DATABASE_URL", "postgresql://[broken/andon"),
        ("ANDON_REDIS_URL", "rediss://cache.example:6379/0"),
        ("SLACK_API_URL", "https://slack.com/api/"),
    ],
)
def test_it_runs_on_this_machine_alone(name: str, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever in the environment names another machine is refused by name, and its password is not shown."""
    why = prove.not_loopback({name: url})

    assert why is not None
    assert name in why
    assert "secret" not in why


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite+aiosqlite:////var/lib/andon.db",
        "postgresql+asyncpg://andon:secret@127.0.0.1:5432/andon",
        "postgresql+asyncpg://andon@localhost/andon",
        "postgresql+asyncpg://andon@[::1]/andon",
        "postgresql+asyncpg://andon@/andon?host=/run/postgresql",
    ],
)
def test_what_is_here_is_no_reason_to_refuse(url: str) -> None:
    """A developer's own bot may be in the environment: it is not touched, and does not keep from proving."""
    assert prove.not_loopback({"ANDON_DATABASE_URL": url}) is None


def test_another_machine_ends_it_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The status says that it did not run, and nothing is written."""
    monkeypatch.setenv("ANDON_DATABASE_URL", "postgresql://andon@db.example/andon")

    assert prove.main(["--minutes", "1"]) == 2


@pytest.mark.parametrize("arguments", [["--minutes", "0"], ["--minutes", "nan"], ["--minutes", "-1"]])
def test_no_time_is_no_proof(arguments: list[str]) -> None:
    """A run that could try nothing would find nothing."""
    with pytest.raises(SystemExit) as ended:
        prove.main(arguments)

    assert ended.value.code == 2


def test_a_part_that_is_not_there_is_named() -> None:
    """Only what is there can be asked for."""
    assert prove.main(["--only", "nothing"]) == 2


def test_the_page_says_what_was_run_and_how_to_run_it_again() -> None:
    """Counts by backend, what was left out, what is missing, the seed; nothing about whose machine it was."""
    written = page(proof(FINE, BROKEN, missing=("`chaos`: there is no such part",)))

    assert "| kills | 12,345 | 9 |" in written
    assert "| **violations** | **0** | **1** |" in written
    assert "- seed 7: lost\n      a click" in written
    assert "- a power cut" in written
    assert "- `chaos`: there is no such part" in written
    assert "`make prove MINUTES=20 SEED=7`" in written
    assert socket.gethostname() not in written
    assert platform.node() not in written
    assert str(Path.cwd()) not in written


@pytest.mark.parametrize(
    ("told", "violations"),
    [
        (proof(FINE), 0),
        (proof(FINE, BROKEN), 1),
        (proof(problem="it came to nothing: OSError"), 1),
    ],
)
def test_what_came_to_nothing_is_a_violation(told: Proof, violations: int) -> None:
    """A part that failed has proven nothing: it counts with what was found wrong."""
    assert len(told.violations) == violations
    assert f"| **Violations** | **{violations}** |" in page(told)


async def test_a_part_that_fails_does_not_end_the_others() -> None:
    """What one part could not do is told beside what the others found, without a path of this machine."""

    async def fails(budget: Budget) -> tuple[Evidence, ...]:
        raise OSError(f"{budget.folder} is full")

    broken = Section(name="races", title="Races", promises="One wins.", share=3, run=fails)
    ran, interrupted = await prove._prove([broken, section(FINE)], seconds=1, seed=7)

    assert not interrupted
    assert [each.problem for each in ran] == ["it came to nothing: OSError: … is full", None]
    assert [tuple(each.evidence) for each in ran] == [(), (FINE,)]


async def test_who_loses_patience_gets_what_there_is() -> None:
    """Interrupted, a part returns what it counted so far, and the next one does not begin."""
    interrupted = asyncio.Event()

    async def goes_on(_: Budget) -> tuple[Evidence, ...]:
        interrupted.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            return (FINE,)
        raise AssertionError

    endless = Section(name="kills", title="Killed", promises="Nothing is lost.", share=1, run=goes_on)

    ran = await prove._run(endless, 3600, 7, interrupted)

    assert tuple(ran.evidence) == (FINE,)
    assert ran.violations == []
