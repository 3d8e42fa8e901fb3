"""A whole run: its rows, where and how it was measured; shown as a table in the terminal."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Column, Table

from bench.profile import Profile
from bench.rows import BARE, Row
from bench.sizes import Sizes
from escalation.clock import SystemClock

_GOAL: Final = "goal"
_WIDE: Final = 240  #: Columns of a terminal: nothing is broken into lines.
HEAD: Final = (
    "Work", "Database", "Load",
    "a second", "of the limit", "p50 ms", "p99 ms", "max ms", "CPU ms", "server ms",
    _GOAL, "",
)  # fmt: skip
NUMBERS: Final = range(3, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Where and how it was measured."""

    command: str
    busy: float  #: The load average before it began.
    postgresql: str  #: Its version.

    def text(self) -> str:
        """Say it in words."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole run."""

    rows: Sequence[Row]
    profiles: Sequence[Profile]
    sizes: Sizes
    circumstances: Circumstances
    took: float  #: Seconds.

    def show(self) -> None:
        """Print the table."""
        shown = [column for column, name in enumerate(HEAD) if name != _GOAL]
        table = Table(*(Column(HEAD[column], no_wrap=True) for column in shown))
        for column in NUMBERS:
            table.columns[column].justify = "right"
        for row in self.rows:
            cells = self.cells(row)
            table.add_row(*(cells[column] for column in shown))
        Console(width=_WIDE).print(table)
        for row in filter(lambda row: row.verdict, self.rows):
            print(f"{row.work}, {row.database}, {row.load}: {row.verdict}")
        for profile in self.profiles:
            print(profile.text())
        print(f"{self.circumstances.text()} It took {self.took:.0f} s.")

    def cells(self, row: Row) -> tuple[str, ...]:
        """Return the cells of *row*."""
        found = row.figures
        rate = f"{found.per_second:,.0f}" if row.is_rate else ""
        cpu = f"{found.cpu * 1e3:.2f}" if found.cpu else ""
        beside = f"{found.beside * 1e3:.2f}" if found.beside else ""
        times = (f"{seconds * 1e3:,.2f}" for seconds in (found.p50, found.p99, found.most))
        rates = rate, self._share(row)
        return (row.work, row.database, row.load, *rates, *times, cpu, beside, row.verdict, row.note)

    def _share(self, row: Row) -> str:
        bare = [
            known.figures.per_second
            for known in self.rows
            if known.work == BARE and known.database == row.database
        ]
        if not bare or not row.commits:
            return ""
        return f"{row.commits * row.figures.per_second / max(bare):.0%}"
