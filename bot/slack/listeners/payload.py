"""Reads who did what and where from a body that Slack signed; nothing is guessed."""

from collections.abc import Mapping
from typing import Any

from bot.slack.signed_request import Body, SignedRequest
from escalation.authority import Account
from escalation.service.context import Click


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


def click(request: SignedRequest, what: str) -> Click:
    """Return *request* as the click that the core counts once."""
    return Click(account=account(request.body), fingerprint=request.fingerprint, what=what)


def channel(body: Body) -> str | None:
    """Return the channel that it happened in; none for the Home tab and for modals."""
    if "channel_id" in body:
        return str(body["channel_id"])
    found = (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id")
    return None if found is None else str(found)


def action(request: SignedRequest) -> Body:
    """Return the element that was clicked."""
    clicked: Mapping[str, Any] = request.body["actions"][0]
    return clicked


def view(request: SignedRequest) -> Body:
    """Return the modal that was submitted."""
    submitted: Mapping[str, Any] = request.body["view"]
    return submitted
