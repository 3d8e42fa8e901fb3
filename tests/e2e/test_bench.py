"""The benchmark itself: whether everything it measures still works."""

import resource
import subprocess
import sys

import pytest

from deploy.demo.processes import ROOT

WORK = (
    "bare: one row, one commit",
    "round trip in process",
    "round trip over HTTP",
    "… from click to agent",
    "click → 200, committed",
    "start → ready",
    "deadline → settled, committed",
    "ready → all settled",
    "a tick that finds nothing due",
    "8 at once after 200 settled",
)


#: Seconds: it starts a dozen servers, and other tests run beside it.
_PATIENCE = 220


def bench(*arguments: str, file_size: int = resource.RLIM_INFINITY) -> subprocess.CompletedProcess[str]:
    """Run the benchmark; it and what it starts may write files of *file_size* bytes."""
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size)),
    )


@pytest.mark.timeout(_PATIENCE + 10)
def test_every_workload_runs_and_is_right() -> None:
    """A small run of the benchmark goes through, with all that it checks of the answers and the tables."""
    ran = bench("--quick")

    assert ran.returncode == 0, ran.stderr[-2000:]
    assert [work for work in WORK if work not in ran.stdout] == []
    assert "survived SIGKILL" in ran.stdout
    assert "our innermost module on the stack" in ran.stdout


def test_without_postgresql_peers_are_not_measured() -> None:
    """Ours needs it, so the command fails, and says why in one line."""
    ran = bench("peers", "--quick", "--peers", "restate", file_size=1_000_000)

    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith("left out: Andon: PostgreSQL does not start: ")
    assert "Traceback" not in ran.stderr
