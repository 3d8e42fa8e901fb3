"""Which attempt of this process claims a grant: the same one again until its claim was answered."""

import secrets
from typing import Final

MOST: Final = 1000  #: Attempts kept, at most; a grant is good for minutes, so the oldest are of no use.


class Attempts:
    """The attempts whose claim may have reached the bot, and whose effect certainly did not begin."""

    def __init__(self) -> None:
        self._unanswered: dict[str, str] = {}

    def of(self, grant_id: str) -> str:
        """Return the attempt that claims: one whose reply was lost, which may claim again, else a new one."""
        attempt = self._unanswered.pop(grant_id, None) or secrets.token_urlsafe(16)
        self._unanswered[grant_id] = attempt
        if len(self._unanswered) > MOST:
            del self._unanswered[next(iter(self._unanswered))]
        return attempt

    def answered(self, grant_id: str) -> None:
        """Forget the attempt: from now on its effect may begin, or another attempt holds the grant."""
        self._unanswered.pop(grant_id, None)

    def is_unanswered(self, grant_id: str) -> bool:
        return grant_id in self._unanswered
