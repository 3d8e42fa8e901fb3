"""What an agent is told when something is refused: problem details (RFC 9457) that say what to do."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from typing import Final

from bot.http.reply import Reply
from escalation.reason import Reason, Refused

MEDIA_TYPE: Final = b"application/problem+json"
_AUTHENTICATE: Final = (b"www-authenticate", b"Bearer")


@dataclass(eq=False)
class Problem(Exception):
    """An answer that is a problem."""

    name: str
    status: int
    detail: str
    more: dict[str, str] = field(default_factory=dict)
    recorded: bool = False  #: Whether the core refused it, and put that on the record.
    retry_after: int | None = None  #: Seconds.

    def reply(self) -> Reply:
        """Return it as an HTTP response."""
        content = {
            "type": f"urn:andon:problem:{self.name}",
            "title": self.name.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        headers = (_AUTHENTICATE,) if self.status == HTTPStatus.UNAUTHORIZED else ()
        if self.retry_after is not None:
            headers = (*headers, (b"retry-after", b"%d" % self.retry_after))
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        return Reply(status=self.status, body=body, media_type=MEDIA_TYPE, headers=headers)


#: The problem that each reason is for an agent. What only people can be told has none.
_NAMES: dict[Reason, tuple[str, int]] = {
    Reason.UNKNOWN_AGENT: ("forbidden", 403),
    Reason.UNKNOWN_REQUEST: ("not-found", 404),
    Reason.UNKNOWN_GRANT: ("not-found", 404),
    Reason.NOT_YOURS: ("not-found", 404),
    Reason.UNKNOWN_ACTION_TYPE: ("unknown-action-type", 422),
    Reason.ARGUMENTS_INVALID: ("arguments-invalid", 422),
    Reason.KEY_REUSED: ("idempotency-key-reused", 409),
    Reason.STOPPED: ("stopped", 423),
    Reason.OVER_CAP: ("over-cap", 429),
    Reason.FROZEN: ("frozen", 503),
    Reason.ALREADY_SETTLED: ("already-settled", 409),
    Reason.DIGEST_MISMATCH: ("digest-mismatch", 409),
    Reason.GRANT_EXPIRED: ("grant-expired", 409),
    Reason.GRANT_REVOKED: ("grant-revoked", 409),
    Reason.GRANT_CLAIMED: ("grant-claimed", 409),
    Reason.AUTHORITY_LAPSED: ("grant-revoked", 409),
    Reason.NOT_CLAIMED: ("not-claimed", 409),
    Reason.ALREADY_REPORTED: ("already-reported", 409),
    Reason.AWAITING_PERSON: ("awaiting-person", 409),
}


def problem(refused: Refused) -> Problem:
    """Return *refused* as a problem."""
    name, status = _NAMES.get(refused.reason, ("refused", 409))
    more: dict[str, str] = {}
    if refused.reason is Reason.ARGUMENTS_INVALID:
        more["path"] = refused.detail.partition(": ")[0]
    if refused.reason is Reason.STOPPED:
        more["scope"], _, more["reason"] = refused.detail.partition(", ")
    after = None if refused.retry_after is None else ceil(refused.retry_after.total_seconds())
    return Problem(name, status, str(refused), more, recorded=True, retry_after=after)
