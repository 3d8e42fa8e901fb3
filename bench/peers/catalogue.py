"""The peers: what each is, what it needs, and which work it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A tool that does some of our work."""

    name: str
    folder: str  #: Where its driver and the versions of its packages are.
    how: str  #: How it does the work, for the page.
    trips: str = ""  #: Which of our round trips its own are compared with, if any.
    timers: bool = False
    needs: frozenset[str] = frozenset()  #: Of ``postgresql`` and ``valkey``.
    among: Path = HERE  #: The folder of its folder.
    settings: Mapping[str, object] = field(default_factory=dict)  #: For its driver.

    @property
    def home(self) -> Path:
        """Where its driver and the versions of its packages are."""
        return self.among / self.folder

    @property
    def module(self) -> str:
        """The driver, as ``python -m`` calls it."""
        return f"bench.peers.{self.folder}.driver"


IN_PROCESS: Final = "round trip in process"
OVER_HTTP: Final = "round trip over HTTP"
_POSTGRESQL: Final = frozenset({"postgresql"})

PEERS: Final[Sequence[Peer]] = (
    Peer(
        name="procrastinate",
        folder="procrastinate",
        how="one job scheduled at the deadline, one for the decision, which a worker is notified of",
        trips=IN_PROCESS,
        timers=True,
        needs=_POSTGRESQL,
        settings={"pool": 8, "concurrency": 64},
    ),
    Peer(
        name="LangGraph",
        folder="langgraph",
        how='`interrupt`, PostgreSQL checkpointer with `durability="sync"`, then `Command(resume=…)`',
        trips=IN_PROCESS,
        needs=_POSTGRESQL,
        settings={"pool": 8},
    ),
    Peer(
        name="DBOS",
        folder="dbos",
        how="a workflow in `recv`, then `send`; its handle returns",
        trips=IN_PROCESS,
        needs=_POSTGRESQL,
    ),
    Peer(
        name="Restate",
        folder="restate",
        how="a call that waits for an awakeable, which a second call resolves",
        trips=OVER_HTTP,
        timers=True,
    ),
    Peer(
        name="APScheduler 3",
        folder="apscheduler",
        how="`AsyncIOScheduler`, SQLAlchemy job store on PostgreSQL, `misfire_grace_time=None`",
        timers=True,
        needs=_POSTGRESQL,
    ),
    Peer(
        name="pg-boss",
        folder="pg_boss",
        how="`sendAfter`, a worker that polls every half second, the least it allows",
        timers=True,
        needs=_POSTGRESQL,
    ),
    Peer(
        name="Celery",
        folder="celery",
        how="`eta`, a worker with four processes, Valkey that writes every change to the disk",
        timers=True,
        needs=frozenset({"valkey"}),
    ),
)
