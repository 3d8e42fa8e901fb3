"""The environment is checked before anything starts, and no secret is ever printed."""

import os
import traceback

import pytest

from bot.config import InvalidSettings, SlackMode, settings
from bot.config.settings import environment

SECRET = "0123456789abcdef"
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1-bot", "SLACK_SIGNING_SECRET": SECRET}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("SLACK_", "ANDON_")):
            monkeypatch.delenv(name)


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return an environment in which nothing is missing."""
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal() -> str:
    """Return why the environment is refused, with everything a log would show of it."""
    with pytest.raises(InvalidSettings) as caught:
        settings()
    shown = "".join(traceback.format_exception(caught.value))
    assert not [secret for secret in (SECRET, "hunter2") if secret in shown]
    return str(caught.value)


def test_the_defaults_need_no_file_and_no_server(env: pytest.MonkeyPatch) -> None:
    """A bot token and one way for clicks are enough."""
    found = settings()

    assert found.slack_bot_token.get_secret_value() == "xoxb-1-bot"
    assert found.slack_api_url == "https://slack.com/api/"
    assert found.andon_database_url.get_secret_value() == "sqlite+aiosqlite:///var/andon.db"
    assert found.andon_redis_url is None
    assert str(found.andon_config) == "andon.yaml"


def test_nothing_set_names_what_is_needed() -> None:
    """An empty environment is told which variable comes first."""
    assert refusal() == (
        "SLACK_BOT_TOKEN is not set; write the bot token of your Slack app, which begins with xoxb-"
    )


def test_an_empty_variable_is_one_that_is_not_set(env: pytest.MonkeyPatch) -> None:
    """``SLACK_BOT_TOKEN=`` in a file is no token."""
    env.setenv("SLACK_BOT_TOKEN", "")

    assert refusal().startswith("SLACK_BOT_TOKEN is not set")


@pytest.mark.parametrize(
    ("secret", "token", "wish", "mode"),
    [
        (SECRET, None, None, SlackMode.HTTP),
        (None, "xapp-1", None, SlackMode.SOCKET),
        (SECRET, "xapp-1", None, SlackMode.HTTP),
        (SECRET, "xapp-1", "socket", SlackMode.SOCKET),
        (SECRET, "xapp-1", "http", SlackMode.HTTP),
    ],
)
def test_clicks_come_the_way_that_is_set(
    env: pytest.MonkeyPatch, secret: str | None, token: str | None, wish: str | None, mode: SlackMode
) -> None:
    """A signing secret means HTTP, an app token Socket Mode; with both it is HTTP unless told otherwise."""
    given = {"SLACK_SIGNING_SECRET": secret, "SLACK_APP_TOKEN": token, "ANDON_SLACK_MODE": wish}
    for name, value in given.items():
        env.setenv(name, value or "")

    assert settings().slack_mode is mode


def test_no_way_for_clicks_is_refused(env: pytest.MonkeyPatch) -> None:
    """A bot that cannot hear a click does not start."""
    env.delenv("SLACK_SIGNING_SECRET")

    assert refusal() == (
        "no click could reach the bot; set SLACK_SIGNING_SECRET (Slack calls the bot) "
        "or SLACK_APP_TOKEN (the bot calls Slack)"
    )


@pytest.mark.parametrize(
    ("unset", "wish", "told"),
    [
        ("SLACK_APP_TOKEN", "socket", "ANDON_SLACK_MODE is socket, so set SLACK_APP_TOKEN"),
        ("SLACK_SIGNING_SECRET", "http", "ANDON_SLACK_MODE is http, so set SLACK_SIGNING_SECRET"),
    ],
)
def test_a_mode_without_its_secret_is_refused(
    env: pytest.MonkeyPatch, unset: str, wish: str, told: str
) -> None:
    """The mode that was asked for is not swapped for another in silence."""
    env.setenv("SLACK_APP_TOKEN", "xapp-1")
    env.setenv("ANDON_SLACK_MODE", wish)
    env.delenv(unset)

    assert refusal() == told


@pytest.mark.parametrize("secret", ["x", "hunter2", SECRET[1:]])
def test_a_secret_that_can_be_guessed_is_refused_unseen(env: pytest.MonkeyPatch, secret: str) -> None:
    """Whoever guesses the signing secret clicks as anybody."""
    env.setenv("SLACK_SIGNING_SECRET", secret)

    assert refusal().startswith("SLACK_SIGNING_SECRET is too short to be one; copy the Signing Secret")


def test_an_unknown_mode_is_refused(env: pytest.MonkeyPatch) -> None:
    """There are two modes."""
    env.setenv("ANDON_SLACK_MODE", "hunter2")

    assert refusal() == "ANDON_SLACK_MODE is not understood; write http or socket, or remove it"


@pytest.mark.parametrize(
    "token", ["xoxp-hunter2", "hunter2", "xoxb-", "xoxb-hunter2 ", "xoxb-hunter2\n", "xoxb-hünter2"]
)
def test_a_malformed_bot_token_is_refused_unseen(env: pytest.MonkeyPatch, token: str) -> None:
    """What is no bot token is refused with the way to write one, and without its value."""
    env.setenv("SLACK_BOT_TOKEN", token)

    assert refusal().startswith(
        "SLACK_BOT_TOKEN does not look like one; write the bot token of your Slack app"
    )


def test_a_malformed_app_token_is_refused_unseen(env: pytest.MonkeyPatch) -> None:
    """A bot token in the app token's place is told."""
    env.setenv("SLACK_APP_TOKEN", "xoxb-hunter2")

    assert refusal().startswith("SLACK_APP_TOKEN does not look like one; write the app-level token")


def test_all_that_is_wrong_is_told_at_once(env: pytest.MonkeyPatch) -> None:
    """Two mistakes are two lines."""
    env.setenv("SLACK_APP_TOKEN", "hunter2")
    env.setenv("SLACK_BOT_TOKEN", "hunter2")

    assert [line.split()[0] for line in refusal().splitlines()] == ["SLACK_APP_TOKEN", "SLACK_BOT_TOKEN"]


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://slack.com/api/", "https://slack.com/api/"),
        ("https://slack.com/api", "https://slack.com/api/"),
        ("http://127.0.0.1:9000/api/", "http://127.0.0.1:9000/api/"),
    ],
)
def test_slack_may_be_the_real_one_or_on_this_machine(env: pytest.MonkeyPatch, url: str, kept: str) -> None:
    """An https address, or plain http to 127.0.0.1, ends in a slash afterwards."""
    env.setenv("SLACK_API_URL", url)

    assert settings().slack_api_url == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://slack.com/api/",
        "http://127.0.0.1.evil.example/api/",
        "http://127.0.0.1@evil.example/api/",
        "http://localhost:9000/api/",
        "ftp://slack.com/api/",
        "slack.com/api/",
        "https:///api/",
        "https://hunter2@slack.com/api/",
        "https://slack.com/api/?x=hunter2",
        "https://slack.com/api/#hunter2",
        "https://[hunter2/api/",
        "https://slack.com:hunter2/api/",
    ],
)
def test_the_token_does_not_travel_in_the_clear(env: pytest.MonkeyPatch, url: str) -> None:
    """Any other address is refused."""
    env.setenv("SLACK_API_URL", url)

    assert refusal().startswith("SLACK_API_URL is no")


@pytest.mark.parametrize(
    "url",
    [
        "hunter2 and words",
        "redis://ca che:6379/0",
        "redis://:hunter 2@cache",
        "redis://cache/0\n",
        "http://cache:6379/0",
        "redis:cache",
        "cache:6379",
        "redis://:hunter2@cache:many/0",
        "redis://:hunter2@cache:70000/0",
        "redis://andon:hunter2/@cache/0",
        "redis://:hunter2@cache/first",
        "redis://[hunter2",
    ],
)
def test_a_malformed_address_of_valkey_is_refused_unseen(env: pytest.MonkeyPatch, url: str) -> None:
    """Served with it, nobody would be woken: it is refused, unseen, with the way to write one."""
    env.setenv("ANDON_REDIS_URL", url)

    assert refusal() == (
        "ANDON_REDIS_URL is no address of Valkey or Redis;"
        " write redis://HOST:6379/0, with %20 for a space in the password, or remove it"
    )


@pytest.mark.parametrize(
    "url",
    [
        "redis://cache",
        "redis://localhost:6379",
        "rediss://andon:hunter%202@cache:6379/0?protocol=3",
        "valkey://[::1]:6379/1",
        "valkeys://cache/",
        "unix:///run/valkey/valkey.sock",
    ],
)
def test_valkey_may_be_anywhere(env: pytest.MonkeyPatch, url: str) -> None:
    """Each address that leads to a Valkey is taken as it stands."""
    env.setenv("ANDON_REDIS_URL", url)

    assert settings().redis_url == url


def test_secrets_do_not_print(env: pytest.MonkeyPatch) -> None:
    """Neither the settings' repr nor their dump shows a token, a secret or the database's password."""
    env.setenv("SLACK_APP_TOKEN", "xapp-hunter2")
    env.setenv("SLACK_BOT_TOKEN", "xoxb-hunter2")
    env.setenv("SLACK_SIGNING_SECRET", "hunter2-hunter2-hunter2")
    env.setenv("ANDON_DATABASE_URL", "postgresql+asyncpg://andon:hunter2@db/andon")
    env.setenv("ANDON_REDIS_URL", "redis://:hunter2@cache")
    found = settings()

    assert "hunter2" not in f"{found!r}{found}{found.model_dump()}{found.model_dump_json()}"
    assert found.andon_redis_url is not None
    assert found.andon_redis_url.get_secret_value() == "redis://:hunter2@cache"


def test_where_things_are_needs_no_slack(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that never speaks to Slack needs no token, and gets the URLs with their passwords."""
    assert (environment().database_url, environment().redis_url) == ("sqlite+aiosqlite:///var/andon.db", None)
    monkeypatch.setenv("ANDON_REDIS_URL", "redis://:hunter2@cache")

    assert environment().redis_url == "redis://:hunter2@cache"


def test_settings_do_not_change(env: pytest.MonkeyPatch) -> None:
    """What was checked is what is used."""
    with pytest.raises(ValueError, match="frozen"):
        settings().slack_api_url = "http://evil.example/"
