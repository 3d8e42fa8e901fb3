"""The WebSocket of local-slack's own page: forms and App Home travel over it, not over the control API."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from deploy.demo.interactions import Json
from deploy.demo.people import Person

ANSWERS_WITHIN: Final = 10.0  # seconds; the bot owes Slack an answer in three


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What became of a form: the *errors* by block id, and the *views* still open, the top one last."""

    errors: Mapping[str, str] = field(default_factory=dict)
    views: Sequence[Json] = ()


@dataclass(slots=True, kw_only=True)
class PageSocket:
    """One connection such as local-slack's own page holds, and the state that it was sent."""

    socket: aiohttp.ClientWebSocketResponse
    state: Json

    @classmethod
    @asynccontextmanager
    async def of(cls, http: aiohttp.ClientSession) -> AsyncIterator["PageSocket"]:
        try:
            async with (
                asyncio.timeout(ANSWERS_WITHIN),
                http.ws_connect("/ui", max_msg_size=0) as socket,
            ):
                yield cls(socket=socket, state=(await socket.receive_json())["state"])
        except TimeoutError as silent:
            raise LookupError(f"nothing of the kind came within {ANSWERS_WITHIN:g} s") from silent

    @property
    def views(self) -> Sequence[Json]:
        return list(self.state["modalStack"])

    def home(self, person: Person) -> Json | None:
        return next(iter(self.state["homeViews"].get(person.id, {}).values()), None)

    async def send(self, kind: str, body: Json) -> None:
        await self.socket.send_json({"t": kind} | body)

    async def published(self, person: Person) -> Json:
        """Wait until the bot publishes a Home for *person*."""
        while True:
            match await self.socket.receive_json():
                case {"t": "home", "user": person.id, "view": dict() as view}:
                    return view
                case _:
                    continue

    async def top(self, text: str = "") -> Json:
        """Wait until there is a form on top that says *text*."""
        while not (self.views and text in json.dumps(self.views[-1], ensure_ascii=False)):
            frame = await self.socket.receive_json()
            if frame["t"] == "view":
                self.state["modalStack"] = frame["stack"]
        top: Json = self.views[-1]
        return top

    async def answered(self) -> None:
        """Wait until the traffic log tells that the bot answered, or cannot."""
        while True:
            frame = await self.socket.receive_json()
            entry = frame.get("entry", {})
            if entry.get("direction") in {"from_bot", "internal"} and entry["kind"] != "web_api":
                return

    async def outcome(self) -> Submitted:
        """Wait for what became of the form."""
        while True:
            match await self.socket.receive_json():
                case {"t": "view", "stack": stack}:
                    return Submitted(views=stack)
                case {"t": "view_errors", "errors": errors}:
                    return Submitted(errors=errors, views=self.views)
                case _:
                    continue
