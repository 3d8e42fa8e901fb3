"""Where the bot is and who we are: from arguments, else from the environment, else a clear refusal."""

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NotRequired, TypedDict

import httpx
from pydantic import SecretStr

from andon.errors import NotConfigured

if TYPE_CHECKING:
    from andon.testing import Script  # an agent in service loads no fakes

_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
_LONGEST_WORKFLOW: Final = 120  #: Leaves room for `:sha256` within the 200 characters of a key.


class Options(TypedDict):
    """What a client may be told besides its address and key."""

    workflow: NotRequired[str | None]  #: Which run of which job this is; default ANDON_WORKFLOW, else none.
    patience: NotRequired[float]  #: Seconds to go on retrying when the bot is away; default 30.
    timeout: NotRequired[float]  #: Seconds one attempt may take, on top of a long poll's wait; default 10.
    transport: NotRequired[httpx.AsyncBaseTransport | None]  #: Another way to carry HTTP.
    offline: NotRequired["Script | None"]  #: A script in place of the bot, for unit tests.


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A complete, checked configuration; printing it does not show the key."""

    url: str
    key: SecretStr
    workflow: str | None
    patience: float
    timeout: float
    transport: httpx.AsyncBaseTransport | None


def settings(url: str | None, key: str | None, options: Options) -> Settings:
    """Return the settings, or raise `NotConfigured` naming the variable and what to write."""
    script = options.get("offline")
    if script is not None:
        url, key = url or "http://offline.invalid", key or "andon_offline"
    return Settings(
        url=_url(url or os.environ.get("ANDON_URL")),
        key=_key(key or os.environ.get("ANDON_AGENT_KEY")),
        workflow=_workflow(options.get("workflow") or os.environ.get("ANDON_WORKFLOW")),
        patience=options.get("patience", 30.0),
        timeout=options.get("timeout", 10.0),
        transport=script or options.get("transport"),
    )


def _url(text: str | None) -> str:
    wanted = "write the bot's address, such as https://andon.example.com"
    if not text:
        raise NotConfigured(f"ANDON_URL is not set: {wanted}, or pass url=")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise NotConfigured(f"ANDON_URL is not an address: {wanted}") from None  # it may hold a password
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query or url.fragment:
        raise NotConfigured(f"ANDON_URL is not an address, or holds more than one: {wanted}")
    return text.rstrip("/")


def _key(text: str | None) -> SecretStr:
    wanted = "write the agent's key, such as andon_…, as the bot printed it once"
    if not text:
        raise NotConfigured(f"ANDON_AGENT_KEY is not set: {wanted}, or pass key=")
    if not _VISIBLE.fullmatch(text):  # an HTTP library would name the bad header, and with it the key
        raise NotConfigured(f"ANDON_AGENT_KEY has a space, a line break or a strange character: {wanted}")
    return SecretStr(text)


def _workflow(text: str | None) -> str | None:
    if not text:
        return None  # never a default: every run would share it, and find what another one was told
    if len(text) > _LONGEST_WORKFLOW or not _VISIBLE.fullmatch(text):
        raise NotConfigured(
            f"ANDON_WORKFLOW must be 1 to {_LONGEST_WORKFLOW} visible ASCII characters without spaces, "
            "such as close-2026-10"
        )
    return text
