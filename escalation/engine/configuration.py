"""Follows the configuration in force and the schema; while it cannot, says so, and this process is quiet."""

import structlog

from escalation.engine.module import Module, Progress
from escalation.errors import NotInForce, SchemaMismatch
from escalation.service import configure
from escalation.service.context import Core

_log = structlog.get_logger(__name__)


class Follower:
    """Looks twice a second, and whenever another process put a configuration in force."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._told: str | None = None
        #: Whether another version of the program has migrated the database: it is not ours to write now.
        self.is_outdated = False
        self.module = Module(name="configuration", work=self._follow, every=0.5)

    async def _follow(self) -> Progress:
        try:
            changed = await configure.follow(self._core)
        except SchemaMismatch as error:
            self.is_outdated = True
            self._tell("schema_is_another", error)
            raise
        except NotInForce as error:
            if self._tell("configuration_not_loaded", error):
                await configure.alarm_unreadable(self._core, error)
            raise
        self.is_outdated, self._told = False, None
        if changed:
            _log.info("configuration_in_force", version=self._core.configuration().version)
        return Progress(done=0)

    def _tell(self, event: str, error: Exception) -> bool:
        # Once; that it goes on is said by /readyz.
        news = str(error) != self._told
        if news:
            _log.error(event, error=str(error))
            self._told = str(error)
        return news
