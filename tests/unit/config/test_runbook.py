"""A runbook's parts are found whatever else stands in the file."""

from datetime import date, timedelta

import pytest

from escalation.runbook import SECTIONS, empty, is_ahead, is_stale, links, missing, repeated, sections

TODAY = date(2026, 11, 21)


def test_sections_begin_at_their_headings() -> None:
    """Each ``##`` begins a part, with the line of its heading in the file; what is under it is its text."""
    found = sections(
        ["# Title", "", "## Stop it", "", "Pull.", "### How", "Hard.", "## Roll back ##"], first_line=9
    )

    assert [(part.title, part.line, part.text) for part in found] == [
        ("Stop it", 11, "Pull.\n### How\nHard."),
        ("Roll back", 16, ""),
    ]


def test_no_headings_no_sections() -> None:
    """A text without headings has no parts, and lacks all that are required."""
    assert sections(["Stop it"], first_line=1) == ()
    assert missing(()) == SECTIONS


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_a_comment_in_a_script_is_no_heading(fence: str) -> None:
    """Between fences nothing is a heading or a link."""
    lines = ["## Stop it", f"{fence}sh", "## Roll back", "[x](gone.md)", fence, "## Who to wake"]

    assert [part.title for part in sections(lines, first_line=1)] == ["Stop it", "Who to wake"]
    assert links(lines, first_line=1) == ()


def test_a_fence_is_closed_by_its_own_kind() -> None:
    """Another kind of fence, or one with a language, is a part of the script."""
    lines = ["```", "~~~", "```sh", "## no", "```", "## yes"]

    assert [part.title for part in sections(lines, first_line=1)] == ["yes"]


def test_what_is_missing_empty_or_there_twice() -> None:
    """Required parts are missed by name; other parts may be empty or repeated."""
    found = sections(["## Stop it", "## Notes", "## Notes", "## Stop it", "Pull."], first_line=1)

    assert "Stop it" not in missing(found)
    assert len(missing(found)) == len(SECTIONS) - 1
    assert [part.line for part in empty(found)] == [1]
    assert [part.line for part in repeated(found)] == [4]


def test_links_to_other_files_are_found() -> None:
    """Links into the repository count, with or without a part after #; addresses and anchors do not."""
    lines = [
        "[a](other.md) and [b](../b/c.md#part), [c](<d.md>)",
        "[web](https://example.org) [mail](mailto:a@b.c) [here](#stop) [host](//example.org)",
    ]

    assert links(lines, first_line=5) == ((5, "other.md"), (5, "../b/c.md"), (5, "d.md"))


@pytest.mark.parametrize(
    ("days", "stale", "ahead"), [(91, True, False), (90, False, False), (-1, False, False), (-2, False, True)]
)
def test_the_bounds_of_a_fresh_date(days: int, stale: bool, ahead: bool) -> None:  # noqa: FBT001 - columns
    """Ninety days back is fresh, and so is the day that has begun elsewhere."""
    verified = TODAY - timedelta(days=days)

    assert is_stale(verified, today=TODAY) is stale
    assert is_ahead(verified, today=TODAY) is ahead
