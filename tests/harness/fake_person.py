"""Somebody in the fake Slack: looks, clicks, fills in and types; each act is a request that Slack signed."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.harness.fake_http import Json
from tests.harness.fake_slack import TEAM, Answer, FakeSlack, Post, Posted

PATH = "/slack/events"
_FORM = "application/x-www-form-urlencoded"


def through(app: Any, *, base: str = "http://bot.example") -> Post:
    """Return a way to post to the ASGI *app*."""

    async def post(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as client:
            answer = await client.post(path, headers=dict(headers), content=body)
        return Answer(status=answer.status_code, body=answer.content)

    return post


def signature(secret: str, *, timestamp: int, body: bytes) -> str:
    """Return Slack's ``v0`` signature of *body*."""
    base = b"v0:%d:%s" % (timestamp, body)
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


@dataclass(slots=True, kw_only=True)
class FakePerson:
    """One person of the workspace."""

    slack: FakeSlack
    name: str
    user: str
    workspace: str = TEAM
    _typed: dict[str, str | None] = field(default_factory=dict)

    @property
    def home(self) -> Json | None:
        """The Home tab as last published."""
        return self.slack.homes.get(self.user)

    @property
    def modal(self) -> Json | None:
        """The modal on top, if one is open."""
        stack = self.slack.modals[self.user]
        return stack[-1] if stack else None

    async def sees(self, words: str, *, in_: str, within: float = 5.0) -> Posted:
        """Return the newest message in a channel that says *words* to this person; wait for it."""
        async with asyncio.timeout(within):
            while True:
                for posted in reversed(list(self._visible(in_))):
                    if posted.says(words):
                        return posted
                await asyncio.sleep(0.01)

    async def misses(self, words: str, *, in_: str) -> bool:
        """Return whether no message in a channel says *words* to this person now."""
        return not any(posted.says(words) for posted in self._visible(in_))

    async def sees_modal(self, words: str, *, within: float = 5.0) -> Json:
        """Return the modal on top once it says *words*."""
        async with asyncio.timeout(within):
            while self.modal is None or words not in json.dumps(self.modal, ensure_ascii=False):
                await asyncio.sleep(0.01)
        return self.modal

    async def clicks(self, label: str, *, on: Posted | None = None) -> Answer:
        """Click what is called *label* on a message, or on the Home tab."""
        shown = on.blocks if on is not None else (self.home or {}).get("blocks", [])
        action = next(_labelled(shown, label), None)
        if action is None:
            raise AssertionError(f"{self.name} sees nothing to click that is called {label!r}")
        return await self.forges(action, on=on)

    async def forges(self, action: Json, *, on: Posted | None = None) -> Answer:
        """Click what no client shows: *action* is what the payload will say."""
        payload = {**self._envelope("block_actions"), "actions": [{**action, "action_ts": "1.0"}]}
        if on is None:
            payload["container"] = {"type": "view"}
        else:
            payload["container"] = {"type": "message", "message_ts": on.ts, "channel_id": on.channel}
            payload["channel"] = {"id": on.channel, "name": on.channel}
            payload["message"] = {"ts": on.ts, "text": on.text, "blocks": on.blocks}
        return await self._interacts(payload)

    def fills(self, label: str, value: str | None) -> "FakePerson":
        """Type *value* into the field called *label* of the modal on top, or choose that option."""
        for block in self._inputs():
            if block["label"]["text"] == label:
                self._typed[block["block_id"]] = value
                return self
        raise AssertionError(f"{self.name} sees no field called {label!r}")

    async def submits(self) -> Answer:
        """Submit the modal on top; it closes, complains or changes as the bot answers."""
        if self.modal is None:
            raise AssertionError(f"{self.name} has no modal open")
        state = {block["block_id"]: self._entered(block) for block in self._inputs()}
        view = {**self.modal, "state": {"values": state}, "team_id": TEAM}
        answer = await self._interacts({**self._envelope("view_submission"), "view": view})
        self._apply(answer)
        return answer

    async def types(self, line: str, *, in_: str = "") -> Answer:
        """Type a command such as ``/andon status``."""
        command, _, text = line.partition(" ")
        channel = self.slack.channel_id(in_) if in_ else f"D{self.user}"
        form = {
            "command": command,
            "text": text,
            "team_id": self.workspace,
            "user_id": self.user,
            "user_name": self.name,
            "channel_id": channel,
            "trigger_id": self.slack.trigger(self.user),
            "response_url": "https://hooks.slack.example/none",
            "api_app_id": "A01ANDON",
        }
        return await self.sends(urlencode(form).encode(), _FORM)

    async def opens_home(self) -> Answer:
        """Open the App Home."""
        event = {"type": "app_home_opened", "user": self.user, "channel": f"D{self.user}", "tab": "home"}
        callback = {
            "type": "event_callback",
            "team_id": self.workspace,
            "api_app_id": "A01ANDON",
            "event": {**event, "event_ts": "1.0"},
            "event_id": self.slack.next_id("Ev"),
            "event_time": int(self.slack.clock.now().timestamp()),
        }
        return await self.sends(json.dumps(callback).encode(), "application/json")

    async def sends(self, body: bytes, media: str, *, age: int = 0) -> Answer:
        """Send *body* as Slack would, signed *age* seconds ago."""
        if self.slack.post is None:
            raise AssertionError("nobody takes this Slack's requests; set FakeSlack.post")
        timestamp = int(self.slack.clock.now().timestamp()) - age
        headers = {
            "content-type": media,
            "x-slack-request-timestamp": str(timestamp),
            "x-slack-signature": signature(self.slack.signing_secret, timestamp=timestamp, body=body),
        }
        return await self.slack.post(PATH, headers, body)

    async def _interacts(self, payload: Json) -> Answer:
        return await self.sends(urlencode({"payload": json.dumps(payload)}).encode(), _FORM)

    def _envelope(self, kind: str) -> Json:
        return {
            "type": kind,
            "team": {"id": self.workspace, "domain": "andon"},
            "user": {"id": self.user, "username": self.name, "team_id": self.workspace},
            "api_app_id": "A01ANDON",
            "trigger_id": self.slack.trigger(self.user),
        }

    def _visible(self, channel: str) -> Iterator[Posted]:
        id_ = self.slack.channel_id(channel)
        for posted in self.slack.messages:
            if posted.channel == id_ and posted.only_for in {None, self.user}:
                yield posted

    def _inputs(self) -> list[Json]:
        shown = self.modal or {"blocks": []}
        return [block for block in shown["blocks"] if block["type"] == "input"]

    def _entered(self, block: Json) -> Json:
        element, id_ = block["element"], block["block_id"]
        match element["type"]:
            case "plain_text_input":
                value: Any = {"value": self._typed.get(id_, element.get("initial_value"))}
            case "datepicker":
                value = {"selected_date": self._typed.get(id_, element.get("initial_date"))}
            case _:
                value = {"selected_option": self._choice(element, id_)}
        return {element["action_id"]: {"type": element["type"], **value}}

    def _choice(self, element: Json, id_: str) -> Json | None:
        if id_ not in self._typed:
            initial: Json | None = element.get("initial_option")
            return initial
        wanted = self._typed[id_]
        return next((option for option in element["options"] if option["text"]["text"] == wanted), None)

    def _apply(self, answer: Answer) -> None:
        stack = self.slack.modals[self.user]
        match answer.json.get("response_action"):
            case "errors":
                return  # The form stays open with what was typed.
            case "update":
                stack[-1] = {**answer.json["view"], "id": stack[-1]["id"]}
            case "push":
                stack.append({**answer.json["view"], "id": self.slack.next_id("V")})
            case "clear":
                stack.clear()
            case _ if answer.status == 200:
                stack.pop()
            case _:
                return  # Slack says that it had trouble connecting, and the form stays.
        self._typed.clear()


def _labelled(blocks: list[Json], label: str) -> Iterator[Json]:
    """Yield what a click on *label* would say: a button, or an option of a menu."""
    for index, block in enumerate(blocks):
        for element in (*block.get("elements", []), *filter(None, [block.get("accessory")])):
            action = {
                "type": element["type"],
                "action_id": element.get("action_id"),
                "block_id": block.get("block_id", f"b{index}"),
            }
            if element["type"] == "button" and element["text"]["text"] == label:
                yield {**action, "value": element.get("value"), "text": element["text"]}
            for option in element.get("options", []):
                if option["text"]["text"] == label:
                    yield {**action, "selected_option": option}
