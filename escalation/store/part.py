"""How a transaction comes by its tables: each is made when it is first asked for."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")


class Part(Generic[S, T]):
    """One attribute of a transaction: a table, or a few that belong together, on its *source*."""

    def __init__(self, make: Callable[[S], T]) -> None:
        self._make = make
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, tx: Any, owner: type | None = None) -> T:
        made = self._make(tx.source)
        tx.__dict__[self._name] = made  # found there from now on
        return made
