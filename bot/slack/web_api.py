"""Slack's Web API: a client with few retries, a connection pool, and what Slack's errors mean."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

from escalation.errors import EscalationError

_NO_ANSWER = "no answer"
_LIMITS = frozenset({"ratelimited", "rate_limited"})
#: Slack is busy or broken: the same call may go through later.
_BUSY = frozenset(
    {
        *(*_LIMITS, "internal_error", "fatal_error", "service_unavailable"),
        *("request_timeout", "team_added_to_org", _NO_ANSWER),
    }
)
#: Our token is broken, which an operator mends.
_TOKENS = frozenset(
    {
        *("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"),
        *("missing_scope", "accesslimited"),
    }
)
#: What is raised when Slack cannot be reached at all.
AWAY = (aiohttp.ClientError, TimeoutError, OSError)
_log = structlog.get_logger(__name__)
_TOKEN = re.compile(r"xox[a-z]-[A-Za-z0-9-]+|xapp-[A-Za-z0-9-]+")


class SlackRefused(EscalationError):
    """Slack does not take our token, or it belongs to another workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are in Slack."""

    workspace: str  #: The team id.
    bot_id: str
    user_id: str
    url: str = ""  #: The workspace's address; empty while Slack is away.


def client(token: str, base_url: str) -> AsyncWebClient:
    """Return a client that retries once, when its connection breaks, and else never."""
    # No backoff for rate limits and server errors here, while the lease of a lane runs: the outbox
    # keeps the message and retries it when Slack said. A connection that Slack closed while
    # it was idle in the pool breaks like any other, and the retry opens a new one.
    return AsyncWebClient(
        token=token,
        base_url=base_url,
        timeout=10,
        retry_handlers=[_RetryBrokenConnection(max_retry_count=1)],
    )


class _RetryBrokenConnection(AsyncConnectionErrorRetryHandler):
    """Retries a call whose connection broke, but for a post that Slack may have taken by then."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if request.url.endswith("/chat.postMessage") and not isinstance(error, aiohttp.ClientConnectorError):
            return False
        return await super()._can_retry_async(state=state, request=request, response=response, error=error)


@asynccontextmanager
async def pooled(slack: AsyncWebClient) -> AsyncIterator[None]:
    """Let *slack* share kept-alive connections during the block; else each call opens one, with its TLS."""
    limit = aiohttp.ClientTimeout(total=slack.timeout)
    async with aiohttp.ClientSession(timeout=limit, cookie_jar=aiohttp.DummyCookieJar()) as session:
        slack.session = session
        try:
            yield
        finally:
            slack.session = None


async def identify(slack: AsyncWebClient, *, workspace: str) -> Identity:
    """Return who the token makes us; raise ``SlackRefused`` if it is wrong or of another workspace.

    Slack may be away while we start: then requests are taken all the same, and cards wait.
    """
    try:
        answer = await slack.auth_test()
    except AWAY as error:
        _log.warning("slack_is_away", error=type(error).__name__)
        return Identity(workspace=workspace, bot_id="", user_id="")
    except SlackApiError as error:
        if is_busy(error):
            _log.warning("slack_is_away", error=error_code(error))
            return Identity(workspace=workspace, bot_id="", user_id="")
        raise SlackRefused(
            f"Slack refuses SLACK_BOT_TOKEN ({error_code(error)}); copy the Bot User OAuth Token "
            "from the app's page, OAuth & Permissions"
        ) from None  # the original carries request details that need not reach a log
    team = str(answer.get("team_id", ""))
    if team != workspace:
        raise SlackRefused(
            f"SLACK_BOT_TOKEN belongs to workspace {team}, but andon.yaml says workspace: {workspace}"
        )
    return Identity(
        workspace=team,
        bot_id=str(answer.get("bot_id", "")),
        user_id=str(answer.get("user_id", "")),
        url=str(answer.get("url") or ""),
    )


def error_code(error: SlackApiError) -> str:
    """Return Slack's word for what went wrong."""
    # A proxy in between answers in words of its own, and then there is no JSON to read.
    data = getattr(error.response, "data", None)
    code = data.get("error") if isinstance(data, Mapping) else None
    return str(code or _NO_ANSWER)


def is_busy(error: SlackApiError) -> bool:
    """Return whether Slack only has trouble right now."""
    status = int(getattr(error.response, "status_code", HTTPStatus.OK))
    return error_code(error) in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def is_rate_limit(error: SlackApiError) -> bool:
    """Return whether Slack did nothing but ask us to slow down."""
    status = int(getattr(error.response, "status_code", HTTPStatus.OK))
    return status == HTTPStatus.TOO_MANY_REQUESTS or error_code(error) in _LIMITS


def may_pass(error: SlackApiError) -> bool:
    """Return whether the same message may go through later.

    Any other answer is about the message or its place, and will not change.
    """
    return is_busy(error) or error_code(error) in _TOKENS


def without_secrets(text: str) -> str:
    """Return *text* with anything that looks like a token blotted out."""
    return _TOKEN.sub("xox…", text)
