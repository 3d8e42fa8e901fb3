"""Who is behind a body that Slack signed: the user's own workspace and id, and nothing that is guessed."""

from typing import Any

import pytest
from slack_bolt.async_app import AsyncBoltRequest

from bot.slack.listeners.payload import account, channel, click
from bot.slack.routes import signed
from bot.slack.signed_request import INGRESS_HEADER, SignedRequest
from escalation.authority import Account

SALMA = Account("T01ANDON", "U01SALMA")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"team_id": "T01ANDON", "user_id": "U01SALMA"}, SALMA),
        ({"user_id": "U01SALMA"}, Account("", "U01SALMA")),
        ({"user": {"id": "U01SALMA", "team_id": "T01ANDON"}}, SALMA),
        ({"user": {"id": "U01SALMA"}, "team": {"id": "T01ANDON"}}, SALMA),
        (
            {"user": {"id": "U01SALMA", "team_id": "T2"}, "team": {"id": "T01ANDON"}},
            Account("T2", "U01SALMA"),
        ),
        ({"user": {"id": "U01SALMA"}, "team": None}, Account("", "U01SALMA")),
        ({"user": {}}, Account("", "")),
        ({"team_id": "T01ANDON", "event": {"user": "U01SALMA"}}, SALMA),
        ({}, Account("", "")),
    ],
)
def test_an_account_is_read_from_the_signed_body(body: dict[str, Any], expected: Account) -> None:
    """Commands, clicks, forms and events say it in four ways; what is missing matches nobody."""
    assert account(body) == expected


@pytest.mark.parametrize("headers", [{}, {INGRESS_HEADER: []}, {INGRESS_HEADER: ["a", "b"]}])
def test_a_click_without_its_ingress_is_no_click(headers: dict[str, list[str]]) -> None:
    """Only the guard (or the socket) writes the fingerprint; without exactly one nothing is decided."""
    with pytest.raises(LookupError, match="without a verified ingress"):
        signed(AsyncBoltRequest(mode="socket_mode", body={"user_id": "U01SALMA"}, headers={**headers}))


def test_a_click_names_its_ingress() -> None:
    """Who, what, and which signed request carried it."""
    body = {"user_id": "U01SALMA", "team_id": "T01ANDON"}
    made = click(SignedRequest(body=body, fingerprint="f" * 64), "request:approve")
    assert (made.account, made.fingerprint, made.what) == (SALMA, "f" * 64, "request:approve")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"channel_id": "C1"}, "C1"),
        ({"channel": {"id": "C1"}}, "C1"),
        ({"channel": {}, "container": {"channel_id": "C2"}}, "C2"),
        ({"container": {"type": "view"}}, None),
        ({}, None),
    ],
)
def test_where_somebody_can_be_answered(body: dict[str, Any], where: str | None) -> None:
    """In the channel they clicked in, if they clicked in one."""
    assert channel(body) == where
