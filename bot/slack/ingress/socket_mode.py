"""Socket Mode: Slack's events over a connection that we open, for those without a public URL."""

import asyncio
import hashlib
import logging

import structlog
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.signed_request import Dispatch, SignedRequest
from bot.slack.web_api import AWAY, error_code
from escalation.clock import monotonic

_log = structlog.get_logger(__name__)
#: Timeout of one attempt to connect, in seconds. The client by itself would retry the same address for
#: ever, although its ticket expires soon; the next attempt asks for a new one.
_CONNECT_TIMEOUT = 10.0


class SocketMode:
    """Hands what arrives on the socket to its listener, and acknowledges it only after that is done."""

    def __init__(self, dispatch: Dispatch, *, app_token: str, slack: AsyncWebClient) -> None:
        self._dispatch = dispatch
        # The client's own words quote addresses that hold a ticket; what matters is said by ``mend``.
        silent = logging.getLogger("andon.socket_mode")
        silent.setLevel(logging.CRITICAL)
        self._client = SocketModeClient(
            app_token=app_token, logger=silent, web_client=slack, ping_interval=10
        )
        self._client.socket_mode_request_listeners.append(self._take)

    async def start(self) -> None:
        """Connect, if Slack is there; if not, agents are served all the same, and ``mend`` connects."""
        await self.mend()

    async def is_connected(self) -> bool:
        """Return whether the socket is open and answers pings."""
        return await self._client.is_connected()

    async def mend(self) -> None:
        """Reconnect if there is no connection, or one that answers no pings. Never raises."""
        try:
            if await self.is_connected():
                return
            _log.info("socket_mode_connects")
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                await self._client.connect_to_new_endpoint(force=True)
        except SlackApiError as error:
            _log.warning("socket_mode_refused", error=error_code(error))
        except AWAY as error:
            _log.warning("socket_mode_away", error=type(error).__name__)
        # Whatever went wrong, the watch goes on: a dead connection would lose clicks until the next start.
        except Exception as error:  # noqa: BLE001 - see above
            _log.error("socket_mode_failed", error=type(error).__name__)

    async def stop(self) -> None:
        """Disconnect."""
        await self._client.close()  # type: ignore[no-untyped-call]  # the SDK does not type it

    async def _take(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        # The envelope's id takes the part of the signature: Slack redelivers an envelope under the same one.
        fingerprint = hashlib.sha256(f"socket:{request.envelope_id}".encode()).hexdigest()
        signed = SignedRequest(body=request.payload, fingerprint=fingerprint)
        response = await self._dispatch(signed)
        # Anything but 200 is not acknowledged: Slack shows the person that it was not taken.
        await send_async_response(client, request, response, monotonic())
