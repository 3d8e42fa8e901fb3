"""The benchmark itself: whether everything it measures still works."""

import subprocess
import sys

from deploy.demo.processes import ROOT

WORK = (
    "bare: one row, one commit",
    "round trip in process",
    "round trip over HTTP",
    "… from click to agent",
    "click → 200, committed",
    "start → ready",
)


def test_every_workload_runs_and_is_right() -> None:
    """A small run of the benchmark goes through, with all that it checks of the answers and the tables."""
    command = [sys.executable, "-m", "bench", "--quick"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)

    assert ran.returncode == 0, ran.stderr[-2000:]
    assert [work for work in WORK if work not in ran.stdout] == []
    assert "survived SIGKILL" in ran.stdout
