"""The signed requests that were seen already, in bounded memory."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

#: A signature dated five minutes ahead stays good for ten.
MEMORY: Final = timedelta(minutes=10)


class ReplayCache:
    """The signed requests of the last ten minutes.

    A cache in front of the inbox table, whose fingerprints survive a restart and are shared by all
    replicas. So, when full, it evicts the oldest rather than refuse a new click.
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
