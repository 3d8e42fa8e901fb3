"""A Slack that gives one answer to everything, as something between it and us might."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from slack_sdk.web.async_client import AsyncWebClient
from starlette.types import Receive, Scope, Send

from bot.slack.web_api import client
from tests.harness.fake_http import body_of, serve

TOKEN = "xoxb-1-canned-SECRET"


@dataclass(slots=True)
class Canned:
    """What it answers, and how often it was asked."""

    status: int = 200
    body: str = '{"ok": true}'
    media: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)  #: Of those who asked: one for each connection.

    def says(self, **answer: object) -> "Canned":
        """Answer with this JSON."""
        self.body = json.dumps(answer)
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as an ASGI app."""
        await body_of(receive)
        self.ports.add(scope["client"][1])
        self.asked.append(str(scope["path"]).removeprefix("/api/"))
        headers = [(b"content-type", self.media.encode())]
        headers += [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body.encode()})


@asynccontextmanager
async def slack_saying(canned: Canned) -> AsyncIterator[AsyncWebClient]:
    """Yield our client of a Slack that answers as *canned*."""
    async with serve(canned) as url:
        yield client(TOKEN, url)


#: What proxies and load balancers say when what is behind them is away.
TROUBLE = {
    "a proxy's words": Canned(503, "upstream connect error", "text/plain"),
    "a load balancer's page": Canned(502, "<html>Bad gateway</html>", "text/html"),
    "half an answer": Canned(200, '{"ok": tr', "application/json"),
    "nothing": Canned(500, "", "application/json"),
    "Slack's own word": Canned(500, '{"ok": false, "error": "fatal_error"}'),
    "a limit in words": Canned(429, "slow down", "text/plain", {"retry-after": "7"}),
    "a limit": Canned(429, '{"ok": false, "error": "ratelimited"}', headers={"Retry-After": "7"}),
}
