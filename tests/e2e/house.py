"""A bot of its own for each module of tests: the real process, in a local Slack, on a database of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.config import SlackMode
from deploy.demo import slack_app
from deploy.demo.local_slack import local_slack
from deploy.demo.processes import free_port
from deploy.demo.stack import AGENT
from deploy.demo.workspace import Workspace
from tests.e2e.installation import installed


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What runs, and how to reach it."""

    slack: Workspace
    url: str  #: Where agents reach the bot.
    key: str  #: The agent's.


@asynccontextmanager
async def house(place: Path, *, mode: SlackMode = SlackMode.HTTP) -> AsyncIterator[House]:
    """Run Slack and `andon serve` during the block, with everything they write in *place*."""
    port = free_port(0)
    async with local_slack(bot=f"http://127.0.0.1:{port}" if mode is SlackMode.HTTP else None) as slack:
        here = installed(place).exporting(SLACK_API_URL=slack.api_url, **_ears(mode))
        # The local Slack draws no dates of its own.
        here.change("andon.yaml", "alerts:", "plain_times: true\nalerts:")
        async with here.serving(port) as server:
            made = await here.andon(f"keys create --agent {AGENT}")
            yield House(slack=slack, url=server.url, key=made.out.strip())


def _ears(mode: SlackMode) -> dict[str, str]:
    if mode is SlackMode.SOCKET:
        return {"SLACK_APP_TOKEN": slack_app.APP_TOKEN, "SLACK_SIGNING_SECRET": ""}
    return {"SLACK_SIGNING_SECRET": slack_app.SIGNING_SECRET}
