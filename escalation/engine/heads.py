"""Keeps the head of the record outside the database, and notices when the database went back behind it."""

import structlog

from escalation.engine.module import Module, Progress
from escalation.head import Head
from escalation.service import restore
from escalation.service.context import Core

_log = structlog.get_logger(__name__)


class Watch:
    """Looks every other second, and remembers what it saw: a database may go back under a process."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: Head | None = None
        self._frozen: str | None = None
        self._unkept: str | None = None
        self.module = Module(name="heads", work=self._look, every=2.0)

    def lines(self) -> list[str]:
        """Return what operators are told: that releases are frozen, that the head is not kept."""
        frozen = [] if self._frozen is None else [f"Releases are frozen: {self._frozen}"]
        unkept = (
            [] if self._unkept is None else ["The head of the record is not kept outside; the log says why"]
        )
        return [*frozen, *unkept]

    async def _look(self) -> Progress:
        sight = await restore.watch(self._core, self._known)
        if sight.unkept is not None and sight.unkept != self._unkept:
            # Nothing is lost by it yet, and no other process would do better: it is told, and goes on.
            _log.error("head_not_kept", why=sight.unkept)
        self._frozen, self._unkept = sight.frozen, sight.unkept
        if sight.frozen is None and sight.head is not None:
            self._known = sight.head
        return Progress(done=0)
