"""Finds cards and private answers in the local Slack, and what stands on them."""

import asyncio
import json
from contextlib import suppress
from typing import Final

from deploy.demo.channels import Channel
from deploy.demo.interactions import Json
from deploy.demo.processes import DidNotWork
from deploy.demo.workspace import Workspace

WITHIN: Final = 15.0  #: Seconds that anything in the demo may take to appear.


class Unexpected(DidNotWork):
    """A scene went otherwise than it should."""


async def newest_card(slack: Workspace, channel: Channel, text: str) -> Json:
    """Return the newest card (not a reply, not a private answer) of *channel* that says *text*."""
    async with asyncio.timeout(WITHIN):
        while True:
            for message in reversed(await slack.messages(channel)):
                top = message.get("thread_ts") in {None, message["ts"]} and not message.get("ephemeral_to")
                if top and text in json.dumps(message, ensure_ascii=False):
                    return message
            await asyncio.sleep(0.1)


async def private_message(slack: Workspace, user: str, channel: Channel, text: str) -> Json:
    """Return the newest message that only *user* sees and that says *text*."""
    with suppress(TimeoutError):
        async with asyncio.timeout(WITHIN):
            while True:
                for message in reversed(await slack.messages(channel)):
                    said = text in json.dumps(message, ensure_ascii=False)
                    if said and message.get("ephemeral_to") == user:
                        return message
                await asyncio.sleep(0.1)
    raise Unexpected(f"{user} was never told {text!r}")


def _elements(card: Json) -> list[Json]:
    return [element for block in card.get("blocks", ()) for element in block.get("elements", ())]


def offers(card: Json, action: str) -> bool:
    return any(element.get("action_id") == action for element in _elements(card))


def input_showing(form: Json, value: str) -> str:
    """Return the block of *form* whose input shows *value*."""
    for block in form["blocks"]:
        if block.get("element", {}).get("initial_value") == value:
            return str(block["block_id"])
    raise Unexpected(f"no input shows {value!r}")


def button(card: Json, text: str) -> str:
    """Return the action of *card*'s button that says *text*."""
    for element in _elements(card):
        if element["type"] == "button" and text in element["text"]["text"]:
            return str(element["action_id"])
    raise Unexpected(f"no button says {text!r}")


def request_id(card: Json) -> str:
    for part in json.dumps(card).replace('"', " ").replace(":", " ").replace("|", " ").split():
        if part.startswith("req_") and len(part) == len("req_") + 26:
            return part
    raise Unexpected("the card names no request")
