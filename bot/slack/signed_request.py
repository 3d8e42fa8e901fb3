"""A request that Slack is known to have sent: parsed once, and told apart from every other one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from slack_bolt import BoltResponse

#: Tells whoever is behind the guard which signed request they hear: its fingerprint.
INGRESS_HEADER: Final = "x-andon-ingress"
#: Where the guard puts the ``SignedRequest`` into the ASGI scope that it hands on.
SCOPE_KEY: Final = "andon.signed_request"

Body: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A click, a submitted modal, a command or an event, verified by the guard or by the socket."""

    body: dict[str, Any]
    fingerprint: str  #: 64 hex digits: the same signed request again has the same one.


#: Takes one request to its listener; the response is to be sent as the acknowledgement.
Dispatch: TypeAlias = Callable[[SignedRequest], Awaitable[BoltResponse]]
