"""Decisions can be found, and commands list themselves."""

import os
import re
import subprocess

import pytest

from tests.unit.house.repository import ROOT

ADR = ROOT / "docs" / "adr"
LONGEST = 25  # lines: about ten of prose and the headings


def decisions() -> dict[str, str]:
    return {page.name: page.read_text(encoding="utf-8") for page in sorted(ADR.glob("[0-9]*.md"))}


def test_the_index_of_decisions_is_complete() -> None:
    """The index has one row for each decision, in order, under the decision's own title."""
    listed = re.findall(r"^\| \[(\d+)\]\((.+?)\) \| (.+?) \|$", (ADR / "README.md").read_text(), re.MULTILINE)
    rows = [(file, f"# {number}. {title}") for number, file, title in listed]

    assert rows == [(file, text.splitlines()[0]) for file, text in decisions().items()]


def test_decisions_are_numbered_without_gaps() -> None:
    """A number names one decision for ever."""
    assert [int(file[:4]) for file in decisions()] == list(range(1, len(decisions()) + 1))


def test_a_decision_says_why_in_brief() -> None:
    """Each page has its status, context, decision and consequences, and is short enough to be read."""
    parts = re.compile(
        r"\A# \d+\. .+\n\nStatus: (?:accepted|superseded by \d+)\n\n"
        r"\*\*Context\.\*\* .+?\n\n\*\*Decision\.\*\* .+?\n\n\*\*Consequences\.\*\* .+?\n\Z",
        re.DOTALL,
    )

    assert [file for file, text in decisions().items() if not parts.match(text)] == []
    assert [file for file, text in decisions().items() if len(text.splitlines()) > LONGEST] == []


def test_make_lists_every_command() -> None:
    """`make` alone tells what can be done."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    alone = os.environ | {"MAKEFLAGS": ""}  # this test may itself run under make
    listed = subprocess.run(["make"], cwd=ROOT, env=alone, check=True, capture_output=True, text=True).stdout

    assert len(targets) > 10
    assert re.findall(r"^  make ([a-z-]+) +\S", listed, re.MULTILINE) == " ".join(targets).split()


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md", "README.md"])
def test_a_page_names_only_files_that_exist(page: str) -> None:
    """Every path of ours that a page gives in code marks is there, so a newcomer finds what it speaks of."""
    text = (ROOT / page).read_text(encoding="utf-8")
    ours = "agents|bench|bot|deploy|docs|escalation|runbooks|sdk|tests"
    named = re.findall(rf"`((?:{ours})/[\w./-]*|[.\w]+\.(?:toml|yaml|importlinter))`", text)

    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
