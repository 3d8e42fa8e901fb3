"""The addresses of cards: made from the workspace's own, which Slack tells once."""

import re

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.web_api import AWAY
from escalation.ports import Card

_log = structlog.get_logger(__name__)
#: ``https://WORKSPACE.slack.com/``; a local stand-in has a port, and no TLS.
_WORKSPACE = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?/")
_CHANNEL = re.compile(r"[A-Z0-9]+")
_TS = re.compile(r"[0-9]+\.[0-9]+")


class Permalinks:
    """Makes the address of a card without a call to Slack, once the workspace's address is known."""

    def __init__(self, workspace: str = "") -> None:
        self._workspace: str | None = None
        self._known = False
        if workspace:
            self._learned(workspace)

    def of(self, card: Card | None) -> str | None:
        """Return the address of *card*, as ``chat.getPermalink`` would; None where it cannot be known."""
        if card is None or self._workspace is None:
            return None
        if _CHANNEL.fullmatch(card.channel) is None or _TS.fullmatch(card.ts) is None:
            return None
        return f"{self._workspace}archives/{card.channel}/p{card.ts.replace('.', '')}"

    async def learn(self, slack: AsyncWebClient) -> None:
        """Ask Slack for the workspace's address, unless it told: it may have been away while we started."""
        if self._known:
            return
        try:
            answer = await slack.auth_test()
        except (SlackApiError, *AWAY) as error:
            # The message itself will show whether Slack is back; a link is not worth holding it up.
            _log.info("permalinks_unknown", error=type(error).__name__)
            return
        self._learned(str(answer.get("url") or ""))

    def _learned(self, workspace: str) -> None:
        self._known = True
        self._workspace = workspace if _WORKSPACE.fullmatch(workspace) else None
