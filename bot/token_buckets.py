"""Token buckets: what each of many keys may do at once, and how fast it may go on."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class TokenBuckets:
    """One bucket per key, full at first; instants are seconds of whatever clock the caller reads."""

    def __init__(self, *, per_second: float, burst: float, keys: int) -> None:
        self._per_second = per_second
        self._burst = burst
        self._keys = keys
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, *, at: float) -> bool:
        """Take a token of *key*; return False, and take none, if there is no whole one."""
        bucket = self._refilled(key, at)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def reserve(self, key: str, *, at: float) -> float:
        """Take a token of *key*, ahead of time if need be; return the seconds until it is due."""
        bucket = self._refilled(key, at)
        bucket.tokens -= 1
        return max(0.0, -bucket.tokens / self._per_second)

    def _refilled(self, key: str, at: float) -> _Bucket:
        bucket = self._buckets.setdefault(key, _Bucket(self._burst, at))
        # Memory is bounded: the key that was idle longest is forgotten, and starts again with a full bucket.
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        # A clock set back must not take tokens away.
        elapsed = max(0.0, at - bucket.at)
        bucket.tokens = min(self._burst, bucket.tokens + elapsed * self._per_second)
        bucket.at = at
        return bucket
