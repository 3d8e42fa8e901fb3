"""As much of Slack's Web API as the bot calls here: it takes every message and keeps the cards."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from deploy.demo.slack_app import BOT_USER_ID, TEAM_ID

_IDENTITY = {"team_id": TEAM_ID, "user_id": BOT_USER_ID, "bot_id": "B0ANDON"}


@dataclass(slots=True)
class FakeSlack:
    """Answers at once, and forgets nothing that was posted."""

    url: str = ""
    posted: list[dict[str, Any]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def card(self, request: str) -> dict[str, Any]:
        """Return the card about *request*, once it is posted."""
        async with asyncio.timeout(10):
            while True:
                for message in self.posted:
                    if request in str(message["blocks"]):
                        return message
                await asyncio.sleep(0.01)

    async def answer(self, call: web.Request) -> web.Response:
        """Take one call."""
        said = {}
        if call.content_type == "application/json":
            said = await call.json()
        answer: dict[str, Any] = {"ok": True}
        match call.match_info["method"]:
            case "auth.test":
                answer |= _IDENTITY
            case "chat.postMessage":
                ts = f"1.{next(self._numbers):06d}"
                self.posted.append({"ts": ts, "text": said["text"], "blocks": said["blocks"]})
                answer |= {"channel": said["channel"], "ts": ts}
            case "chat.update":
                answer |= {"channel": said["channel"], "ts": said["ts"]}
            case "conversations.open":
                answer |= {"channel": {"id": "D0"}}
            case unknown:
                answer = {"ok": False, "error": "unknown_method", "method": unknown}
        return web.json_response(answer)


@asynccontextmanager
async def fake_slack() -> AsyncIterator[FakeSlack]:
    """Serve it on a free port of this machine during the block."""
    slack = FakeSlack()
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slack.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    try:
        yield slack
    finally:
        await runner.cleanup()
