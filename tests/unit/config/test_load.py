"""What the files say is what the core gets, as one version."""

import json
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.config import ConfigurationProblems, load
from bot.config.source import Source, version
from escalation.authority import Account, Notify, Terms
from escalation.calendar import ALWAYS_OPEN
from escalation.configuration import Agent, Caps, Retention, Times
from escalation.ids import AgentName, PersonId
from escalation.policy import Then
from tests.unit.config.kit import ANDON, FILES, MANIFEST, RUNBOOK, TODAY, Site

ROOT = Path(__file__).resolve().parents[3]


def agent(site: Site) -> Agent:
    return site.load().configuration.agents[AgentName("payer")]


def test_people_and_teams_are_who_the_file_says(site: Site) -> None:
    """An account belongs to its person in its workspace only, and a team to its channel."""
    configuration = site.load().configuration
    directory = configuration.directory

    salma = directory.whose(Account("T01ANDON", "U01SALMA"))
    assert salma is not None
    assert (salma.id, salma.name, salma.time_zone) == ("salma", "Salma", "Asia/Muscat")
    assert directory.whose(Account("T02OTHER", "U01SALMA")) is None
    khalid = directory.people[PersonId("khalid")]
    assert khalid.accounts == {Account("T01ANDON", "U02KHALID"), Account("T01ANDON", "W02KHALID")}
    assert khalid.time_zone == "UTC"
    assert directory.teams["managers"].members == {"salma", "khalid"}
    assert directory.teams["directors"].channel == "G02DIRECT"
    assert configuration.tenant == "T01ANDON"
    assert directory.members(configuration.operators) == {"nadia", "maryam", "khalid"}


def test_channels_and_times_are_what_the_file_says(site: Site) -> None:
    """Durations are read with their units; channels by their purpose."""
    configuration = site.load().configuration

    assert configuration.alerts_channel == "C03ALERTS"
    assert configuration.audit_channel == "C04AUDIT"
    assert configuration.plain_times is True
    assert configuration.calendar is ALWAYS_OPEN
    assert configuration.times == Times(
        sla=timedelta(hours=1, minutes=30), grant=timedelta(seconds=90), report=timedelta(minutes=20)
    )


def test_caps_groups_and_ways_to_be_told_are_what_the_file_says(site: Site) -> None:
    """Each cap is its own; a team has its group, a person a way to hear; what is left out has its default."""
    before = site.load().configuration
    assert (before.caps, before.directory.teams["managers"].user_group) == (Caps(), None)
    assert before.directory.people[PersonId("salma")].notify is Notify.MENTION
    written = "caps: {pending_per_agent: 1, pending_per_channel: 2, asks_per_person_and_hour: 3}"
    site.change("andon", "plain_times: true", written)
    site.change("andon", "    channel: C01FINANCE", "    channel: C01FINANCE\n    user_group: S01MANAGERS")
    site.change("andon", "    time_zone: Asia/Muscat", "    notify: direct")

    after = site.load().configuration
    assert after.caps == Caps(pending_per_agent=1, pending_per_channel=2, asks_per_person_and_hour=3)
    assert after.directory.teams["managers"].user_group == "S01MANAGERS"
    assert after.directory.people[PersonId("salma")].notify is Notify.DIRECT


def test_terms_are_what_the_file_says(site: Site) -> None:
    """What nobody wrote is kept as is usual, or for as long as the law asks where that is longer."""
    days = {number: timedelta(days=number) for number in (30, 200, 201, 202, 400, 730, 900)}
    assert site.load().configuration.retention == Retention()
    site.change("andon", "plain_times: true", "retention: {minimum: 730d}")
    found = site.load().configuration.retention
    assert (found.requests, found.clicks, found.messages) == (days[730], days[730], days[30])
    site.change("andon", "minimum: 730d", "requests: 200d, clicks: 201d, messages: 202d")
    site.change("andon", "channel: C04AUDIT", "channel: C04AUDIT, retention: 900d")
    found = site.load().configuration.retention
    assert (found.requests, found.clicks, found.messages) == (days[200], days[201], days[202])
    assert found.words == days[900]


def test_what_is_left_out_has_its_default(site: Site) -> None:
    """Of the optional keys none is needed."""
    for line in ("audit:", "times:", "plain_times:", "runbook_url:"):
        text = (site.root / "andon.yaml").read_text(encoding="utf-8")
        site.write("andon", re.sub(rf"^{line}.*\n", "", text, flags=re.MULTILINE))
    configuration = site.load().configuration

    assert configuration.audit_channel is None
    assert configuration.times == Times()
    assert configuration.plain_times is False
    assert agent(site).runbook_url is None


def test_an_agent_is_what_its_manifest_says(site: Site) -> None:
    """Owner, backup, function, runbook and who answers come from the manifest."""
    payer = agent(site)

    assert (payer.name, payer.function, payer.owner, payer.backup) == ("payer", "finance", "nadia", "khalid")
    assert (payer.runbook, payer.runbook_url) == ("payer", "https://wiki.example/payer")
    assert payer.questions == Terms(approvers=("managers",), quorum=1)
    assert payer.questions_channel == "C08ASK"


def test_an_action_is_what_its_manifest_says(site: Site) -> None:
    """Rules keep their order, their terms and their times; no condition means always."""
    action = agent(site).actions["payment.send"]
    small, large, rest = action.policy.rules

    assert (action.type, action.reversible) == ("payment.send", False)
    assert (action.display, action.redact) == (("amount",), frozenset({"memo"}))
    assert small.when is not None
    assert small.when.source == "decimal(args.amount) < 50 && confidence >= 0.95"
    assert (small.name, small.then, small.terms, small.sla) == ("small", Then.ALLOW, None, None)
    assert (large.name, large.then, large.sla, large.channel) == (
        "large",
        Then.ASK,
        timedelta(minutes=10),
        "C09LARGE",
    )
    assert large.terms == Terms(approvers=("managers", "maryam"), quorum=2)
    assert (rest.name, rest.when, rest.then) == ("rest", None, Then.DENY)


def test_arguments_are_checked_by_the_schema(site: Site) -> None:
    """The loaded action tells where arguments do not fit."""
    misfit = agent(site).actions["payment.send"].misfit

    assert misfit({"amount": "50", "memo": "fee", "urgent": False}) is None
    found = misfit({"amount": "-50", "memo": "fee", "urgent": False})
    assert found is not None
    assert (found.path, found.problem) == ("$.amount", "does not match ^[0-9]{1,9}$")


def test_rules_may_look_at_numbers_lists_and_nothing(site: Site) -> None:
    """A bounded number may be compared as it is; what may be empty is of two types."""
    site.change(
        "manifest",
        "          type: boolean",
        "          type: integer\n          minimum: 0\n          maximum: 9",
    )
    site.change(
        "manifest", "          maxLength: 80", "          type: [string, 'null']\n          maxLength: 80"
    )
    site.change("manifest", "          type: string\n          type: [", "          type: [")
    site.change("manifest", "decimal(args.amount) < 5000", "args.urgent < 5")

    assert site.problems() == []


def test_an_agent_may_have_no_actions(site: Site) -> None:
    """An agent that only asks questions proposes nothing."""
    start, end = MANIFEST.index("actions:"), MANIFEST.index("questions:")
    site.write("manifest", f"{MANIFEST[:start]}actions: {{}}\n{MANIFEST[end:]}")

    assert agent(site).actions == {}


def test_what_is_loaded_cannot_be_changed(site: Site) -> None:
    """Nobody adds an approver to a configuration in force."""
    configuration = site.load().configuration

    for mapping in (configuration.agents, configuration.directory.people, configuration.directory.teams):
        with pytest.raises(TypeError):
            mapping["x"] = None  # type: ignore[index]  # the point of the test


def test_runbooks_come_with_the_configuration(site: Site) -> None:
    """A runbook is loaded with its sections, each at its line."""
    runbook = site.load().runbooks["payer"]

    assert (runbook.title, runbook.agents, runbook.owner) == ("Payments", ("payer",), "nadia")
    assert (runbook.on_call, runbook.verified) == (("nadia", "directors"), date(2026, 11, 1))
    assert runbook.rollback == ("payer undo",)
    stop = runbook.section("Stop it")
    assert stop is not None
    assert (stop.line, stop.text) == (26, "`/andon stop agent:payer`")
    assert runbook.section("Not a heading, and [not a link](nowhere.md)") is None


def test_the_version_is_of_every_byte(site: Site) -> None:
    """The same files have the same version; a byte more in any of them makes another."""
    first = site.load().configuration.version
    assert re.fullmatch(r"[0-9a-f]{12}", first)
    assert site.load().configuration.version == first

    versions = {first}
    for name in FILES:
        before = (site.root / FILES[name]).read_bytes()
        site.write(name, before + b"\n")
        versions.add(site.load().configuration.version)
        site.write(name, before)
    assert len(versions) == 4
    assert site.load().configuration.version == first


def test_the_version_does_not_depend_on_the_folder(site: Site, tmp_path: Path) -> None:
    """Two machines with the same files agree on the version."""
    other = Site(tmp_path / "elsewhere")
    for name, text in (
        ("andon", ANDON),
        ("manifest", MANIFEST),
        ("runbook", RUNBOOK),
        ("runbooks/other.md", ""),
    ):
        other.write(name, text)

    assert other.load().configuration.version == site.load().configuration.version


def test_the_version_tells_names_from_contents() -> None:
    """A byte that moves from a name into its file, or to the next file, makes another version."""

    def version_of(*files: tuple[str, bytes]) -> str:
        return version(Source(name=name, file=name, raw=raw, text=raw.decode()) for name, raw in files)

    assert version_of(("ab", b"c")) != version_of(("a", b"bc"))
    assert version_of(("a", b"xb"), ("c", b"")) != version_of(("a", b"x"), ("bc", b""))
    assert version_of(("a", b"1"), ("b", b"2")) == version_of(("b", b"2"), ("a", b"1"))


def test_files_nobody_refers_to_do_not_count(site: Site) -> None:
    """A runbook without an agent, or a folder without a manifest, changes nothing."""
    before = site.load().configuration.version
    site.write("runbooks/draft.md", "nothing yet")
    site.write("agents/draft/notes.txt", "nothing yet")

    assert site.load().configuration.version == before


def test_the_body_holds_every_file(site: Site) -> None:
    """What is remembered under a version is the text of all its files."""
    loaded = site.load()

    assert json.loads(loaded.body) == {
        "andon.yaml": ANDON,
        "agents/payer/manifest.yaml": MANIFEST,
        "runbooks/payer.md": RUNBOOK,
    }
    assert dict(loaded.sources) == json.loads(loaded.body)


def test_folders_may_be_elsewhere(site: Site) -> None:
    """Agents and runbooks are looked for where ``andon.yaml`` says."""
    (site.root / "agents").rename(site.root / "bots")
    (site.root / "runbooks").rename(site.root / "books")
    site.write("andon", ANDON + "folders: {agents: bots, runbooks: books}\n")

    assert site.problems() == []
    assert set(site.load().sources) == {"andon.yaml", "bots/payer/manifest.yaml", "books/payer.md"}


def test_two_agents_may_share_a_runbook(site: Site) -> None:
    """A runbook for two agents is read once, and names both."""
    site.write("agents/second/manifest.yaml", MANIFEST.replace("agent: payer", "agent: refunder"))
    site.change("runbook", "agents: [payer]", "agents: [payer, refunder]")
    loaded = site.load()

    assert set(loaded.configuration.agents) == {"payer", "refunder"}
    assert set(loaded.runbooks) == {"payer"}


@pytest.mark.parametrize(("days", "warnings"), [(90, 0), (91, 1)])
def test_an_old_runbook_warns_and_still_serves(site: Site, days: int, warnings: int) -> None:
    """On the 91st day after it was verified a runbook warns; the configuration is loaded all the same."""
    site.change("manifest", "verified: 2026-11-01", "verified: 2026-12-31")
    loaded = site.load(today=date(2026, 11, 1) + timedelta(days=days))

    assert [str(warning).split(": ")[1] for warning in loaded.warnings] == ["warning"] * warnings


def test_tomorrow_is_today_somewhere(site: Site) -> None:
    """A date one day ahead may be written east of us; two days ahead is a mistake."""
    assert site.problems(today=date(2026, 10, 31)) == []
    assert len(site.problems(today=date(2026, 10, 30))) == 2


@pytest.mark.parametrize("amount", ["200", "0.05", '"200.50"'])
def test_money_is_exact(site: Site, amount: str) -> None:
    """An amount may be written as a number or a text."""
    site.change("manifest", "monthly: 200", f"monthly: {amount}")

    assert site.problems() == []
    assert Decimal(amount.strip('"')) > 0


def test_the_shipped_configuration_is_right() -> None:
    """What the demo runs with has no problem, and is about the people of the local Slack."""
    loaded = load(ROOT / "andon.yaml", today=TODAY)
    directory = loaded.configuration.directory

    assert loaded.warnings == ()
    assert loaded.configuration.tenant == "T01ANDON"
    assert directory.whose(Account("T01ANDON", "U06OMAR")) is None
    assert directory.members(loaded.configuration.operators) == {"nadia", "khalid"}


def test_the_shipped_people_are_those_of_the_local_slack() -> None:
    """Names, accounts and channels agree with the demo's workspace."""
    from deploy.demo.channels import CHANNELS
    from deploy.demo.people import PEOPLE
    from deploy.demo.slack_app import TEAM_ID

    configuration = load(ROOT / "andon.yaml", today=TODAY).configuration
    named = {
        (person.name, account.user)
        for person in configuration.directory.people.values()
        for account in person.accounts
    }
    channels = {team.channel for team in configuration.directory.teams.values()}

    assert named == {(person.real_name, person.id) for person in PEOPLE} - {("Omar Al Saidi", "U06OMAR")}
    assert configuration.tenant == TEAM_ID
    assert channels | {configuration.alerts_channel} <= {channel.id for channel in CHANNELS}


def test_a_relative_path_is_told_as_it_was_given(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Problems name files from where the user stands."""
    monkeypatch.chdir(site.root)
    site.change("manifest", "owner: nadia", "owner: nobody-here")

    with pytest.raises(ConfigurationProblems) as caught:
        load(Path("andon.yaml"), today=TODAY)

    assert [problem.file for problem in caught.value.problems] == ["agents/payer/manifest.yaml"]
