"""Reads who did what and where from a body that Slack signed; nothing is guessed."""

from collections.abc import Mapping
from typing import Any

from bot.slack.signed_request import Body, SignedRequest
from escalation.authority import Account
from escalation.service.context import Click


def is_hollow(body: Body) -> bool:
    """
    Return whether a click or a modal lacks what its handlers read.

    Slack sends none like it, however it is signed; it is refused, not met with an error of ours.
    """
    match body:
        case {"type": "block_actions", "actions": [{"action_id": str() as named} as clicked, *_]}:
            if named.startswith("link"):
                return not _is_somebodys(body)  # a link has no value
            held = clicked.get("selected_option", clicked)
            whole = isinstance(held, Mapping) and isinstance(held.get("value", ""), str)
            return not (whole and "value" in held and _is_somebodys(body))
        case {"type": "view_submission", "view": {"state": {"values": Mapping()}, "private_metadata": str()}}:
            return not _is_somebodys(body)
        case {"type": "block_actions" | "view_submission"}:
            return True
        case _:
            return False


def _is_somebodys(body: Body) -> bool:
    match body:
        case {"user": {"id": str()}, "trigger_id": str()}:
            places = (body.get(place) or {} for place in ("team", "channel", "container"))
            return all(isinstance(place, Mapping) for place in places)
        case _:
            return False


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
