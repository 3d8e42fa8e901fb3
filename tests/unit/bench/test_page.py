"""Each part of the page is written by a command of its own, and keeps the other's."""

from pathlib import Path

from bench import page
from bench.measure import figures
from bench.report import Circumstances, Report
from bench.rows import Row
from bench.sizes import QUICK


def report(work: str) -> Report:
    row = Row(work=work, database="SQLite", load="1 at once", figures=figures([0.001], seconds=1.0))
    circumstances = Circumstances(command="python -m bench", busy=0.0, postgresql="")
    return Report(rows=[row], profiles=[], sizes=QUICK, circumstances=circumstances, took=1.0)


def test_either_part_keeps_the_other(tmp_path: Path) -> None:
    """Whichever is written first, and however often, both stand on the page, each in its newest form."""
    file = tmp_path / "performance.md"
    page.write_peers("theirs, old", file=file)
    page.write_ours(report("ours, old"), file=file)
    page.write_peers("theirs, new\n", file=file)
    page.write_ours(report("ours, new"), file=file)

    text = file.read_text(encoding="utf-8")
    assert text.startswith("# Performance\n")
    assert text.count("ours, new") == text.count("theirs, new") == text.count("## Beside other tools") == 1
    assert "old" not in text.split("## How to read it")[0]
    assert "theirs, old" not in text
    assert text.index("ours, new") < text.index("theirs, new")


def test_writing_a_part_again_changes_nothing_else(tmp_path: Path) -> None:
    """The same part written twice leaves the same page."""
    file = tmp_path / "performance.md"
    page.write_ours(report("ours"), file=file)
    page.write_peers("theirs\n", file=file)
    once = file.read_text(encoding="utf-8")
    page.write_ours(report("ours"), file=file)
    page.write_peers("theirs\n", file=file)
    assert file.read_text(encoding="utf-8") == once
