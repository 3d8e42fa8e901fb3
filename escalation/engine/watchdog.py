"""Watches the others: a module that stumbles is logged once; one that stays away is an alarm."""

from collections.abc import Sequence

import structlog

from escalation.engine.module import Module, Progress
from escalation.engine.reach import Reach
from escalation.service import deliver
from escalation.service.context import Core

_log = structlog.get_logger(__name__)


def module(core: Core, others: Sequence[Module], reach: Reach) -> Module:
    """Return the module that looks after *others*, the store, and what waits while Slack is away."""

    async def look() -> Progress:
        await core.store.check()
        for other in others:
            if other.is_late():
                _log.error("module_is_late", module=other.name, error=other.error)
        if reach.is_away:
            reach.count(await deliver.undelivered(core))
        return Progress(done=0)

    return Module(name="watchdog", work=look, every=5.0)


def trouble(modules: Sequence[Module]) -> list[str]:
    """Return what is wrong with *modules* right now, one line each, for anybody who asks."""
    # The kind of error alone: its words, which the log has, may name a host or a path.
    return [f"{module.name}: {module.error.partition(':')[0]}" for module in modules if module.error]
