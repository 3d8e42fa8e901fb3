"""
A client that acts for the people of a local Slack: they talk, click, fill in forms and read.

What a click carries is taken from the message itself, as a browser would take it; `forge` is for
clicks that no browser would send. Forms and App Home clicks travel over the page's own WebSocket,
because local-slack's control API has no route for them.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from deploy.demo.channels import Channel
from deploy.demo.interactions import Filled, Json, chosen_action, form_values
from deploy.demo.page_socket import ANSWERS_WITHIN, PageSocket, Submitted
from deploy.demo.people import Person


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
        await self.forge(person, message, action=chosen_action(message.get("blocks", ()), action, value))

    async def forge(self, person: Person, message: Json, *, action: Json) -> None:
        """Send *action* as if *person* had taken it, whether or not *message* offers it."""
        where = {"channel": message["channel"], "messageTs": message["ts"]}
        await self._post("interact", where | {"user": person.id, "action": action})

    async def open_home(self, person: Person) -> Json:
        """Open the app's Home as *person*; return the view that the bot then publishes for them."""
        async with PageSocket.of(self.http) as page:
            await page.send("open_home", {"user": person.id})
            return await page.published(person)

    async def click_home(self, person: Person, *, action: str, value: str | None = None) -> None:
        """Press or choose the element *action* of the Home of *person*."""
        async with PageSocket.of(self.http) as page:
            blocks = (page.home(person) or {}).get("blocks", ())
            chosen = chosen_action(blocks, action, value)
            await page.send(
                "block_action", {"user": person.id, "channel": "", "messageTs": "", "action": chosen}
            )
            await page.answered()

    async def views(self) -> Sequence[Json]:
        """Return the open forms, the top one last. local-slack has one stack for everybody."""
        async with PageSocket.of(self.http) as page:
            return page.views

    async def view(self, text: str) -> Json:
        """Return the top form once it says *text*: a bot may open it first and fill it after."""
        async with PageSocket.of(self.http) as page:
            return await page.top(text)

    async def submit(self, person: Person, filled: Mapping[str, Filled] | None = None) -> Submitted:
        """
        Submit the top form as *person*; return what the bot made of it.

        *filled* maps block ids to a text, an option's value, or several. A block left out sends its
        initial value, as Slack does.
        """
        async with PageSocket.of(self.http) as page:
            values = form_values((await page.top())["blocks"], filled or {})
            await page.send("view_submit", {"user": person.id, "values": values})
            await page.answered()
            return await page.outcome()

    async def close_view(self, person: Person) -> None:
        """Close the form as *person*. local-slack closes the whole stack."""
        async with PageSocket.of(self.http) as page:
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

    async def message(self, channel: Channel | str, text: str, *, within: float = ANSWERS_WITHIN) -> Json:
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


def _object(answer: object) -> Json:
    if not isinstance(answer, dict):
        raise TypeError(f"local-slack answered {answer!r}")
    return answer


def _id(channel: Channel | str) -> str:
    return channel if isinstance(channel, str) else channel.id


def _words(message: Json) -> str:
    return f"{message.get('text', '')}\n{json.dumps(message.get('blocks', ()), ensure_ascii=False)}"
