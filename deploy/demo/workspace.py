"""
A client that acts for the people of a local Slack: they talk, click, fill in forms and read.

What a click carries is taken from the message itself, as a browser would take it; `forge` is for
clicks that no browser would send. Forms and App Home clicks travel over the page's own WebSocket,
because local-slack's control API has no route for them.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from deploy.demo.people import Channel, Person

Json = dict[str, Any]
Filled = str | Sequence[str]

_ANSWERS_WITHIN: Final = 10.0  # seconds; the bot owes Slack an answer in three


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What became of a form: the *errors* by block id, and the *views* still open, the top one last."""

    errors: Mapping[str, str] = field(default_factory=dict)
    views: Sequence[Json] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The people's side of one running local Slack, reached at *url*."""

    url: str
    http: aiohttp.ClientSession

    @property
    def api_url(self) -> str:
        """The Web API's base, as slack_sdk's `base_url` wants it."""
        return f"{self.url}/api/"

    async def say(
        self, person: Person, channel: Channel | str, *, text: str, thread: str | None = None
    ) -> Json:
        """Post *text* as *person*, into *thread* (a message's ts) if given; return the message."""
        body = {"user": person.id, "channel": _id(channel), "text": text, "thread_ts": thread}
        answer = await self._post("message", body)
        message: Json = answer["message"]
        return message

    async def command(self, person: Person, channel: Channel, *, line: str) -> None:
        """Type *line*, such as "/andon status", and wait until the bot has answered it."""
        command, _, text = line.partition(" ")
        body = {"user": person.id, "channel": channel.id, "command": command, "text": text}
        await self._post("command", body)

    async def click(self, person: Person, message: Json, *, action: str, value: str | None = None) -> None:
        """
        Press or choose the element *action* of *message*, and wait until the bot has answered.

        *value* picks the option of a menu, or one of several buttons with the same action id.
        """
        await self.forge(person, message, action=_chosen(message.get("blocks", ()), action, value))

    async def forge(self, person: Person, message: Json, *, action: Json) -> None:
        """Send *action* as if *person* had taken it, whether or not *message* offers it."""
        where = {"channel": message["channel"], "messageTs": message["ts"]}
        await self._post("interact", where | {"user": person.id, "action": action})

    async def open_home(self, person: Person) -> Json:
        """Open the app's Home as *person*; return the view that the bot then publishes for them."""
        async with _Page.of(self) as page:
            await page.send("open_home", {"user": person.id})
            return await page.published(person)

    async def click_home(self, person: Person, *, action: str, value: str | None = None) -> None:
        """Press or choose the element *action* of the Home of *person*."""
        async with _Page.of(self) as page:
            blocks = (page.home(person) or {}).get("blocks", ())
            chosen = _chosen(blocks, action, value)
            await page.send(
                "block_action", {"user": person.id, "channel": "", "messageTs": "", "action": chosen}
            )
            await page.answered()

    async def views(self) -> Sequence[Json]:
        """Return the open forms, the top one last. local-slack has one stack for everybody."""
        async with _Page.of(self) as page:
            return page.views

    async def view(self, text: str) -> Json:
        """Return the top form once it says *text*: a bot may open it first and fill it after."""
        async with _Page.of(self) as page:
            return await page.top(text)

    async def submit(self, person: Person, filled: Mapping[str, Filled] | None = None) -> Submitted:
        """
        Submit the top form as *person*; return what the bot made of it.

        *filled* maps block ids to a text, an option's value, or several. A block left out sends its
        initial value, as Slack does.
        """
        async with _Page.of(self) as page:
            values = _state((await page.top())["blocks"], filled or {})
            await page.send("view_submit", {"user": person.id, "values": values})
            await page.answered()
            return await page.outcome()

    async def close_view(self, person: Person) -> None:
        """Close the form as *person*. local-slack closes the whole stack."""
        async with _Page.of(self) as page:
            await page.send("view_close", {"user": person.id})
            await page.outcome()

    async def messages(self, channel: Channel | str) -> list[Json]:
        """Return everything in *channel* (or a channel id), replies and ephemerals too, oldest first."""
        return list((await self._get(f"messages/{_id(channel)}"))["messages"])

    async def direct_messages(self, person: Person) -> list[Json]:
        """Return what the bot and *person* wrote to each other, oldest first."""
        channels = (await self._get("state"))["channels"]
        ids = [each["id"] for each in channels if each["is_im"] and person.id in each["members"]]
        return [message for channel_id in ids for message in await self.messages(channel_id)]

    async def message(self, channel: Channel | str, text: str, *, within: float = _ANSWERS_WITHIN) -> Json:
        """Return the newest message of *channel* that says *text*, waiting *within* seconds for it."""
        try:
            async with asyncio.timeout(within):
                while True:
                    for message in reversed(await self.messages(channel)):
                        if text in _words(message):
                            return message
                    await asyncio.sleep(0.05)
        except TimeoutError as silent:
            said = [_words(message) for message in await self.messages(channel)]
            raise LookupError(f"nobody said {text!r}; there is {said}") from silent

    async def log(self) -> list[Json]:
        """Return the traffic with the bot (the last 1,000 entries), oldest first."""
        return list((await self._get("log"))["log"])

    async def reset(self) -> None:
        """Forget every message, form, Home and log entry."""
        await self._post("reset", {})

    async def _get(self, route: str) -> Json:
        async with self.http.get(f"/_control/{route}", raise_for_status=True) as answer:
            return _object(await answer.json())

    async def _post(self, route: str, body: Json) -> Json:
        async with self.http.post(f"/_control/{route}", json=body, raise_for_status=True) as answer:
            return _object(await answer.json())


@dataclass(slots=True, kw_only=True)
class _Page:
    """One connection of the kind that local-slack's own page holds, with the state it was told."""

    socket: aiohttp.ClientWebSocketResponse
    state: Json

    @classmethod
    @asynccontextmanager
    async def of(cls, workspace: Workspace) -> AsyncIterator["_Page"]:
        try:
            async with (
                asyncio.timeout(_ANSWERS_WITHIN),
                workspace.http.ws_connect("/ui", max_msg_size=0) as socket,
            ):
                yield cls(socket=socket, state=(await socket.receive_json())["state"])
        except TimeoutError as silent:
            raise LookupError(f"nothing of the kind came within {_ANSWERS_WITHIN:g} s") from silent

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


def _object(answer: object) -> Json:
    if not isinstance(answer, dict):
        raise TypeError(f"local-slack answered {answer!r}")
    return answer


def _id(channel: Channel | str) -> str:
    return channel if isinstance(channel, str) else channel.id


def _words(message: Json) -> str:
    return f"{message.get('text', '')}\n{json.dumps(message.get('blocks', ()), ensure_ascii=False)}"


def _chosen(blocks: Sequence[Json], action_id: str, value: str | None) -> Json:
    """Return the action that a browser sends for the element *action_id* of *blocks*."""
    offered = []
    for index, block in enumerate(blocks):
        for element in (*block.get("elements", ()), block.get("accessory") or {}):
            offered.append(element.get("action_id"))
            if element.get("action_id") == action_id and (action := _taken(element, value)):
                return action | {"action_id": action_id, "block_id": block.get("block_id", f"b{index}")}
    raise LookupError(f"there is no {action_id!r} with value {value!r}, only {offered}")


def _taken(element: Json, value: str | None) -> Json | None:
    if element["type"] != "button":
        option = next((each for each in element.get("options", ()) if each["value"] == value), None)
        return option and {"type": element["type"], "selected_option": option}
    if value is not None and element.get("value") != value:
        return None
    return {"type": "button", "value": element.get("value"), "text": element["text"]}


def _state(blocks: Sequence[Json], filled: Mapping[str, Filled]) -> Json:
    """Return the `state.values` of a form's *blocks* with *filled* typed in."""
    inputs = {block["block_id"]: block["element"] for block in blocks if block["type"] == "input"}
    if unknown := filled.keys() - inputs.keys():
        raise LookupError(f"the form has no {sorted(unknown)}, only {sorted(inputs)}")
    return {
        block_id: {element["action_id"]: _value(element, filled.get(block_id))}
        for block_id, element in inputs.items()
    }


def _value(element: Json, filled: Filled | None) -> Json:
    kind = element["type"]
    match kind:
        case "static_select" | "radio_buttons":
            choice = element.get("initial_option") if filled is None else _option(element, str(filled))
            return {"type": kind, "selected_option": choice}
        case "checkboxes":
            initial = element.get("initial_options", [])
            picked = initial if filled is None else [_option(element, each) for each in filled]
            return {"type": kind, "selected_options": picked}
        case "datepicker":
            return {"type": kind, "selected_date": element.get("initial_date") if filled is None else filled}
        case _:
            return {"type": kind, "value": element.get("initial_value") if filled is None else filled}


def _option(element: Json, value: str) -> Json:
    offered: dict[str, Json] = {option["value"]: option for option in element["options"]}
    if value not in offered:
        raise LookupError(f"there is no option {value!r}, only {sorted(offered)}")
    return offered[value]
