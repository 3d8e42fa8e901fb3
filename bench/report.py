"""What was measured, as a table for the terminal and as the page ``docs/performance.md``."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Figures
from bench.sizes import Sizes
from escalation.clock import SystemClock

_HEAD = ("Work", "Database", "Load", "a second", "of the limit", "p50 ms", "p99 ms", "CPU ms", "")
_NUMBERS = range(3, 8)
#: The row that every share is a share of.
BARE = "bare: one row, one commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    work: str
    database: str
    load: str
    figures: Figures
    commits: int = 0  #: How many commits one of it needs, where that is to be compared.
    is_rate: bool = True  #: Whether "a second" says anything.
    note: str = ""

    def noting(self, note: str) -> "Row":
        """Return the row with *note* added."""
        return replace(self, note="; ".join(filter(None, (self.note, note))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole run."""

    rows: Sequence[Row]
    sizes: Sizes
    command: str
    busy: float  #: The load average before it began.
    took: float  #: Seconds.
    postgresql: str  #: Its version.

    def show(self) -> None:
        """Print the table."""
        table = Table(*_HEAD)
        for column in _NUMBERS:
            table.columns[column].justify = "right"
        for row in self.rows:
            table.add_row(*self._cells(row))
        Console(width=150).print(table)
        print(f"{self._circumstances()} It took {self.took:.0f} s.")

    def page(self) -> str:
        """Return the page."""
        lines = [_HEAD, tuple("---:" if column in _NUMBERS else "---" for column in range(len(_HEAD)))]
        lines += [self._cells(row) for row in self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return _PAGE.format(
            circumstances=self._circumstances(),
            command=self.command,
            table=table,
            runs=self.sizes.runs,
            seconds=self.sizes.seconds,
            trips=self.sizes.trips_per_second,
        )

    def _circumstances(self) -> str:
        cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = next(line.partition(":")[2].strip() for line in cpuinfo.splitlines() if "model name" in line)
        versions = [
            f"Python {platform.python_version()}",
            f"SQLite {sqlite3.sqlite_version}",
            self.postgresql,
        ]
        return (
            f"Measured on {SystemClock().now():%Y-%m-%d} on {os.cpu_count()} cores ({model}),"
            f" Linux {platform.release().split('-')[0]}, {', '.join(filter(None, versions))}."
            f" The load average was {self.busy:.1f} before the run began.{self._warning()}"
        )

    def _warning(self) -> str:
        if self.busy < (os.cpu_count() or 1) / 2:
            return ""
        return (
            " So other programs were at work too: all of it is slower than this machine can, and shares of a"
            " limit that was measured a minute earlier tell little; the processor times say most."
        )

    def _cells(self, row: Row) -> tuple[str, ...]:
        found = row.figures
        rate = f"{found.per_second:,.0f}" if row.is_rate else ""
        cpu = f"{found.cpu * 1e3:.2f}" if found.cpu else ""
        times = (f"{seconds * 1e3:,.2f}" for seconds in (found.p50, found.p99))
        return (row.work, row.database, row.load, rate, self._share(row), *times, cpu, row.note)

    def _share(self, row: Row) -> str:
        bare = [
            known.figures.per_second
            for known in self.rows
            if known.work == BARE and known.database == row.database
        ]
        if not bare or not row.commits:
            return ""
        return f"{row.commits * row.figures.per_second / max(bare):.0%}"


_PAGE = """# Performance

What one process does on one machine. Figures differ from machine to machine, and from one minute to the
next where something else runs beside; what lasts is the share of what the database itself can do there,
which is measured in the same run.

{circumstances}

    {command}

{table}

## How to read it

Each figure is the median of {runs} runs of {seconds:g} seconds.

- **a second**: how many were done. *n* at once: so many callers, each beginning again when it has its answer.
  *n* a second: so many begin by the clock, whether or not the earlier ones are done, and each counts from
  the instant at which it was to begin.
- **of the limit**: the commits that they need (two for a round trip, one for a click), as a share of the
  highest rate at which this database commits a single row at a time. Transactions that meet share a commit
  in SQLite, so more than all of it is possible there.
- **CPU ms**: processor time of the process that is measured, for each, without PostgreSQL's. In process,
  the caller's own is in it; over HTTP it is not.

## What is measured

- **{{bare}}**: an insertion of 500 bytes on its own, through `sqlite3` (WAL, `synchronous=FULL`) and through
  asyncpg with a connection for each caller (PostgreSQL as it is installed: every commit is on the disk).
- **round trip in process**: the use cases themselves: an agent's proposal is checked against its schema and
  the rules, a person is asked, the agent waits, the person approves, and the agent wakes up with a grant.
  The agent does wait: the decision comes only after it has begun to.
- **round trip over HTTP**: the same through `andon serve`, a process of its own with its engine running:
  `POST /v1/requests`, a long poll, a click signed as Slack signs it, with the whole card in it. Cards go to
  a stand-in for Slack's Web API at Slack's pace. The client is a process of its own, and no bottleneck: its
  processor time is in the last column.
- **… from click to agent**: of that, the time from the click until the long poll has returned.
- **click → 200**: what Slack waits for, at most three seconds; the decision is committed by then. After the
  last one the server is killed outright, and every click that it acknowledged is found in the database.
- **start → ready**: from the start of the process until `/readyz` answers 200, and the memory it holds then.
  Python has the modules compiled already, as after any first start.

Whatever is measured is checked: every request is approved and holds its grant, the tables hold as many rows
as there were answers, and the record is sealed and whole.
""".replace("{{bare}}", BARE)
