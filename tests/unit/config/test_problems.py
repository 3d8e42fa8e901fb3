"""Every mistake is told with its file, its line and what to write instead: ``problems.txt`` is the table."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from bot.config import ConfigurationProblems
from tests.unit.config.kit import MANIFEST, TODAY, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One change of the small installation, and what is said of it."""

    file: str
    old: str
    new: str
    told: list[str]


def mistakes() -> list[Mistake]:
    """Return the table: per block a file, lines taken away (-), lines put there (+), problems (=)."""
    text = (Path(__file__).parent / "problems.txt").read_text(encoding="utf-8")
    return [_mistake(block.strip().split("\n")) for block in text.split("\n\n")]


def _mistake(lines: list[str]) -> Mistake:
    def marked(mark: str) -> list[str]:
        return [line[2:] for line in lines if line.startswith(f"{mark} ")]

    # A line that is taken away without another in its place goes with its end.
    end = "" if marked("+") else "\n"
    return Mistake(
        file=marked("#")[0],
        old="\n".join(marked("-")) + end,
        new="\n".join(marked("+")),
        told=marked("="),
    )


@pytest.mark.parametrize(
    "mistake", mistakes(), ids=lambda mistake: mistake.new.strip()[:40] or mistake.old[:40]
)
def test_a_mistake_is_told_where_it_stands(site: Site, mistake: Mistake) -> None:
    """Each mistake is told at its own line, in words that say what to write, and nothing else is told."""
    site.change(mistake.file, mistake.old, mistake.new)

    assert site.problems() == mistake.told
    assert all(re.fullmatch(r"[^:]+:[1-9][0-9]*: (?:warning: )?.+: .+", told) for told in mistake.told)


def test_nothing_is_wrong_with_the_small_installation(site: Site) -> None:
    """What the table changes is right before it is changed."""
    assert site.problems() == []


def test_all_problems_are_told_at_once(site: Site) -> None:
    """One run tells the mistakes of every file, sorted by file and line, and those between them."""
    site.change("andon", "channel: C01FINANCE", "channel: finance")
    site.change("manifest", "owner: nadia", "owner: 7")
    site.change("manifest", "          maxLength: 80", "          maxLenght: 80")
    site.write("agents/second/manifest.yaml", MANIFEST.replace("runbook: payer", "runbook: payr"))

    assert [told.split(": ")[0] for told in site.problems()] == [
        "agents/payer/manifest.yaml:2",
        "agents/payer/manifest.yaml:17",
        "agents/payer/manifest.yaml:19",
        "agents/second/manifest.yaml:5",
        "andon.yaml:13",
    ]


def test_a_laughing_billion_is_refused_before_it_grows(site: Site) -> None:
    """Aliases, with which a few lines stand for gigabytes, are refused at the first one."""
    lines = ['a: &a ["ha", "ha"]'] + [
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in pairwise("abcdefghi")
    ]
    site.write("andon", "\n".join(lines))

    assert site.problems() == ["andon.yaml:1: anchors and aliases are not used here: write the value out"]


def test_a_file_that_is_its_own_part_is_refused(site: Site) -> None:
    """A list that holds itself is an alias, and refused as one."""
    site.write("andon", "people: &people [*people]")

    assert site.problems() == ["andon.yaml:1: anchors and aliases are not used here: write the value out"]


def test_an_empty_file_says_what_it_lacks(site: Site) -> None:
    """Of a file without a word, its keys are told."""
    site.write("andon", "")

    (told,) = site.problems()
    assert told.startswith(
        "andon.yaml:1: is empty: write its keys: workspace, people, teams, operators, alerts,"
    )


@pytest.mark.parametrize("text", ["- a", "a", "7", "[]"])
def test_a_file_that_is_no_table_is_refused(site: Site, text: str) -> None:
    """A file whose values have no keys is told as a whole."""
    site.write("manifest", text)

    assert [told.split(" ")[0] for told in site.problems()] == ["agents/payer/manifest.yaml:1:"]


def test_a_missing_andon_yaml_is_told(site: Site) -> None:
    """Without ``andon.yaml`` the answer names it."""
    (site.root / "andon.yaml").unlink()

    assert site.problems() == [
        "andon.yaml:1: there is no such file: create it, or mend the name that led here"
    ]


def test_a_folder_in_place_of_a_file_is_told(site: Site) -> None:
    """What cannot be read is told with the reason of the operating system."""
    (site.root / "andon.yaml").unlink()
    (site.root / "andon.yaml").mkdir()

    assert site.problems() == ["andon.yaml:1: cannot be read (Is a directory): let the bot's user read it"]


def test_a_large_file_is_refused(site: Site) -> None:
    """A byte more than 256 KiB is refused; 256 KiB are read."""
    room = 256 * 1024 - len(MANIFEST)
    site.write("manifest", MANIFEST + "#" * room)
    assert site.problems() == []

    site.write("manifest", MANIFEST + "#" * (room + 1))
    assert site.problems() == ["agents/payer/manifest.yaml:1: is larger than 256 KiB: split it up"]


def test_a_large_runbook_is_refused(site: Site) -> None:
    """A runbook has the same limit."""
    site.write("runbook", "#" * (256 * 1024 + 1))

    assert site.problems() == ["runbooks/payer.md:1: is larger than 256 KiB: split it up"]


def test_what_is_not_utf_8_is_refused_where_it_stands(site: Site) -> None:
    """A byte that is no UTF-8 is told with its line."""
    site.write("andon", "a: b\nc: d\ne: \xff\n".encode("latin-1"))

    assert site.problems() == ["andon.yaml:3: is not UTF-8: save it as UTF-8"]


def test_a_control_character_is_refused_where_it_stands(site: Site) -> None:
    """A character that terminals obey has no place in a configuration."""
    site.change("andon", "name: Khalid", 'name: "\x1b[2K"')

    assert site.problems() == ["andon.yaml:7: holds a character that YAML does not allow: remove it"]


def test_a_byte_order_mark_is_no_mistake(site: Site) -> None:
    """What some editors put in front of a file changes nothing but its version."""
    before = site.load().configuration
    site.write("andon", b"\xef\xbb\xbf" + (site.root / "andon.yaml").read_bytes())

    assert site.load().configuration.directory == before.directory
    assert site.load().configuration.version != before.version


def test_two_agents_of_one_name_are_refused(site: Site) -> None:
    """The second agent of a name is told, with the file of the first."""
    site.write("agents/second/manifest.yaml", MANIFEST)

    (told,) = site.problems()
    assert told == (
        "agents/second/manifest.yaml:1: `agent` is 'payer', as in agents/payer/manifest.yaml: "
        "give each agent its own name"
    )


def test_a_runbook_names_every_agent_that_uses_it(site: Site) -> None:
    """A second agent that points at a runbook has to stand in it."""
    site.write("agents/second/manifest.yaml", MANIFEST.replace("agent: payer", "agent: refunder"))

    assert site.problems() == [
        "runbooks/payer.md:3: `agents` does not name 'refunder', whose runbook it is: add refunder"
    ]


def test_a_runbook_may_name_an_agent_whose_manifest_is_broken(site: Site) -> None:
    """Whether an agent exists is not guessed while a manifest cannot be read."""
    site.write("agents/second/manifest.yaml", "agent: refunder")
    site.change("runbook", "agents: [payer]", "agents: [payer, refunder]")

    assert {told.split(":")[0] for told in site.problems()} == {"agents/second/manifest.yaml"}


def test_a_broken_andon_yaml_does_not_hide_the_rest(site: Site) -> None:
    """Manifests and runbooks are checked by themselves when nobody is known."""
    site.write("andon", "people: [")
    site.change("manifest", "        when: always", "        when: alway")
    site.change("runbook", "verified: 2026-11-01", "verified: soon")

    assert [told.split(": ")[0] for told in site.problems()] == [
        "agents/payer/manifest.yaml:38",
        "andon.yaml:1",
        "runbooks/payer.md:6",
    ]


def test_a_value_that_looks_like_a_key_is_not_printed(site: Site) -> None:
    """A token pasted into the wrong place stays out of the terminal and the log."""
    site.change("andon", "alerts: {channel: C03ALERTS}", "alerts: {channel: xoxb-1-secret, xoxb-2-secret: 1}")
    site.change("manifest", "function: finance", "function: andon_secret")

    told = "\n".join(site.problems())

    assert "what looks like a secret" in told
    assert "1-secret" not in told
    assert "andon_secret" not in told


def test_the_error_carries_every_problem(site: Site) -> None:
    """Who catches the error can list the problems; its text is the list."""
    site.change("andon", "operators: [nadia, directors]", "operators: []")

    with pytest.raises(ConfigurationProblems) as caught:
        site.load(TODAY)

    assert str(caught.value) == str(caught.value.problems[0])
    assert caught.value.problems[0].line == 15
