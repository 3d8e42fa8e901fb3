"""Names of things: typed ids, and the one place that draws randomness for them."""

import base64
import os
from typing import NewType, Protocol

from escalation.clock import Clock

RequestId = NewType("RequestId", str)
GrantId = NewType("GrantId", str)
DecisionId = NewType("DecisionId", str)
EventId = NewType("EventId", str)
IngressId = NewType("IngressId", str)
OutboxId = NewType("OutboxId", str)
KeyId = NewType("KeyId", str)
AgentName = NewType("AgentName", str)
PersonId = NewType("PersonId", str)

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Ten bits at a time.
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]


class Ids(Protocol):
    """Where new ids and secrets come from."""

    def new(self, prefix: str) -> str:
        """Return a fresh id such as ``req_01J…``: unique, and sortable by the time it was made."""
        ...

    def secret(self) -> str:
        """Return 256 unguessable bits as 43 URL-safe characters."""
        ...


class Ulids:
    """Ids from the operating system's randomness, after the clock's milliseconds.

    Of two ids from one source the later one is greater, also within a millisecond: what one
    transaction queues for Slack is said in that order.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._milliseconds = 0
        self._entropy = 0

    def new(self, prefix: str) -> str:
        milliseconds = int(self._clock.now().timestamp() * 1000)
        if milliseconds > self._milliseconds:
            self._milliseconds = milliseconds
            self._entropy = int.from_bytes(os.urandom(10), "big") >> 1  # with room to count up
        else:
            self._entropy += 1
        return f"{prefix}_{ulid(self._milliseconds, self._entropy.to_bytes(10, 'big'))}"

    def secret(self) -> str:
        return base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()


def ulid(milliseconds: int, entropy: bytes) -> str:
    """Return the 26 characters of the ULID of *milliseconds* since 1970 and 10 bytes of *entropy*.

    Source: https://github.com/ulid/spec
    """
    number = (milliseconds << 80) | int.from_bytes(entropy, "big")
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])
