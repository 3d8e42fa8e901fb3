"""The configurations that were ever in force."""

from datetime import datetime
from typing import Protocol


class Configurations(Protocol):
    """Every configuration that was ever in force."""

    async def add(self, version: str, *, at: datetime, body: str) -> bool:
        """Remember it as the one in force; return False if it is so already."""
        ...
