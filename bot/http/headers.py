"""The headers of one request, as they were sent: repeated ones are visible, never merged."""

from collections.abc import Iterable


class Headers:
    """The headers of one request: every value that was sent, by lower-case name."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[bytes, list[bytes]] = {}
        self.size = 0  #: Bytes of all names and values.
        for name, value in raw:
            self.size += len(name) + len(value)
            self._values.setdefault(name.lower(), []).append(value)

    def all(self, name: bytes) -> list[bytes]:
        """Return the values of *name*, in the order they were sent."""
        return self._values.get(name, [])

    def first(self, name: bytes) -> bytes | None:
        """Return the first value of *name*, or None if it was not sent."""
        return next(iter(self.all(name)), None)

    def repeated(self, names: Iterable[bytes]) -> bool:
        """Tell whether any of *names* was sent more than once: two readers could pick two values."""
        return any(len(self.all(name)) > 1 for name in names)
