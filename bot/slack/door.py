"""What every listener needs: who clicked, the core, and a way to answer that person alone."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client import AWAY, error_code
from bot.slack.guard import INGRESS_HEADER
from bot.slack.render.block_kit.blocks import Block, Message
from bot.slack.render.presenter import Presenter
from escalation.authority import Account, Person
from escalation.clock import Clock
from escalation.errors import EscalationError
from escalation.service.context import Click, Core

_log = structlog.get_logger(__name__)
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Slack's side of the house."""

    core: Core
    slack: AsyncWebClient
    drawing: Presenter
    clock: Clock
    homes: set[Account] = field(default_factory=set, repr=False)  #: Who opened their Home tab here.
    _pending: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    def later(self, courtesy: Coroutine[Any, Any, Any]) -> None:
        """Do *courtesy* after the acknowledgement: a nicety that may be lost, never a promise."""
        task = asyncio.create_task(_quietly(courtesy))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def settle(self) -> None:
        """Return once every courtesy that was begun is over."""
        if self._pending:
            await asyncio.gather(*self._pending, return_exceptions=True)

    def who(self, body: Body) -> Person | None:
        """Return the person behind *body*."""
        return self.core.configuration().directory.whose(account(body))

    def open(self, body: Body, view: Block) -> None:
        """Open *view* for whoever clicked."""
        self.later(self.slack.views_open(trigger_id=body["trigger_id"], view=view))

    def whisper(self, body: Body, message: Message) -> None:
        """Answer whoever clicked, so that only they see it."""
        self.later(self._whisper(body, message))

    async def _whisper(self, body: Body, message: Message) -> None:
        channel, user = _channel(body), account(body).user
        content: dict[str, Any] = {"text": message.text, "blocks": list(message.blocks)}
        if channel is not None:
            try:
                await self.slack.chat_postEphemeral(channel=channel, user=user, **content)
            except SlackApiError as error:
                # We are not in that channel (a command works anywhere): tell them directly.
                _log.info("whisper_goes_direct", error=error_code(error))
            else:
                return
        opened = await self.slack.conversations_open(users=[user])
        await self.slack.chat_postMessage(channel=opened["channel"]["id"], **content)


def account(body: Body) -> Account:
    """Return the account in a verified *body*: the user's own workspace, not the one it happened in."""
    if "user_id" in body:
        return Account(workspace=str(body.get("team_id", "")), user=str(body["user_id"]))
    user = body.get("user")
    if isinstance(user, Mapping):
        team = user.get("team_id") or (body.get("team") or {}).get("id")
        return Account(workspace=str(team or ""), user=str(user.get("id", "")))
    event = body.get("event") or {}
    return Account(workspace=str(body.get("team_id", "")), user=str(event.get("user", "")))


def click(request: Any, body: Body, what: str) -> Click:
    """Return the click that the signed *request* (Bolt's) carried."""
    fingerprints = request.headers.get(INGRESS_HEADER) or []
    if len(fingerprints) != 1:
        raise LookupError("a click without a verified ingress reached a listener")
    return Click(account=account(body), fingerprint=str(fingerprints[0]), what=what)


def _channel(body: Body) -> str | None:
    if "channel_id" in body:
        return str(body["channel_id"])
    channel = (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id")
    return None if channel is None else str(channel)


async def _quietly(courtesy: Coroutine[Any, Any, Any]) -> None:
    try:
        await courtesy
    except SlackApiError as error:
        _log.warning("courtesy_refused", error=error_code(error))
    except (EscalationError, *AWAY) as error:
        _log.warning("courtesy_failed", error=type(error).__name__)
