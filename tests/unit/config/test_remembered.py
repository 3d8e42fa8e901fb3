"""What was put in force comes back from the database as it came from the files."""

import json

import pytest

from bot.config import ConfigurationProblems, Held, load_remembered
from bot.config.difference import differences
from escalation.errors import InvalidConfiguration
from escalation.ports import StoredConfiguration
from tests.unit.config.kit import ANDON, MANIFEST, RUNBOOK, Site


def _stored(site: Site) -> StoredConfiguration:
    loaded = site.load()
    return StoredConfiguration(version=loaded.configuration.version, body=loaded.body)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_it_comes_back_as_it_was(site: Site, mark: str) -> None:
    """Version, people, rules and runbooks are the same, byte-order mark or not, and without the folder."""
    site.write("runbook", mark + RUNBOOK)
    loaded, again = site.load(), load_remembered(_stored(site))

    assert again.configuration.version == loaded.configuration.version
    assert differences(loaded.configuration, again.configuration) == []
    assert again.runbook_text("payer") == loaded.runbook_text("payer") == RUNBOOK


def test_folders_elsewhere_come_back(site: Site) -> None:
    """Where the files were does not matter, as long as andon.yaml says it."""
    (site.root / "agents").rename(site.root / "bots")
    (site.root / "runbooks").rename(site.root / "books")
    site.write("andon", ANDON + "folders: {agents: ./bots, runbooks: books}\n")

    assert set(load_remembered(_stored(site)).configuration.agents) == {"payer"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "no JSON"),
        ("[]", "no table of files"),
        ('{"andon.yaml": 1}', "no table of files"),
        ("{}", "has no andon.yaml"),
        (json.dumps({"andon.yaml": ANDON}), "there is no manifest in agents"),
        (json.dumps({"andon.yaml": ANDON + "horizon: 1\n"}), "andon.yaml:21: `horizon` is no key"),
        (
            json.dumps({"andon.yaml": ANDON, "agents/payer/manifest.yaml": MANIFEST}),
            "there is no runbooks/payer.md",
        ),
    ],
)
def test_what_is_none_is_refused(body: str, says: str) -> None:
    """A body that no andon wrote, or one of another version, is refused with what is wrong."""
    with pytest.raises(InvalidConfiguration) as refused:
        load_remembered(StoredConfiguration(version="f" * 12, body=body))
    assert says in str(refused.value)


def test_warnings_are_no_reason(site: Site) -> None:
    """Of what cannot be loaded only what is wrong is told, not what somebody should look at."""
    site.change("andon", "plain_times: true", "plain_time: true")
    texts = {"andon.yaml": (site.root / "andon.yaml").read_text(), "agents/payer/manifest.yaml": MANIFEST}
    with pytest.raises(ConfigurationProblems) as refused:
        load_remembered(StoredConfiguration(version="f" * 12, body=json.dumps(texts)))
    assert "warning" not in str(refused.value)


async def test_a_process_adopts_nothing_forged(site: Site) -> None:
    """Files that are not the version they are kept under leave the process with what it had."""
    held, stored = Held(site.load()), _stored(site)
    with pytest.raises(InvalidConfiguration, match="were changed in the database"):
        await held.adopt(StoredConfiguration(version="f" * 12, body=stored.body))
    assert held.configuration().version == stored.version


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "andon",
            "members: [salma, khalid]",
            "members: [salma, maryam]",
            ["managers: added maryam", "removed khalid"],
        ),
        (
            "andon",
            "operators: [nadia, directors]",
            "operators: [nadia, maryam]",
            ["operators: added maryam", "removed directors"],
        ),
        ("andon", "channel: C01FINANCE", "channel: C07OTHER", ["team managers: channel changed"]),
        ("andon", "name: Salma", "name: Salma A", ["person salma changed"]),
        ("andon", "grant: 90s", "grant: 60s", ["times: grant changed"]),
        ("manifest", "quorum: 2", "quorum: 1", ["agent payer, payment.send: rule large changed"]),
        ("manifest", "name: large", "name: bigger", ["rules: added bigger", "rules: removed large"]),
        (
            "manifest",
            "payment.send:",
            "payment.make:",
            ["actions: added payment.make", "removed payment.send"],
        ),
        ("manifest", "backup: khalid", "backup: salma", ["agent payer: backup changed"]),
        ("manifest", "reversible: false", "reversible: true", ["payment.send: reversible changed"]),
        ("runbook", "Undo.", "Undo it.", []),
    ],
)
def test_what_changes_is_told(site: Site, file: str, old: str, new: str, says: list[str]) -> None:
    """Agents, rules, people and settings are named; a runbook's words are nobody's authority."""
    before = site.load().configuration
    site.change(file, old, new)
    after = site.load().configuration
    told = "\n".join(differences(before, after))

    assert [words for words in says if words not in told] == []
    assert (told == "") is (says == [])
    assert differences(after, after) == []
