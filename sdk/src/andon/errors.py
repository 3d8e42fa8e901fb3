"""
Everything that can go wrong, as one tree. Whatever is raised before the effect, the effect did not run.

    AndonError
    ├── NotConfigured      ANDON_URL or ANDON_AGENT_KEY is missing or unusable
    ├── Unfit              a value cannot be told exactly as JSON, or does not fit its annotation
    ├── Unreachable        the bot is away: the answer is no
    ├── AlreadyRunning     this very action is under way in this process
    ├── Problem            the bot refused a call: status, type, title, detail
    │   ├── Unauthenticated · Forbidden · NotFound · Malformed · TooLarge · UnsupportedMediaType
    │   ├── UnknownActionType · ArgumentsInvalid · Invalid
    │   ├── KeyMissing · KeyReused · OverCap · Stopped
    │   ├── DigestMismatch · GrantExpired · GrantRevoked · GrantClaimed
    │   └── NotClaimed · AlreadyReported · AlreadySettled · AwaitingPerson
    ├── NotAllowed         people, or the clock, said no: request, reason, what_to_do_next
    │   ├── Rejected · TimedOut · Undeliverable · Cancelled · Killed
    │   └── Expired · Revoked    approved, but the grant is no longer good
    ├── Mismatch           what the bot answered is not what was asked or approved
    ├── AlreadyFailed      an earlier attempt ran and failed
    └── OutcomeUnknown     the effect may have happened; a person resolves it, never run it again
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue

    from andon.models import Request


class AndonError(Exception):
    """Anything this library raises."""


class NotConfigured(AndonError):
    """A setting is missing or unusable; the message names it and says what to write."""


class Unfit(AndonError, ValueError):
    """A value has no exact JSON, or does not fit the parameter it was given for."""


class Unreachable(AndonError):
    """The bot did not answer within the client's patience. That is a no."""


class AlreadyRunning(AndonError):
    """The same key is under way in this process; two intended identical actions need a `key=` each."""


class Mismatch(AndonError):
    """The bot's answer contradicts what was asked or approved; nothing ran because of it."""


class Problem(AndonError):
    """The bot refused a call, in the words of RFC 9457."""

    def __init__(self, *, status: int, title: str, detail: str, members: Mapping[str, object]) -> None:
        super().__init__(f"{status} {title}: {detail}" if detail else f"{status} {title}")
        self.status = status  #: HTTP status.
        self.type = str(members.get("type", "about:blank"))  #: Such as `urn:andon:problem:stopped`.
        self.title = title
        self.detail = detail  #: What is wrong, and what to do.
        self.members = members  #: Everything the bot said, for the members this class does not name.

    def _member(self, name: str) -> str | None:
        value = self.members.get(name)
        return value if isinstance(value, str) else None


class Unauthenticated(Problem):
    """The agent key is missing, wrong or revoked."""


class Forbidden(Problem):
    """The key is good, but not for this."""


class NotFound(Problem):
    """There is no such thing among this agent's own."""


class Malformed(Problem):
    """The body is not the JSON it should be."""


class UnknownActionType(Problem):
    """The agent's manifest has no such action."""


class _AtPath(Problem):
    @property
    def path(self) -> str | None:
        """Where the schema was not met, such as `action.arguments.amount`."""
        return self._member("path")


class ArgumentsInvalid(_AtPath):
    """The arguments do not fit the action's schema."""


class Invalid(_AtPath):
    """A member of the body does not fit."""


class KeyMissing(Problem):
    """A request needs an idempotency key."""


class KeyReused(Problem):
    """The idempotency key was used for another payload."""


class TooLarge(Problem):
    """The body is over the limit."""


class UnsupportedMediaType(Problem):
    """The body is not `application/json`."""


class Stopped(Problem):
    """A kill switch is on: nothing may start."""

    @property
    def scope(self) -> str | None:
        """What is stopped: everything, an agent, an action type."""
        return self._member("scope")

    @property
    def reason(self) -> str | None:
        """Why, in the words of the person who stopped it."""
        return self._member("reason")


class DigestMismatch(Problem):
    """The digest claimed is not the digest granted."""


class GrantExpired(Problem):
    """The grant was not claimed in time."""


class GrantRevoked(Problem):
    """The grant was taken back."""


class GrantClaimed(Problem):
    """Another attempt holds the grant."""


class NotClaimed(Problem):
    """A report needs a claim first."""


class AlreadyReported(Problem):
    """Another outcome was reported before."""


class AlreadySettled(Problem):
    """The request is settled; it cannot be cancelled any more."""


class AwaitingPerson(Problem):
    """The outcome is unknown and only a person can resolve it."""


class OverCap(Problem):
    """Too many asks; people are not to be flooded."""


class NotAllowed(AndonError):
    """The answer is no."""

    def __init__(self, request: "Request", *, reason: str | None = None) -> None:
        self.request = request
        self.reason = reason or request.reason  #: Why, in the words of a person or of the policy.
        self.what_to_do_next = request.what_to_do_next
        why = self.reason or f"the request is {request.state}"
        super().__init__(f"{why} ({request.id}). {self.what_to_do_next}")


class Rejected(NotAllowed):
    """A person said no."""


class TimedOut(NotAllowed):
    """Nobody answered in time. Silence is never consent."""


class Undeliverable(NotAllowed):
    """It reached nobody."""


class Cancelled(NotAllowed):
    """The agent itself took the request back."""


class Killed(NotAllowed):
    """A kill switch ended the request."""


class Expired(NotAllowed):
    """It was approved, but the grant was not claimed in time."""


class Revoked(NotAllowed):
    """It was approved, but the grant was taken back."""


class AlreadyFailed(AndonError):
    """An earlier attempt ran this action and it failed; to try once more, ask with another `key=`."""

    def __init__(self, request: "Request") -> None:
        self.request = request
        super().__init__(f"{request.id} was run before and failed; to try once more, ask with another key=")


class OutcomeUnknown(AndonError):
    """The effect may have happened. A person resolves it; never run it again.

    A gated function may raise it too, when it cannot tell (say, its own call timed out): the bot is then told
    `unknown` instead of `failed`.
    """

    def __init__(self, message: str, *, request: "Request | None" = None, result: object = None) -> None:
        super().__init__(message)
        self.request = request
        self.result = result  #: What the function returned, if only the report was lost.


_BY_NAME: Mapping[str, type[Problem]] = {
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "not-found": NotFound,
    "malformed": Malformed,
    "unknown-action-type": UnknownActionType,
    "arguments-invalid": ArgumentsInvalid,
    "invalid": Invalid,
    "idempotency-key-missing": KeyMissing,
    "idempotency-key-reused": KeyReused,
    "too-large": TooLarge,
    "unsupported-media-type": UnsupportedMediaType,
    "stopped": Stopped,
    "digest-mismatch": DigestMismatch,
    "grant-expired": GrantExpired,
    "grant-revoked": GrantRevoked,
    "grant-claimed": GrantClaimed,
    "not-claimed": NotClaimed,
    "already-reported": AlreadyReported,
    "already-settled": AlreadySettled,
    "awaiting-person": AwaitingPerson,
    "over-cap": OverCap,
}
#: For answers without a problem's name, such as a proxy's page.
_BY_STATUS: Mapping[int, type[Problem]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    413: TooLarge,
    415: UnsupportedMediaType,
    423: Stopped,
    429: OverCap,
}


def problem(status: int, body: "JsonValue") -> Problem:
    """Return the error that an answer with *status* and *body* means; the body may be anything."""
    members: Mapping[str, object] = body if isinstance(body, dict) else {}
    name = str(members.get("type", "")).removeprefix("urn:andon:problem:")
    kind = _BY_NAME.get(name) or _BY_STATUS.get(status, Problem)
    title = str(members.get("title") or "The bot refused")
    return kind(status=status, title=title, detail=str(members.get("detail") or ""), members=members)
