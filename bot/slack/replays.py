"""What the guard remembers, in bounded memory: signed requests it has seen, and peers it has refused."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: A signature dated five minutes ahead stays good for ten.
MEMORY: Final = timedelta(minutes=10)


class Replays:
    """The signed requests of the last ten minutes.

    It spares the work of a replay; the truth is the inbox, whose fingerprints survive a restart and
    are shared by all replicas. So, when full, it forgets the oldest rather than refuse a new click.
    """

    def __init__(self, *, capacity: int) -> None:
        self._capacity = capacity
        self._seen: OrderedDict[str, datetime] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def is_first(self, fingerprint: str, *, now: datetime) -> bool:
        """Remember *fingerprint*; return False if it was remembered already."""
        while self._seen and now - next(iter(self._seen.values())) > MEMORY:
            self._seen.popitem(last=False)
        if fingerprint in self._seen:
            return False
        self._seen[fingerprint] = now
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)
        return True


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: datetime


class Refusals:
    """How many refusals a peer may cause a second before it hears only "too many"."""

    def __init__(self, *, per_second: int, peers: int) -> None:
        self._per_second = per_second
        self._peers = peers
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def may_cause_another(self, peer: str, *, now: datetime) -> bool:
        """Count one refusal against *peer*; return False if it has had its share."""
        bucket = self._buckets.setdefault(peer, _Bucket(self._per_second, now))
        self._buckets.move_to_end(peer)
        if len(self._buckets) > self._peers:
            self._buckets.popitem(last=False)
        # A clock set back must not take tokens away.
        elapsed = max(0.0, (now - bucket.at).total_seconds())
        bucket.tokens = min(self._per_second, bucket.tokens + elapsed * self._per_second)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True
