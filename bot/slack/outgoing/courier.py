"""The outbox relay to Slack: renders each row from the newest state at the moment it is sent."""

from datetime import timedelta
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.outgoing.pacing import ChannelPacing
from bot.slack.render.block_kit.blocks import Message
from bot.slack.render.presenter import Presenter
from bot.slack.web_api import AWAY, error_code, may_pass, without_secrets
from escalation.authority import Account
from escalation.clock import Clock
from escalation.ids import PersonId
from escalation.ports import Delivered, Delivery, Dossier, Impossible, OutboxKind, Outgoing, TryLater

_log = structlog.get_logger(__name__)
_ALREADY_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


class SlackCourier:
    """The courier port, over Slack's Web API."""

    def __init__(
        self, slack: AsyncWebClient, presenter: Presenter, clock: Clock, pacing: ChannelPacing
    ) -> None:
        self._slack = slack
        self._presenter = presenter
        self._clock = clock
        self._pacing = pacing

    async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        """Send *outgoing* and return whether it was delivered, is to be retried, or never can be."""
        try:
            return await self._carry(outgoing, about)
        except SlackApiError as error:
            return _refused(error)
        except AWAY as error:
            return TryLater(why=without_secrets(f"{type(error).__name__}: {error}"))

    async def _carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        now = self._clock.now()
        if outgoing.kind is OutboxKind.CARD:
            if about is None:
                return Impossible(why="the request is gone")
            return await self._card(about, self._presenter.card(about, now=now))
        if outgoing.kind is OutboxKind.THREAD:
            return await self._thread(about, self._presenter.notice(outgoing, about, now=now))
        channel = await self._channel(outgoing)
        if channel is None:
            return Impossible(why="this person has no account in Slack")
        await self._presenter.permalinks.learn(self._slack)
        return await self._post(channel, self._presenter.notice(outgoing, about, now=now))

    async def _card(self, about: Dossier, message: Message) -> Delivery:
        card = about.card
        if card is None:
            return await self._post(about.request.channel, message)
        try:
            await self._slack.chat_update(channel=card.channel, ts=card.ts, **_content(message))
        except SlackApiError as error:
            if error_code(error) not in _ALREADY_GONE:
                raise
            # Somebody deleted it: people still have to be able to decide, and to see the outcome.
            return await self._post(about.request.channel, message)
        return Delivered(channel=card.channel, ts=card.ts)

    async def _thread(self, about: Dossier | None, message: Message) -> Delivery:
        if about is None:
            return Impossible(why="the request is gone")
        if about.card is None:
            # The card comes first in the same lane; if it failed, its thread waits for it.
            settled = about.request.state.is_settled
            return Impossible(why="never posted") if settled else TryLater(why="the card is not posted yet")
        return await self._post(about.card.channel, message, thread_ts=about.card.ts)

    async def _post(self, channel: str, message: Message, *, thread_ts: str | None = None) -> Delivery:
        await self._pacing.turn(channel)
        answer = await self._slack.chat_postMessage(
            channel=channel,
            thread_ts=thread_ts,
            unfurl_links=False,
            unfurl_media=False,
            **_content(message),
        )
        ts = answer.get("ts")
        if not ts:
            return TryLater(why="Slack confirmed no ts")
        return Delivered(channel=str(answer.get("channel", channel)), ts=str(ts))

    async def _channel(self, outgoing: Outgoing) -> str | None:
        if not outgoing.lane.startswith("@"):
            return outgoing.lane
        account = self._account(PersonId(outgoing.lane[1:]))
        if account is None:
            return None
        answer = await self._slack.conversations_open(users=[account.user])
        return str(answer["channel"]["id"])

    def _account(self, person: PersonId) -> Account | None:
        """Return the account of *person* in our workspace."""
        configuration = self._presenter.configuration()
        known = configuration.directory.people.get(person)
        return None if known is None else known.account_in(configuration.tenant)


def _content(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def _refused(error: SlackApiError) -> Delivery:
    code = error_code(error)
    if not may_pass(error):
        return Impossible(why=code)
    headers = error.response.headers if error.response is not None else {}
    asked = str(headers.get("Retry-After", headers.get("retry-after", "")))
    after = timedelta(seconds=int(asked)) if asked.isdigit() else None
    _log.warning("slack_refused_message", error=code, retry_after=asked or None)
    return TryLater(why=code, after=after)
