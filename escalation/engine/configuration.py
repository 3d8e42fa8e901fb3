"""Follows the configuration in force; while that cannot be loaded, says so, and nothing is decided here."""

import structlog

from escalation.engine.module import Module, Progress
from escalation.errors import NotInForce
from escalation.service import configure
from escalation.service.context import Core

_log = structlog.get_logger(__name__)


def module(core: Core) -> Module:
    """Return the module that loads what another process put in force."""
    told: set[str] = set()

    async def follow() -> Progress:
        try:
            changed = await configure.follow(core)
        except NotInForce as error:
            # One alarm each time; that it goes on is said by /readyz.
            if str(error) not in told:
                _log.error("configuration_not_loaded", error=str(error))
                await configure.alarm_unreadable(core, error)
                told.add(str(error))
            raise
        told.clear()
        if changed:
            _log.info("configuration_in_force", version=core.configuration().version)
        return Progress(done=0)

    return Module(name="configuration", work=follow, every=0.5)
