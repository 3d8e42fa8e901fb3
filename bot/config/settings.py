"""What the process is told by its environment: secrets, and where things are."""

from enum import Enum
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

E = TypeVar("E", bound="Environment")
_SHORTEST_SECRET = 16  #: Characters; Slack's have 32.
_REDIS_URL = "redis://HOST:6379/0, with %20 for a space in the password, or remove it"
_WAKING_SCHEMES = frozenset({"redis", "rediss", "valkey", "valkeys", "unix"})
_BOTH = "SLACK_SIGNING_SECRET (Slack calls the bot) or SLACK_APP_TOKEN (the bot calls Slack)"


class InvalidSettings(Exception):
    """The environment makes no sense; says which variable and what to write, never a value."""


class SlackMode(Enum):
    """How clicks reach the bot."""

    HTTP = "http"  #: Slack calls a URL of ours, and signs.
    SOCKET = "socket"  #: We hold a connection to Slack; no public URL is needed.


class Environment(BaseSettings):
    """Where things are: all that a command needs which never speaks to Slack."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    # The password of the database or of Valkey may stand in its URL.
    andon_database_url: SecretStr = SecretStr("sqlite+aiosqlite:///var/andon.db")
    andon_redis_url: SecretStr | None = None
    andon_config: Path = Path("andon.yaml")
    andon_head_file: Path | None = None

    @field_validator("andon_redis_url")
    @classmethod
    def _redis_url(cls, url: SecretStr | None) -> SecretStr | None:
        # Nothing that is kept depends on it, so that the process would serve on and wake nobody.
        if url is not None and not _leads_to_valkey(url.get_secret_value()):
            raise _wrong(f"is no address of Valkey or Redis; write {_REDIS_URL}")
        return url

    @property
    def database_url(self) -> str:
        """The database's URL, with its password: for the store alone."""
        return self.andon_database_url.get_secret_value()

    @property
    def head_file(self) -> Path | None:
        """Where the head of the record is kept: beside a SQLite file, unless told otherwise."""
        if self.andon_head_file is not None:
            return self.andon_head_file
        scheme, _, file = self.database_url.partition(":///")
        return Path(f"{file}.head") if scheme.startswith("sqlite") and file else None

    @property
    def redis_url(self) -> str | None:
        """The URL of Valkey or Redis, with its password: for the wake-ups alone."""
        return None if self.andon_redis_url is None else self.andon_redis_url.get_secret_value()


class Settings(Environment):
    """The whole environment, checked: what a serving process needs."""

    slack_bot_token: SecretStr
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_api_url: str = "https://slack.com/api/"
    andon_slack_mode: SlackMode | None = None

    @property
    def slack_mode(self) -> SlackMode:
        """How clicks reach the bot: over HTTP where Slack's secret is known, unless told otherwise."""
        if self.andon_slack_mode is not None:
            return self.andon_slack_mode
        return SlackMode.SOCKET if self.slack_signing_secret is None else SlackMode.HTTP

    @field_validator("slack_bot_token")
    @classmethod
    def _bot_token(cls, token: SecretStr) -> SecretStr:
        return _begins(token, "xoxb-", "the bot token of your Slack app")

    @field_validator("slack_app_token")
    @classmethod
    def _app_token(cls, token: SecretStr | None) -> SecretStr | None:
        return None if token is None else _begins(token, "xapp-", "the app-level token of your Slack app")

    @field_validator("slack_signing_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        # Whoever guesses it clicks as anybody.
        if secret is not None and len(secret.get_secret_value()) < _SHORTEST_SECRET:
            raise _wrong("is too short to be one; copy the Signing Secret from the app's Basic Information")
        return secret

    @field_validator("slack_api_url")
    @classmethod
    def _api_url(cls, url: str) -> str:
        # The bot token travels to this address.
        parts = urlsplit(url)
        if parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", "127.0.0.1"):
            raise _wrong(
                "is not encrypted; write an https:// address, or http://127.0.0.1:PORT/api/ for a local Slack"
            )
        if (
            not parts.hostname
            or parts.port == 0
            or parts.username is not None
            or parts.query
            or parts.fragment
        ):
            raise _wrong("is no plain address; write https://slack.com/api/")
        return url if url.endswith("/") else f"{url}/"

    @model_validator(mode="after")
    def _can_hear_clicks(self) -> Self:
        needs = {SlackMode.HTTP: self.slack_signing_secret, SlackMode.SOCKET: self.slack_app_token}
        names = {SlackMode.HTTP: "SLACK_SIGNING_SECRET", SlackMode.SOCKET: "SLACK_APP_TOKEN"}
        if needs[self.slack_mode] is None:
            if self.andon_slack_mode is None:
                raise _wrong(f"no click could reach the bot; set {_BOTH}")
            raise _wrong(f"ANDON_SLACK_MODE is {self.slack_mode.value}, so set {names[self.slack_mode]}")
        return self


def settings() -> Settings:
    """Return what the environment says, or raise ``InvalidSettings``."""
    return _read(Settings)


def environment() -> Environment:
    """Return where things are, or raise ``InvalidSettings``; Slack's secrets need not be there."""
    return _read(Environment)


def _read(kind: type[E]) -> E:
    try:
        return kind()
    except ValidationError as error:
        raise InvalidSettings("\n".join(sorted(_lines(error)))) from None


def _lines(error: ValidationError) -> list[str]:
    # Built from names and our own words alone: pydantic's message may quote a value.
    found = []
    for detail in error.errors(include_url=False, include_input=False):
        name = str(detail["loc"][0]).upper() if detail["loc"] else ""
        match detail["type"]:
            case "missing":
                found.append(
                    f"{name} is not set; write the bot token of your Slack app, which begins with xoxb-"
                )
            case "wrong":
                found.append(f"{name} {detail['msg']}".strip())
            case _:
                found.append(f"{name} is not understood; {_EXPECTED.get(name, 'correct it or remove it')}")
    return found


_EXPECTED = {"ANDON_SLACK_MODE": "write http or socket, or remove it"}


def _leads_to_valkey(url: str) -> bool:
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in _WAKING_SCHEMES or any(each.isspace() for each in url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that there cannot be
    except ValueError:
        return False
    return scheme == "unix" or not parts.path.strip("/") or parts.path.strip("/").isdecimal()


def _begins(token: SecretStr, start: str, which: str) -> SecretStr:
    value = token.get_secret_value()
    if (
        not value.startswith(start)
        or not value[len(start) :].replace("-", "").isalnum()
        or not value.isascii()
    ):
        raise _wrong(f"does not look like one; write {which}, which begins with {start}")
    return token


def _wrong(what: str) -> PydanticCustomError:
    return PydanticCustomError("wrong", "{what}", {"what": what})
