"""What every listener needs: the core, Slack's Web API, and a way to answer one person alone."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeAlias

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.listeners.payload import account, channel
from bot.slack.render import private_replies
from bot.slack.render.block_kit.blocks import Block, Message
from bot.slack.render.presenter import Presenter
from bot.slack.signed_request import Body, SignedRequest
from bot.slack.web_api import AWAY, error_code
from bot.wording.view import View
from escalation.authority import Account, Person
from escalation.clock import Clock
from escalation.errors import EscalationError, Unreadable
from escalation.ports import Dossier
from escalation.service import doctor
from escalation.service.context import Core

_log = structlog.get_logger(__name__)

#: What an acknowledgement carries besides "taken": for a submitted modal, what becomes of it.
Ack: TypeAlias = Mapping[str, Any]
TAKEN: Final[Ack] = {}


class HomeState(Enum):
    """How a Home tab that was opened stands."""

    CURRENT = "shows every click"
    UPDATING = "is being updated"
    STALE = "is being updated, and was clicked since"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerContext:
    """What a listener works with."""

    core: Core
    slack: AsyncWebClient
    presenter: Presenter
    clock: Clock
    hampered: Callable[[], Sequence[str]] = tuple  #: What this process suffers from, line by line.
    homes: dict[Account, HomeState] = field(default_factory=dict, repr=False)  #: Of those who opened it.
    _background: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    def in_background(self, call: Coroutine[Any, Any, Any]) -> None:
        """Run *call* beside the acknowledgement, best effort: what must arrive goes through the outbox."""
        task = asyncio.create_task(_best_effort(call))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def drain(self) -> None:
        """Return once every background task that was begun is over."""
        if self._background:
            await asyncio.gather(*self._background, return_exceptions=True)

    def person(self, body: Body) -> Person | None:
        """Return the person behind *body*."""
        return self.core.configuration().directory.whose(account(body))

    def view(self, about: Dossier) -> View:
        """Return *about* as it is shown now."""
        return self.presenter.view(about, now=self.clock.now())

    def open_modal(self, body: Body, view: Block) -> None:
        """Open *view* for whoever clicked."""
        self.in_background(self.slack.views_open(trigger_id=body["trigger_id"], view=view))

    def reply_privately(self, body: Body, message: Message) -> None:
        """Answer whoever clicked, so that only they see it."""
        self.in_background(self._reply_privately(body, message))

    async def _reply_privately(self, body: Body, message: Message) -> None:
        where, user = channel(body), account(body).user
        content: dict[str, Any] = {"text": message.text, "blocks": list(message.blocks)}
        if where is not None:
            try:
                await self.slack.chat_postEphemeral(channel=where, user=user, **content)
            except SlackApiError as error:
                # We are not in that channel (a command works anywhere): send a direct message.
                _log.info("private_reply_goes_direct", error=error_code(error))
            else:
                return
        opened = await self.slack.conversations_open(users=[user])
        await self.slack.chat_postMessage(channel=opened["channel"]["id"], **content)


#: Takes one request: runs a use case to its commit, and returns what is acknowledged.
Handler: TypeAlias = Callable[[ListenerContext, SignedRequest], Awaitable[Ack]]


async def answered(context: ListenerContext, request: SignedRequest, handler: Handler) -> Ack:
    """Return what *handler* makes of *request*; where that cannot be read, say so and tell the operators."""
    try:
        return await handler(context, request)
    except Unreadable as error:
        _log.warning("click_on_unreadable_row", kind=error.kind, id=error.id, why=error.why)
        await doctor.note(context.core)
        context.reply_privately(request.body, private_replies.unreadable())
        return TAKEN


async def _best_effort(call: Coroutine[Any, Any, Any]) -> None:
    try:
        await call
    except SlackApiError as error:
        _log.warning("courtesy_refused", error=error_code(error))
    except (EscalationError, *AWAY) as error:
        _log.warning("courtesy_failed", error=type(error).__name__)
