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
    ├── AnswerTooOld       the question was answered, too long ago to go by it now
    ├── Mismatch           what the bot answered is not what was asked or approved
    ├── AlreadyFailed      an earlier attempt ran and failed
    └── OutcomeUnknown     the effect may have happened; a person resolves it, never run it again

Each says in `what_to_do_next` what an agent does then, in one or two sentences, so that `except AndonError`
is every no at once.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    from pydantic import JsonValue

    from andon.models import Request


class AndonError(Exception):
    """Anything this library raises, and so every no."""

    what_to_do_next: str = "Do not act. Mend what the message names, then ask again."


class NotConfigured(AndonError):
    """A setting is missing or unusable; the message names it and says what to write."""

    what_to_do_next = "Set what the message names, then start again; nobody was asked."


class Unfit(AndonError, ValueError):
    """A value has no exact JSON, or does not fit the parameter it was given for."""

    what_to_do_next = (
        "Do not act. Pass values that fit their annotations and have an exact JSON form, then ask again."
    )


class Unreachable(AndonError):
    """The bot did not answer within the client's patience. That is a no."""

    what_to_do_next = (
        "Do not act: nothing may run. Try again later with the same key; what was asked is found again."
    )


class AlreadyRunning(AndonError):
    """The same key is under way in this process; two intended identical actions need a `key=` each."""

    what_to_do_next = "Wait for the call that is under way. If both are meant, give each a key= of its own."


class Mismatch(AndonError):
    """The bot's answer contradicts what was asked or approved; nothing ran because of it."""

    what_to_do_next = (
        "Do not act. Show the message to the agent's owner: a person finds out why the two differ."
    )


class Problem(AndonError):
    """The bot refused a call, in the words of RFC 9457."""

    what_to_do_next = "Do not act. Mend what the message names, then call again."

    def __init__(self, *, status: int, title: str, detail: str, members: Mapping[str, object]) -> None:
        super().__init__(_said(status, title, detail))
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

    what_to_do_next = (
        "Do not act. Set ANDON_AGENT_KEY to a key that is good: `andon keys create --agent NAME` prints one."
    )


class Forbidden(Problem):
    """The key is good, but not for this."""

    what_to_do_next = (
        "Do not act. Ask an operator whether the bot knows this agent, and use that agent's own key."
    )


class NotFound(Problem):
    """There is no such thing among this agent's own."""

    what_to_do_next = "Do not act. Check the id: an agent finds only its own requests and grants."


class Malformed(Problem):
    """The body is not the JSON it should be."""

    what_to_do_next = (
        "Do not act. Send the JSON that the API describes; this library may be older than the bot."
    )


class UnknownActionType(Problem):
    """The agent's manifest has no such action."""

    what_to_do_next = "Do not act. Name an action of the agent's manifest, or have it added there."


class _AtPath(Problem):
    @property
    def path(self) -> str | None:
        """Where the schema was not met, such as `action.arguments.amount`."""
        return self._member("path")


class ArgumentsInvalid(_AtPath):
    """The arguments do not fit the action's schema."""

    what_to_do_next = "Do not act. Mend the arguments where `path` says, then ask again."


class Invalid(_AtPath):
    """A member of the body does not fit."""

    what_to_do_next = "Do not act. Mend what `path` names, then call again."


class KeyMissing(Problem):
    """A request needs an idempotency key."""

    what_to_do_next = "Do not act. Send an idempotency key: 1 to 200 visible ASCII characters."


class KeyReused(Problem):
    """The idempotency key was used for another payload."""

    what_to_do_next = (
        "Do not act. This key was used for another action or question. Give each its own key; "
        "do not change a key to get past this."
    )


class TooLarge(Problem):
    """The body is over the limit."""

    what_to_do_next = "Do not act. Send less: shorter reasoning, less evidence, smaller arguments."


class UnsupportedMediaType(Problem):
    """The body is not `application/json`."""

    what_to_do_next = "Do not act. Send `application/json`; a proxy on the way may have changed that."


class Stopped(Problem):
    """A kill switch is on: nothing may start."""

    what_to_do_next = (
        "Do not act and do not ask again until an operator resumes it; `heartbeat()` tells when."
    )

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

    what_to_do_next = "Do not act. Read the request again, and claim exactly the action that it holds."


class GrantExpired(Problem):
    """The grant was not claimed in time."""

    what_to_do_next = "Do not act. Ask again with another key=, and claim soon after the approval."


class GrantRevoked(Problem):
    """The grant was taken back."""

    what_to_do_next = "Do not act. Ask again with another key=, if it is still wanted."


class GrantClaimed(Problem):
    """Another attempt holds the grant."""

    what_to_do_next = "Do not act. Another attempt holds the grant, and tells its outcome."


class NotClaimed(Problem):
    """A report needs a claim first."""

    what_to_do_next = "Do not act before the grant is claimed: claim it, act once, then report."


class AlreadyReported(Problem):
    """Another outcome was reported before."""

    what_to_do_next = (
        "Do not run it again. What was reported first stands; a person corrects it if it is wrong."
    )


class AlreadySettled(Problem):
    """The request is settled; it cannot be cancelled any more."""

    what_to_do_next = "Read the request: it was decided before it could be taken back."


class AwaitingPerson(Problem):
    """The outcome is unknown and only a person can resolve it."""

    what_to_do_next = "Do not run it again. A person finds out what happened."


class OverCap(Problem):
    """Too many asks; people are not to be flooded."""

    what_to_do_next = "Do not act. Try again later with the same key, and ask less often."


class NotAllowed(AndonError):
    """The answer is no."""

    what_to_do_next = "Do not act. Read the reason before you ask again."

    def __init__(self, request: "Request", *, reason: str | None = None) -> None:
        self.request = request
        self.reason = reason or request.reason  #: Why, in the words of a person or of the policy.
        self.what_to_do_next = self._next()
        why = self.reason or f"the request is {request.state}"
        super().__init__(f"{why} ({request.id}). {self.what_to_do_next}")

    def _next(self) -> str:
        """Return the bot's own sentence, which knows most."""
        return self.request.what_to_do_next or type(self).what_to_do_next


class _Lapsed(NotAllowed):
    def _next(self) -> str:
        # The request was read while its grant was good, and says to claim it.
        return type(self).what_to_do_next


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


class Expired(_Lapsed):
    """It was approved, but the grant was not claimed in time."""

    what_to_do_next = "Do not act. Ask again with another key=, and be there to claim the grant in time."


class Revoked(_Lapsed):
    """It was approved, but the grant was taken back."""

    what_to_do_next = "Do not act. Ask again with another key=, if it is still wanted."


class AnswerTooOld(AndonError):
    """This question was answered before, longer ago than its answer is good for."""

    what_to_do_next = (
        "Do not go by the old answer. Ask with another about=, key= or workflow; or say with good_for= how "
        "long an answer to this question holds."
    )

    def __init__(self, request: "Request", *, limit: "timedelta") -> None:
        self.request = request  #: With the old answer, and when it was given.
        super().__init__(
            f"{request.id} was answered at {request.decided_at}, and an answer holds for {limit}. "
            f"{self.what_to_do_next}"
        )


class AlreadyFailed(AndonError):
    """An earlier attempt ran this action and it failed; to try once more, ask with another `key=`."""

    what_to_do_next = "To try once more, ask with another key=."

    def __init__(self, request: "Request") -> None:
        self.request = request
        super().__init__(f"{request.id} was run before and failed; to try once more, ask with another key=")


class OutcomeUnknown(AndonError):
    """The effect may have happened. A person resolves it; never run it again.

    A gated function may raise it too, when it cannot tell (say, its own call timed out): the bot is then told
    `unknown` instead of `failed`.
    """

    what_to_do_next = "Never run it again. A person finds out what happened, and resolves it."

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


def _said(status: int, title: str, detail: str) -> str:
    """Join what the bot said; a detail that begins with its title needs no other."""
    if detail.casefold().startswith(title.casefold()):
        return f"{status} {detail}"
    return f"{status} {title}: {detail}" if detail else f"{status} {title}"


def problem(status: int, body: "JsonValue") -> Problem:
    """Return the error that an answer with *status* and *body* means; the body may be anything."""
    members: Mapping[str, object] = body if isinstance(body, dict) else {}
    name = str(members.get("type", "")).removeprefix("urn:andon:problem:")
    kind = _BY_NAME.get(name) or _BY_STATUS.get(status, Problem)
    title = str(members.get("title") or "The bot refused")
    return kind(status=status, title=title, detail=str(members.get("detail") or ""), members=members)
