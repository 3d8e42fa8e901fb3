"""The command line, as real processes: what it prints, how it ends, and what it never prints."""

import asyncio
import hashlib
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from andon import Andon
from andon.errors import Unauthenticated
from bot.cli import app
from deploy.demo.processes import ROOT
from deploy.demo.stack import AGENT
from tests.e2e.installation import OURS, Installation, installed, slack_that

MANIFEST = "agents/bank_reconciliation/manifest.yaml"


def test_every_command_that_the_readme_names_exists() -> None:
    """The README names no command and no option that `andon` does not have."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line.split("  #")[0].split() for line in re.findall(r"(?m)(?:^ *|`)andon ([a-z][^`\n]*)", text)]
    assert {words[0] for words in lines} >= {"check", "serve", "migrate", "keys", "audit", "slack-manifest"}
    for line in lines:
        options = [word for word in line if word.startswith("--")]
        words = line[: line.index(options[0])] if options else line
        told = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
        assert told.exit_code == 0, f"andon {' '.join(line)}: {told.output}"
        assert [option for option in options if option not in told.output] == []


async def test_check_counts_what_it_read(here: Installation) -> None:
    """`andon check` says of a sound configuration what is in it, so that a missing file shows."""
    ran = await here.andon("check")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("andon.yaml is valid: 1 agent, 1 action type, 5 people, 3 teams. Version ")


async def test_typos_are_found_where_they_are(here: Installation) -> None:
    """Every typo is named with its file, line and remedy; what `check` refuses, `serve` refuses alike."""
    here.change("andon.yaml", "operators:", "operatorz:")
    here.change(MANIFEST, "quorum: 1", "quorumm: 1")
    check, serve = await asyncio.gather(here.andon("check"), here.andon("serve --port 0"))
    assert (check.status, check.out) == (1, "")
    assert f"andon.yaml:{_line(here, 'andon.yaml', 'operatorz')}: " in check.err
    assert "did you mean `operators`?" in check.err
    assert f"{MANIFEST}:{_line(here, MANIFEST, 'quorumm')}: " in check.err
    assert "did you mean `quorum`?" in check.err
    assert serve == check


async def test_a_configuration_that_is_not_there(here: Installation) -> None:
    """A wrong --config is named, not traced back."""
    ran = await here.andon("check --config elsewhere.yaml")
    assert ran.status == 1
    assert ran.err.startswith("elsewhere.yaml:1: there is no such file")


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is not set; write the bot token"),
        ({"SLACK_BOT_TOKEN": "xoxp-hunter2"}, "SLACK_BOT_TOKEN does not look like one"),
        ({"SLACK_SIGNING_SECRET": ""}, "set SLACK_SIGNING_SECRET (Slack calls the bot) or SLACK_APP_TOKEN"),
    ],
)
async def test_a_wrong_environment(here: Installation, variables: dict[str, str], says: str) -> None:
    """A variable that is missing or malformed is named, with what to write; its value is not repeated."""
    ran = await here.exporting(**variables).andon("serve --port 0")
    assert (ran.status, ran.out) == (1, "")
    assert says in ran.err
    assert "hunter2" not in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"ok": False, "error": "invalid_auth"}, "Slack refuses SLACK_BOT_TOKEN (invalid_auth); copy the"),
        (OURS | {"team_id": "T0OTHER"}, "belongs to workspace T0OTHER, but andon.yaml says workspace: T01"),
    ],
)
async def test_a_token_that_is_not_ours(here: Installation, answer: dict[str, object], says: str) -> None:
    """A token that Slack refuses, or that is another workspace's, ends the server before it serves."""
    async with slack_that(answer) as api_url:
        here = here.exporting(SLACK_API_URL=api_url, SLACK_BOT_TOKEN="xoxb-hunter2")
        ran = await here.andon("serve --port 0")
    assert ran.status == 1
    assert says in ran.err
    assert "hunter2" not in ran.out + ran.err


async def test_a_key_before_anything_is_served(here: Installation) -> None:
    """Where nothing was served yet, making a key makes the SQLite file, which only its owner may read."""
    here.database.parent.rmdir()
    made = await here.andon(f"keys create --agent {AGENT}")
    assert (made.status, made.err.count("\n")) == (0, 1)
    assert re.fullmatch(r"andon_[\w-]{43}\n", made.out)
    assert here.database.stat().st_mode & 0o077 == 0
    listed = await here.andon("keys list")
    assert f"  {AGENT}  made " in listed.out


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """An installation that has served for a while, and what was seen meanwhile."""

    here: Installation
    key: str
    key_id: str
    seal: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lived]:
    here = installed(tmp_path_factory.mktemp("lived"))
    async with here.serving() as server, Andon(url=server.url, key="andon_none") as stranger:
        with pytest.raises(Unauthenticated):
            await stranger.heartbeat()
        made = await here.andon(f"keys create --agent {AGENT}")
        key, key_id = made.out.strip(), made.err.split()[0]
        async with Andon(url=server.url, key=key) as andon:
            assert (await andon.heartbeat()).may_proceed
            revoked = await here.andon(f"keys revoke {key_id}")
            assert (revoked.status, revoked.out) == (0, f"{key_id} is revoked.\n")
            with pytest.raises(Unauthenticated):
                await andon.heartbeat()
        async with asyncio.timeout(30):
            while _rows(here.database, "SELECT 1 FROM audit_seals WHERE seq = 3") == []:
                await asyncio.sleep(0.1)
        whole = await here.andon("audit verify")
    assert (whole.status, whole.err) == (0, "")
    assert "The record is whole: 3 events" in whole.out
    yield Lived(here=here, key=key, key_id=key_id, seal=whole.out.split("Seal ")[1].split()[0])


@pytest.mark.asyncio(loop_scope="module")
async def test_a_key_is_shown_once(lived: Lived) -> None:
    """A key is printed when it is made; what is kept, listed and logged is its hash and its id."""
    assert re.fullmatch(r"andon_[\w-]{43}", lived.key)
    listed = await lived.here.andon("keys list")
    assert re.fullmatch(rf"{lived.key_id}  {AGENT}  made \S+ \S+Z  revoked \S+ \S+Z\n", listed.out)
    kept = b"".join(path.read_bytes() for path in lived.here.place.rglob("*") if path.is_file())
    assert hashlib.sha256(lived.key.encode()).hexdigest().encode() in kept
    assert lived.key.encode() not in kept


@pytest.mark.asyncio(loop_scope="module")
async def test_a_key_for_nobody(lived: Lived) -> None:
    """An agent that no manifest names gets no key, and a key that is not in use cannot be revoked."""
    unknown, again = await asyncio.gather(
        lived.here.andon("keys create --agent nobody"), lived.here.andon(f"keys revoke {lived.key_id}")
    )
    assert (unknown.status, unknown.out) == (1, "")
    assert "No manifest names this agent. (nobody)" in unknown.err
    assert (again.status, again.out) == (1, "")
    assert f"There is no key {lived.key_id} in use" in again.err


@pytest.mark.asyncio(loop_scope="module")
async def test_a_whole_record(lived: Lived) -> None:
    """A record shows what happened to one thing, and contains a seal that was noted elsewhere."""
    noted, shown, slip = await asyncio.gather(
        lived.here.andon(f"audit verify --seal {lived.seal}"),
        lived.here.andon(f"audit show --about {lived.key_id}"),
        lived.here.andon("audit verify --seal 3:abc"),
    )
    assert noted.status == 0
    assert re.findall(r"key\.\w+", shown.out) == ["key.created", "key.revoked"]
    assert [line.split("  ")[3] for line in shown.out.splitlines()] == ["bank-reconciliation"] * 2
    assert (slip.status, "is no seal" in slip.err) == (1, True)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_newest_events_are_shown(lived: Lived) -> None:
    """A long record is shown from its newest end, in order, and says that there is more."""
    part, all_of_it = await asyncio.gather(
        lived.here.andon("audit show --limit 2"), lived.here.andon("audit show --limit 3")
    )
    assert (part.status, part.err) == (0, "Older events were left out; --limit 10 shows more.\n")
    assert re.findall(r"key\.\w+", part.out) == ["key.created", "key.revoked"]
    assert (all_of_it.status, all_of_it.err) == (0, "")
    assert all_of_it.out.splitlines()[1:] == part.out.splitlines()


@pytest.mark.asyncio(loop_scope="module")
async def test_events_of_nobody(lived: Lived) -> None:
    """An id or an agent that no event speaks of is said to be so: a slip of the pen is no peace."""
    for options, says in (
        ("--about req_1", "about req_1"),
        ("--agent nobody", "of nobody"),
        (f"--agent nobody --about {lived.key_id}", f"of nobody about {lived.key_id}"),
    ):
        ran = await lived.here.andon(f"audit show {options}")
        assert (ran.status, ran.out, ran.err) == (1, "", f"There are no events {says}.\n")


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        (["UPDATE audit_events SET actor = 'nobody' WHERE position = 2"], "at 2"),
        (["DELETE FROM audit_links WHERE seq = 3", "DELETE FROM audit_seals WHERE seq = 3"], "at 3"),
    ],
    ids=["edited", "cut off"],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_record_that_was_changed(
    lived: Lived, tmp_path: Path, changes: list[str], place: str
) -> None:
    """Whoever holds the file can change it, not unseen: verify fails, and names the place."""
    there = Installation(place=Path(copytree(lived.here.place, tmp_path / "copy")))
    _tamper(there.database, changes)
    ran = await there.andon(f"audit verify --seal {lived.seal}")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(f"The record is BROKEN {place}")


_BESIDE = (
    "INSERT INTO audit_events (tenant, id, at, name, actor, subject, agent, data)"
    " VALUES ('T01ANDON', 'evt_x', 1, 'request.approved', 'person:salma', 'req_1', NULL, '\x1b[2J')"
)


@pytest.mark.parametrize(
    ("changes", "marks"),
    [
        (
            ["UPDATE audit_events SET subject = 'req_1' WHERE position = 2"],
            ["", "NOT WHAT THE CHAIN HOLDS:", ""],
        ),
        (["UPDATE audit_events SET name = 'a.b' WHERE position = 3"], ["", "", "NOT WHAT THE CHAIN HOLDS:"]),
        (["UPDATE audit_events SET at = 'soon' WHERE position = 1"], ["NOT WHAT THE CHAIN HOLDS:", "", ""]),
        ([_BESIDE], ["", "", "", "NOT IN THE CHAIN:"]),
    ],
    ids=["edited", "unknown name", "no instant", "beside"],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_the_chain_does_not_hold_is_shown_as_such(
    lived: Lived, tmp_path: Path, changes: list[str], marks: list[str]
) -> None:
    """A line that nothing proves is never printed like one that is, nor may it move the terminal."""
    there = Installation(place=Path(copytree(lived.here.place, tmp_path / "copy")))
    _tamper(there.database, changes)
    ran = await there.andon("audit show")
    begun = [re.match(r"(NOT [A-Z ]+:)?", line) for line in ran.out.splitlines()]
    assert [found.group() for found in begun if found is not None] == marks
    assert "\x1b" not in ran.out
    assert (ran.status, ran.err.startswith("Lines above are not what the chain holds.")) == (1, True)


async def test_the_app_to_create(here: Installation) -> None:
    """The manifest sends Slack to the bot's door, wherever the bot is; a link fills in Slack's form."""
    http, link, wrong = await asyncio.gather(
        here.andon("slack-manifest --mode http --url https://andon.example"),
        here.andon("slack-manifest --link"),
        here.andon("slack-manifest --mode http --url andon.example"),
    )
    assert http.out.count("url: https://andon.example/slack/events\n") == 3
    assert re.fullmatch(r"https://api\.slack\.com/apps\?new_app=1&manifest_yaml=\S+\n", link.out)
    assert (wrong.status, wrong.out) == (1, "")
    assert wrong.err.startswith("--url: ")


def _line(here: Installation, file: str, words: str) -> int:
    text = (here.place / file).read_text(encoding="utf-8")
    return text[: text.index(words)].count("\n") + 1


def _rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def _tamper(database: Path, changes: list[str]) -> None:
    """Do what somebody with the file in their hands can do: drop what guards it, then change it."""
    guards = _rows(database, "SELECT name FROM sqlite_master WHERE type = 'trigger'")
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for (guard,) in guards:
            connection.execute(f"DROP TRIGGER {guard}")
        for change in changes:
            assert connection.execute(change).rowcount == 1
