"""The outbox relay to Slack: renders each row from the newest state at the moment it is sent."""

from datetime import timedelta
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.outgoing.pacing import ChannelPacing
from bot.slack.outgoing.posted import Place, Posted, mark
from bot.slack.render.block_kit.blocks import Message
from bot.slack.render.presenter import Presenter
from bot.slack.web_api import AWAY, error_code, is_busy, is_rate_limit, may_pass, without_secrets
from escalation.authority import Account
from escalation.clock import Clock
from escalation.ids import PersonId
from escalation.ports import (
    Delivered,
    Delivery,
    Dossier,
    Impossible,
    OutboxKind,
    Outgoing,
    TryLater,
    Turn,
    Unposted,
)

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
        self._posted = Posted(slack, presenter)

    async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        """Send *outgoing* and return whether it was delivered, is to be retried, or never can be."""
        try:
            return await self._carry(outgoing, about)
        except SlackApiError as error:
            return _refused(error, to_a_person=outgoing.lane.startswith("@"))
        except AWAY as error:
            # A connection that never came about carried nothing.
            unsure = not isinstance(error, aiohttp.ClientConnectorError)
            why = without_secrets(f"{type(error).__name__}: {error}")
            return TryLater(why=why, away=True, unsure=unsure)

    async def _carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        now = self._clock.now()
        if outgoing.twin is not None and about is not None and about.card is not None:
            await self._posted.close(outgoing.twin, about.card)
            return Delivered(channel=outgoing.twin.channel, ts=outgoing.twin.ts)
        if outgoing.kind is OutboxKind.CARD:
            if about is None:
                return Impossible(why="the request is gone")
            return await self._card(outgoing, about, self._presenter.card(about, now=now))
        if outgoing.kind is OutboxKind.THREAD and outgoing.turn is not Turn.SUMMARY:
            return await self._thread(outgoing, about, self._presenter.notice(outgoing, about, now=now))
        channel = await self._channel(outgoing)
        if channel is None:
            return Impossible(why="this person has no account in Slack")
        await self._presenter.permalinks.learn(self._slack)
        return await self._post(outgoing, Place(channel), self._presenter.notice(outgoing, about, now=now))

    async def _card(self, outgoing: Outgoing, about: Dossier, message: Message) -> Delivery:
        place = Place(about.request.channel)
        card = about.card
        if card is None:
            card = await self._posted.card(outgoing, about.request.id, place)
            if card is None and about.request.state.is_settled:
                return Unposted()
        if card is None:
            return await self._say(outgoing, place, message)
        try:
            await self._slack.chat_update(channel=card.channel, ts=card.ts, **_content(message))
        except SlackApiError as error:
            if error_code(error) not in _ALREADY_GONE:
                raise
            # Somebody deleted it: people still have to be able to decide, and to see the outcome.
            return await self._post(outgoing, place, message)
        return Delivered(channel=card.channel, ts=card.ts)

    async def _thread(self, outgoing: Outgoing, about: Dossier | None, message: Message) -> Delivery:
        if about is None:
            return Impossible(why="the request is gone")
        if about.card is None:
            # The card comes first in the same lane; if it failed, its thread waits for it.
            if about.request.state.is_settled and outgoing.card_in_doubt is None:
                return Unposted()
            return TryLater(why="the card is not posted yet", alone=True)
        return await self._post(outgoing, Place(about.card.channel, about.card.ts), message)

    async def _post(self, outgoing: Outgoing, place: Place, message: Message) -> Delivery:
        """Post it, unless an attempt before did and was not heard of."""
        stands = await self._posted.message(outgoing, place)
        if stands is None:
            return await self._say(outgoing, place, message)
        if outgoing.turn is Turn.SUMMARY:
            # More may have been folded into it since.
            await self._slack.chat_update(channel=stands.channel, ts=stands.ts, **_content(message))
        return stands

    async def _say(self, outgoing: Outgoing, place: Place, message: Message) -> Delivery:
        await self._pacing.turn(place.channel)
        answer = await self._slack.chat_postMessage(
            channel=place.channel,
            thread_ts=place.thread,
            unfurl_links=False,
            unfurl_media=False,
            metadata=mark(outgoing),
            **_content(message),
        )
        ts = answer.get("ts")
        if not ts:
            return TryLater(why="Slack confirmed no ts", unsure=True)
        return Delivered(channel=str(answer.get("channel", place.channel)), ts=str(ts))

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


_OF_THE_PERSON = frozenset({"account_inactive", "missing_scope", "accesslimited"})


def _content(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def _refused(error: SlackApiError, *, to_a_person: bool) -> Delivery:
    code = error_code(error)
    # Of our token or of the person, Slack does not say; nor whether a scope is missing for everything, or
    # for direct messages alone. Whoever else can be told is told.
    if not may_pass(error) or (to_a_person and code in _OF_THE_PERSON):
        return Impossible(why=code)
    headers = error.response.headers if error.response is not None else {}
    asked = str(headers.get("Retry-After", headers.get("retry-after", "")))
    after = timedelta(seconds=int(asked)) if asked.isdigit() else None
    _log.warning("slack_refused_message", error=code, retry_after=asked or None)
    limited = is_rate_limit(error)
    return TryLater(why=code, after=after, away=not limited, unsure=is_busy(error) and not limited)
