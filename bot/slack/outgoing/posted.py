"""
Finds out whether Slack took a message without our hearing of it, so that none is posted twice.

Each message carries in its metadata which row of the outbox it came from, and a card its request.
Without the scopes to read a channel nothing is found, and what is in doubt is posted again.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.render.presenter import Presenter
from bot.slack.web_api import error_code, is_busy
from escalation.ids import RequestId
from escalation.ports import Card, Delivered, OutboxKind, Outgoing

_log = structlog.get_logger(__name__)

_EVENT: Final = "andon_message"
#: Of a card that stood twice, the one that was closed.
_CLOSED: Final = "andon_closed"
#: How far Slack's clock may be behind the store's.
_SKEW: Final = timedelta(minutes=1)
_PAGE: Final = 200
#: Pages read of one channel, newest first; what stands further back is taken as not there.
_PAGES: Final = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message is posted: a channel, or a thread in it."""

    channel: str
    thread: str | None = None


def mark(outgoing: Outgoing) -> dict[str, Any]:
    """Return the metadata that *outgoing* is found by."""
    payload: dict[str, str] = {"row": outgoing.id}
    if outgoing.kind is OutboxKind.CARD and outgoing.request is not None:
        payload["card"] = outgoing.request
    return {"event_type": _EVENT, "event_payload": payload}


class Posted:
    """What stands in Slack, by our marks."""

    def __init__(self, slack: AsyncWebClient, presenter: Presenter) -> None:
        self._slack = slack
        self._presenter = presenter

    async def message(self, outgoing: Outgoing, place: Place) -> Delivered | None:
        """Return where *outgoing* stands, if an attempt before this one posted it."""
        since = outgoing.at if outgoing.may_stand else None
        async for ts in self._found(place, since, "row", outgoing.id):
            return Delivered(channel=place.channel, ts=ts)
        return None

    async def card(self, outgoing: Outgoing, request: RequestId, place: Place) -> Card | None:
        """Return the card of *request*, if an attempt before this one posted it; close its twins."""
        own = outgoing.at if outgoing.may_stand else None
        since = min((at for at in (own, outgoing.card_in_doubt) if at is not None), default=None)
        found = sorted([ts async for ts in self._found(place, since, "card", request)])
        if not found:
            return None
        stands, *twins = found
        for twin in twins:
            await self._close_if_it_stands(place.channel, twin, stands)
        return Card(request=request, channel=place.channel, ts=stands)

    async def close(self, twin: Card, stands: Card) -> None:
        """Close *twin*, which another process posted beside the card that *stands*."""
        await self._close_if_it_stands(twin.channel, twin.ts, stands.ts)

    async def _found(self, place: Place, since: datetime | None, key: str, value: str) -> AsyncIterator[str]:
        if since is None:
            return
        async for message in self._messages(place, str((since - _SKEW).timestamp())):
            marked = message.get("metadata") or {}
            payload = marked.get("event_payload") or {}
            if marked.get("event_type") == _EVENT and payload.get(key) == value:
                yield str(message["ts"])

    async def _messages(self, place: Place, oldest: str) -> AsyncIterator[Mapping[str, Any]]:
        cursor = ""
        for _ in range(_PAGES):
            try:
                answer = await self._page(place, oldest, cursor)
            except SlackApiError as error:
                if is_busy(error):
                    raise
                _log.warning("channel_not_readable", channel=place.channel, error=error_code(error))
                return
            for message in answer.get("messages", ()):
                yield message
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return

    async def _page(self, place: Place, oldest: str, cursor: str) -> Any:
        where: dict[str, Any] = {
            "channel": place.channel,
            "oldest": oldest,
            "cursor": cursor or None,
            "limit": _PAGE,
        }
        if place.thread is None:
            return await self._slack.conversations_history(include_all_metadata=True, **where)
        return await self._slack.conversations_replies(ts=place.thread, include_all_metadata=True, **where)

    async def _close_if_it_stands(self, channel: str, twin: str, stands: str) -> None:
        try:
            await self._close(channel, twin, stands)
        except SlackApiError as error:
            if is_busy(error):
                raise
            # Somebody deleted it, or it cannot be changed: the card that counts stands all the same.
            _log.warning("twin_not_closed", channel=channel, error=error_code(error))

    async def _close(self, channel: str, twin: str, stands: str) -> None:
        link = await self._slack.chat_getPermalink(channel=channel, message_ts=stands)
        message = self._presenter.twin(str(link.get("permalink", "")))
        await self._slack.chat_update(
            channel=channel,
            ts=twin,
            text=message.text,
            blocks=list(message.blocks),
            metadata={"event_type": _CLOSED, "event_payload": {"stands": stands}},
        )
