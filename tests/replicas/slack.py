"""Slack's client over the wire to the process that keeps the fake Slack; all else is slack_sdk's own."""

import asyncio
from itertools import count
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from tests.harness.fake_slack import BOT_TOKEN
from tests.replicas.wire import FromSlack, ToSlack, Wire


class WiredSlack(AsyncWebClient):
    """A client whose calls are answered by whoever is at the other end of *wire*."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(token=BOT_TOKEN)
        self._wire = wire
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    def hear(self, heard: FromSlack) -> None:
        """Take an answer in."""
        self._waiting.pop(heard.number).set_result(heard.answer)

    async def api_call(self, api_method: str, **given: Any) -> AsyncSlackResponse:
        """Call Slack, and raise what slack_sdk raises."""
        arguments = {**(given.get("params") or {}), **(given.get("data") or {}), **(given.get("json") or {})}
        known = {name: value for name, value in arguments.items() if value is not None}
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._wire.write(ToSlack(number, api_method, known))
        answered = AsyncSlackResponse(
            client=self,
            http_verb="POST",
            api_url=api_method,
            req_args={},
            data=await self._waiting[number],
            headers={},
            status_code=200,
        )
        found: AsyncSlackResponse = answered.validate()  # type: ignore[no-untyped-call]  # slack_sdk's
        return found
