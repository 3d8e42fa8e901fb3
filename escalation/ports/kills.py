"""Named places where a test may kill the process."""

from typing import Protocol


class Kills(Protocol):
    """Named places where a test may kill the process. In production they do nothing."""

    def __call__(self, point: str) -> None: ...


def never(point: str) -> None:
    """Let the process live."""
