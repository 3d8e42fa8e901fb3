"""
Gated functions: called like the functions they decorate, run only under a claimed grant.

The decorated function is kept out of reach (there is no `__wrapped__`), so that no framework that unwraps
functions can call it past the gate.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Final, Generic, ParamSpec, Protocol, Self, TypeVar, Unpack

from andon.gate import Effect, Gate
from andon.models import Because
from andon.signature import Signature

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_SUMMARY: Final = 300  #: Characters.


class Decorator(Protocol):
    """Turns a coroutine function into a `Gated` one with the same signature."""

    def __call__(self, function: Callable[P, Awaitable[R]], /) -> "Gated[P, R]": ...


class GatedBase:
    """What both kinds of gated function show of the decorated one: its name, docstring and signature."""

    def __init__(self, action_type: str, function: Callable[..., object]) -> None:
        self.__module__ = function.__module__
        self.__name__ = getattr(function, "__name__", action_type)
        self.__qualname__ = getattr(function, "__qualname__", action_type)
        self.__doc__ = inspect.getdoc(function)
        self.__signature__ = inspect.signature(function)
        self._action_type = action_type
        self._summary = _default_summary(self)
        self._because = Because()

    def __repr__(self) -> str:
        return f"<{self.__qualname__} gated as {self._action_type}>"

    def asking(self, *, summary: str | None = None, **because: Unpack[Because]) -> Self:
        """Return the same gated function, asking with these words (and, for a twin action, its own key)."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._summary = self._summary if summary is None else summary
        other._because = {**self._because, **because}
        return other


def _default_summary(gated: GatedBase) -> str:
    """Return the docstring's first line, else the function's name; the contract refuses an empty summary."""
    first = (gated.__doc__ or "").strip().partition("\n")[0].strip()
    name = gated.__name__.replace("_", " ").strip()  # never the action's type: the card shows that anyway
    return (first or name[:1].upper() + name[1:])[:LONGEST_SUMMARY]


class Gated(GatedBase, Generic[P, R]):
    """An async function behind the gate: await it as the function it was."""

    def __init__(self, gate: Gate, action_type: str, function: Callable[P, Awaitable[R]]) -> None:
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"{function!r} is not an async function; gate plain ones with andon.sync.Andon")
        super().__init__(action_type, function)
        self._gate = gate
        self._effect: Effect[R] = Effect(
            action_type=action_type,
            signature=Signature[R](function),
            run=lambda call: function(*call.args, **call.kwargs),
        )

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Propose, claim, run once with what was approved, report; or raise, and nothing ran."""
        arguments = self._effect.signature.encode(*args, **kwargs)
        return await self._gate.run(self._effect, arguments, summary=self._summary, because=self._because)
