"""What a process without HTTP may be told to do: the use cases, as the doors call them, and the engine."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bot.config import Held, Loaded
from bot.config.load import load_remembered
from escalation.engine.metronome import Metronome
from escalation.ids import AgentName, RequestId
from escalation.ports import Dossier, StoredConfiguration
from escalation.service import queries
from escalation.service.acknowledge import acknowledge
from escalation.service.ask_again import ask_again
from escalation.service.cancel import cancel
from escalation.service.claim import claim
from escalation.service.configure import Change, put_in_force
from escalation.service.context import Core
from escalation.service.decide import decide
from escalation.service.edit import edit
from escalation.service.propose import propose
from escalation.service.report import report
from escalation.service.resolve import resolve
from escalation.service.stop import resume, stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """One process that serves."""

    core: Core
    held: Held
    engine: Metronome


async def call(serving: Serving, name: str, arguments: tuple[Any, ...]) -> Any:
    """Do what is called *name* and return what came of it."""
    if name in _USE_CASES:
        return await _USE_CASES[name](serving.core, *arguments)
    return await _OTHERS[name](serving, *arguments)


async def _tick(serving: Serving) -> None:
    await serving.engine.tick()


async def _run(serving: Serving, name: str) -> int:
    module = next(each for each in serving.engine.modules if each.name == name)
    return await module.run()


async def _configure(serving: Serving, stored: StoredConfiguration) -> Change:
    # As an operator at the command line: this process hears of it like any other.
    applied = serving.core.by(_remembered(stored).configuration)
    return await put_in_force(applied, body=stored.body)


async def _wait(serving: Serving, agent: AgentName, request: RequestId, wait: float) -> Dossier | None:
    return await queries.own(serving.core, agent, request, wait=wait)


@cache
def _remembered(stored: StoredConfiguration) -> Loaded:
    return load_remembered(stored)


_USE_CASES: Mapping[str, Callable[..., Awaitable[Any]]] = {
    "acknowledge": acknowledge,
    "ask_again": ask_again,
    "cancel": cancel,
    "claim": claim,
    "decide": decide,
    "edit": edit,
    "propose": propose,
    "report": report,
    "resolve": resolve,
    "resume": resume,
    "see": queries.dossier,
    "stop": stop,
}
_OTHERS: Mapping[str, Callable[..., Awaitable[Any]]] = {
    "configure": _configure,
    "run": _run,
    "tick": _tick,
    "wait": _wait,
}
