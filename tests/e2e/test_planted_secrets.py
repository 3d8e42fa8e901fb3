"""Secrets are planted wherever one can be, and are found after a whole run only where they belong."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from escalation.clock import SystemClock
from tests.e2e.installation import Installation, Ran, Server
from tests.harness.fake_faults import Refuses, ServerError
from tests.harness.fake_http import serve
from tests.harness.fake_person import FakePerson
from tests.harness.fake_slack import BOT_TOKEN, Answer, FakeSlack, Posted
from tests.scenario.agent import POSTING, Agent
from tests.scenario.world import AGENT, CHANNELS, PEOPLE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MANIFEST = "agents/bank_reconciliation/manifest.yaml"
#: Each is unlike anything else in the house: whoever finds it found that one.
SIGNING_SECRET = "planted1signing2secret3of4slack5"
VALKEY_PASSWORD = "planted-password-of-valkey"
DATABASE_PASSWORD = "planted-password-of-the-database"
HIDDEN = "planted-memo-that-the-manifest-hides"
BROKEN = "planted-memo-in-a-row-that-broke"
WRONG_KEY = "andon_planted-key-of-somebody-elses"
HEADER = "planted-header-nobody-asked-for"
PASTED = "xoxb-1234567890-plantedpastedtoken"
_PATIENCE = 30.0

#: Where a hidden argument belongs: with the request that asks for it, and beside the record, to be erased.
_ARGUMENTS_ARE_IN = {("requests", "subject"), ("audit_texts", "text")}
#: The record with the words that stand beside it, for whoever may read the database.
_SHOWN_TO_AUDITORS = {"andon audit show"}
#: Views that somebody who may decide opened; the manifest hides arguments in channels.
_PRIVATE = {"views.open", "views.update", "views.push"}


@dataclass(slots=True, kw_only=True)
class Run:
    """What was said by anybody during the run, by who said it."""

    here: Installation
    slack: FakeSlack
    said: dict[str, str] = field(default_factory=dict)
    key: str = ""

    def notes(self, what: str, told: str) -> None:
        self.said[what] = self.said.get(what, "") + told

    async def andon(self, line: str, **environment: str) -> Ran:
        """Run a command, and note what it says."""
        ran = await self.here.exporting(**environment).andon(line)
        self.notes(f"andon {line}", ran.out + ran.err)
        return ran

    async def asks(self, url: str, path: str, **how: Any) -> None:
        """Call the server as whoever has no business there, and note the answer."""
        async with httpx.AsyncClient(base_url=url) as http:
            answer = await http.request(how.pop("method", "GET"), path, **how)
        self.notes(f"{path} answered {answer.status_code}", f"{answer.headers}\n{answer.text}")

    def found(self, secret: str) -> set[str]:
        """Return where *secret* was said."""
        return {what for what, told in self.said.items() if secret in told}


@pytest.fixture
def hidden(here: Installation) -> Installation:
    """An installation that hides what its postings are for."""
    here.change(MANIFEST, "redact: []  ", "redact: [memo]  ")
    return here


async def test_planted_secrets_are_found_nowhere(hidden: Installation) -> None:
    """After asks, cards, decisions, a failure, alarms, a broken row and many commands, no secret shows."""
    slack = FakeSlack(clock=SystemClock(), people=PEOPLE, channels=CHANNELS, signing_secret=SIGNING_SECRET)
    async with serve(slack) as api:
        run = Run(here=_exporting(hidden, api), slack=slack)
        async with _serving(run) as server:
            made = await run.here.andon(f"keys create --agent {AGENT}")
            run.notes("what keys create says beside the key", made.err)
            (run.key,) = made.out.splitlines()  # and nothing else: it is piped into a variable
            await _is_used(run, server)
            await _is_abused(run, server)
        broken = _break_a_row(hidden.database)
        async with _serving(run) as server:
            await _is_asked_how_it_is(run, server, broken)
    await _is_asked_at_the_shell(run)
    _note_slack(run)
    secrets = [SIGNING_SECRET, VALKEY_PASSWORD, DATABASE_PASSWORD, HIDDEN, BROKEN, WRONG_KEY, HEADER, PASTED]
    secrets += [run.key, BOT_TOKEN]
    for secret in secrets:
        assert run.found(secret) <= (_SHOWN_TO_AUDITORS if secret is HIDDEN else set()), secret
    rows = {secret: _columns_with(hidden.database, secret) for secret in secrets}
    assert {secret: where for secret, where in rows.items() if where and secret not in {HIDDEN, BROKEN}} == {}
    assert rows[HIDDEN] == _ARGUMENTS_ARE_IN
    assert rows[BROKEN] <= _ARGUMENTS_ARE_IN


# --- the run ---


def _exporting(here: Installation, api: str) -> Installation:
    return here.exporting(
        SLACK_API_URL=api,
        SLACK_BOT_TOKEN=BOT_TOKEN,
        SLACK_SIGNING_SECRET=SIGNING_SECRET,
        ANDON_REDIS_URL=f"redis://:{VALKEY_PASSWORD}@127.0.0.1:1/0",  # nobody listens there
    )


@asynccontextmanager
async def _serving(run: Run) -> AsyncIterator[Server]:
    async with run.here.serving() as server, httpx.AsyncClient(base_url=server.url) as http:

        async def post(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
            answer = await http.post(path, headers=dict(headers), content=body)
            run.notes(f"a click was answered {answer.status_code}", answer.text)
            return Answer(status=answer.status_code, body=answer.content)

        run.slack.post = post
        yield server
    run.notes("the server's log", server.log.read_text(encoding="utf-8"))


async def _is_used(run: Run, server: Server) -> None:
    """People approve, try to edit, and reject, an effect fails, and Slack has its faults meanwhile."""
    slack = run.slack
    slack.fails("chat.postMessage", ServerError(), Refuses("channel_not_found"))
    async with httpx.AsyncClient(base_url=server.url, timeout=_PATIENCE) as http:
        agent = Agent(http=http, key=run.key, name=AGENT)
        lost = await agent.asks(memo=HIDDEN)
        assert (await agent.sees(lost, wait=20))["state"] == "undeliverable"
        approved, edited, rejected = [await agent.asks(memo=HIDDEN) for _ in range(3)]
        await _approves_in_full(slack.person("salma"), await _card(slack, approved))
        await _tries_to_edit(slack.person("salma"), await _card(slack, edited))
        await _decided(slack.person("maryam"), "Open in full", await _card(slack, edited))
        run.notes("what who may not decide sees", str(await slack.person("maryam").sees_modal("Post")))
        await _rejects(slack.person("khalid"), await _card(slack, rejected))
        assert (await agent.claims(approved)).status_code == 200
        assert (await agent.reports(approved, "failed", result={"error": "no"})).status_code == 200
        too_long = await agent.proposes({**POSTING, "memo": HIDDEN * 10})
        mistyped = await agent.proposes({**POSTING, "memo": [HIDDEN]})
        for answer in (too_long, mistyped):
            assert answer.status_code == 422
            run.notes("a refusal", answer.text)
        await slack.person("nadia").opens_home()
        await slack.person("salma").types("/andon status")
        await slack.person("salma").types("/andon stop agent:bank-reconciliation a drill")


async def _is_abused(run: Run, server: Server) -> None:
    """Strangers send keys and headers; somebody pastes a token into the configuration that is served."""
    headers = {"Authorization": f"Bearer {WRONG_KEY}", "X-Api-Key": HEADER, "Cookie": HEADER}
    for path in ("/v1/requests", f"/v1/requests?token={HEADER}", f"/{HEADER}", "/metrics"):
        await run.asks(server.url, path, headers=headers)
    forged = {"X-Slack-Signature": f"v0={HEADER}", "X-Slack-Request-Timestamp": HEADER}
    await run.asks(server.url, "/slack/events", method="POST", headers=forged, content=HEADER)
    whole = (run.here.place / "andon.yaml").read_text(encoding="utf-8")
    for pasted in (f"slack_token: {PASTED}\n", f"{PASTED}: 1\n", f"'{PASTED}\n"):
        (run.here.place / "andon.yaml").write_text(whole + pasted, encoding="utf-8")
        assert (await run.andon("check")).status != 0
    assert (await run.andon("apply")).status != 0
    await _logged(server, "configuration")
    (run.here.place / "andon.yaml").write_text(whole, encoding="utf-8")


async def _is_asked_how_it_is(run: Run, server: Server, broken: str) -> None:
    for path in ("/readyz", "/healthz", "/v1/openapi.json"):
        await run.asks(server.url, path)
    await run.asks(server.url, f"/v1/requests/{broken}", headers={"Authorization": f"Bearer {run.key}"})
    assert any("answered 500" in what for what in run.said)
    await _logged(server, "call_about_unreadable_row")


async def _is_asked_at_the_shell(run: Run) -> None:
    for line in ("doctor", "audit verify", "audit show"):
        await run.andon(line)
    away = f"postgresql+asyncpg://andon:{DATABASE_PASSWORD}@127.0.0.1:1/andon"
    for line in ("serve --port 0", "doctor"):
        assert (await run.andon(line, ANDON_DATABASE_URL=away)).status != 0
    for name in ("SLACK_BOT_TOKEN", "ANDON_DATABASE_URL"):
        assert (await run.andon("serve --port 0", **{name: f"{PASTED[-9:]} {HEADER}"})).status != 0


async def _decided(who: FakePerson, label: str, card: Posted) -> None:
    assert (await who.clicks(label, on=card)).status == 200


async def _approves_in_full(who: FakePerson, card: Posted) -> None:
    await _decided(who, "Open in full", card)
    await who.sees_modal(HIDDEN, within=_PATIENCE)  # whoever may decide has to see it
    assert (await who.submits()).status == 200


async def _tries_to_edit(who: FakePerson, card: Posted) -> None:
    # A card with something hidden has no such button; a hand-made click is answered all the same.
    value = next(row["value"] for row in _buttons(card) if row["action_id"] == "request:reject")
    edit = {"type": "button", "action_id": "request:edit", "value": value}
    assert (await who.forges(edit, on=card)).status == 200


def _buttons(card: Posted) -> list[dict[str, Any]]:
    return [each for block in card.blocks for each in block.get("elements", []) if each["type"] == "button"]


async def _rejects(who: FakePerson, card: Posted) -> None:
    await _decided(who, "Reject", card)
    await who.sees_modal("request:rejected", within=_PATIENCE)
    who.fills("Why? The agent reads this and does better.", "Not ours")
    assert (await who.submits()).status == 200


async def _card(slack: FakeSlack, request: Mapping[str, Any]) -> Posted:
    async with asyncio.timeout(_PATIENCE):
        while True:
            for posted in slack.in_channel("#finance"):
                if posted.says(f'"{request["id"]}"'):
                    return posted
            await asyncio.sleep(0.05)


async def _logged(server: Server, word: str) -> None:
    async with asyncio.timeout(_PATIENCE):
        while word not in server.log.read_text(encoding="utf-8"):
            await asyncio.sleep(0.05)


# --- where it is looked for ---


def _break_a_row(database: Path) -> str:
    """Have a row hold what no version could read, with a secret in it; return its id."""
    with closing(sqlite3.connect(database)) as file, file:
        (row,) = file.execute("SELECT id FROM requests ORDER BY id LIMIT 1").fetchone()
        file.execute("UPDATE requests SET subject = ? WHERE id = ?", (f"{{{BROKEN}", row))
    return str(row)


def _note_slack(run: Run) -> None:
    for call in run.slack.calls:
        if call.method not in _PRIVATE:
            run.notes(f"Slack's {call.method}", json.dumps(call.arguments, ensure_ascii=False))
    run.notes("Home tabs", json.dumps(run.slack.homes, ensure_ascii=False))


def _columns_with(database: Path, secret: str) -> set[tuple[str, str]]:
    return {(table, column) for table, column, value in _cells(database) if secret in str(value)}


def _cells(database: Path) -> Iterator[tuple[str, str, object]]:
    with closing(sqlite3.connect(database)) as file:
        file.row_factory = sqlite3.Row
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in file.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - its own names
                yield from ((table, column, row[column]) for column in row.keys())  # noqa: SIM118
