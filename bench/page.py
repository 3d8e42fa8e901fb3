"""
The page ``docs/performance.md``: our figures first, the peers' last.

Each part is written by a command of its own and keeps the other's.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.profile import Profile
from bench.report import HEAD, NUMBERS, Report
from bench.rows import BARE
from deploy.demo.processes import ROOT

PAGE: Final = ROOT / "docs" / "performance.md"
_PEERS: Final = "## Beside other tools\n"
_PROFILED: Final = 8


def write_ours(report: Report, *, file: Path = PAGE) -> None:
    """Write what *report* says, and keep what is said of other tools."""
    _, heading, peers = _read(file).partition(_PEERS)
    file.write_text(f"{_ours(report)}\n{heading}{peers}" if heading else _ours(report), encoding="utf-8")


def write_peers(said: str, *, file: Path = PAGE) -> None:
    """Write what is *said* of other tools, and keep the rest."""
    ours, _, _ = _read(file).partition(_PEERS)
    file.write_text(f"{ours.rstrip()}\n\n{_PEERS}\n{said}", encoding="utf-8")


def table(head: Sequence[str], numbers: Sequence[int], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    marks = tuple("---:" if column in numbers else "---" for column in range(len(head)))
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, marks, *rows))


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _ours(report: Report) -> str:
    return _TEXT.format(
        bare=BARE,
        circumstances=report.circumstances.text(),
        command=report.circumstances.command,
        table=table(HEAD, NUMBERS, [report.cells(row) for row in report.rows]),
        profiles="\n\n".join(map(_profile, report.profiles)),
        runs=report.sizes.runs,
        seconds=report.sizes.seconds,
    )


def _profile(profile: Profile) -> str:
    samples = profile.samples
    lists = [
        profile.lines(counts, _PROFILED) for counts in (samples.ours, samples.packages, samples.functions)
    ]
    rows = [
        tuple(f"`{name}` {share}, {each} ms" for name, share, each in line)
        for line in zip(*lists, strict=False)
    ]
    head = ("our innermost module", "package that runs", "function that runs")
    title = (
        f"**{profile.work}, {profile.database}, 8 at once**: {profile.figures.cpu * 1e3:.2f} ms of CPU each"
    )
    return f"{title}\n\n{table(head, (), rows)}"


_TEXT = """# Performance

What one process does on one machine. Figures differ from machine to machine, and from one minute to the
next where something else runs beside; what lasts is the share of what the database itself can do there,
and the ratio to other tools, each measured in the same run.

{circumstances}

    {command}

{table}

## How to read it

Each figure is the median of {runs} runs of {seconds:g} s, or twice that where work begins by the clock;
**max** is the longest of all of them.

- **a second**: how many were done. *n* at once: so many callers, each beginning again when it has its answer.
  *n* a second: so many begin by the clock, whether or not the earlier ones are done, and each counts from
  the instant at which it was to begin.
- **of the limit**: the commits that they need (two for a round trip, one for a click), as a share of the
  highest rate at which this database commits a single row at a time. Transactions that meet share a commit,
  so more than all of it is possible there.
- **CPU ms**: processor time of the process that is measured, for each. In process, the caller's own is in
  it; over HTTP it is not. **server ms** is PostgreSQL's, all its processes together.
- **goal**: what is wanted, and whether it is so. A goal that is missed × 2 is off by a factor of two.

## What is measured

- **{bare}**: an insertion of 500 bytes on its own, through `sqlite3` (WAL, `synchronous=FULL`) and through
  asyncpg with a connection for each caller (PostgreSQL as it is installed, where every commit is on the disk,
  but for `track_commit_timestamp`, which tells when a deadline was settled).
- **round trip in process**: the use cases themselves: an agent's proposal is checked against its schema and
  the rules, a person is asked, the agent waits, the person approves, and the agent wakes up with a grant.
  The agent does wait: the decision comes only after it has begun to.
- **round trip over HTTP**: the same through `andon serve`, a process of its own with its engine running:
  `POST /v1/requests`, a long poll, a click signed as Slack signs it, with the whole card in it. Cards go to
  a stand-in for Slack's Web API at Slack's pace. The client is a process of its own, and no bottleneck: its
  processor time is in the last column. With several replicas the agent is at one and its person at another.
- **… from click to agent**: of that, the time from the click until the long poll has returned.
- **click → 200**: what Slack waits for, at most three seconds; the decision is committed by then. After the
  last one the server is killed outright, and every click that it acknowledged is found in the database.
- **start → ready**: from the start of the process until `/readyz` answers 200, and the memory it holds then.
  Python has the modules compiled already, as after any first start.
- **deadline → settled**: requests whose deadlines are spread evenly over ten seconds, struck by the engine in
  `andon serve`: from the planned instant until the commit that settles the request, with its rung, its event
  and its messages. PostgreSQL tells the instant of a commit; in SQLite we look every 2 ms. None may be early,
  by the database's clock, and none may be settled or recorded twice.
- **ready → all settled**: the doors are open, and what was overdue at the start is being settled.
- **a tick that finds nothing due**: what the engine asks the database every second, with so many requests
  that wait; and what the whole process costs while it has nothing to do.
- **after *n* settled**: the tables hold so many requests with their decisions, grants and events, copied in
  bulk from one that the use cases wrote.

Whatever is measured is checked: every request is approved and holds its grant, or is timed out once and not
early; the tables hold as many rows as there were answers, and the record is sealed and whole.

## Where the time goes

Sampled every few milliseconds of the server's processor time; a share, and milliseconds a round trip. Time in
C counts for the Python function that called it.

{profiles}
"""
