"""Several processes over one database, each with files of its own; tests call their use cases directly."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from shutil import copytree
from typing import Any

from bot.adapters import open_core
from bot.config import Environment, Held, Loaded, load
from bot.file_watch import FileWatch
from escalation.authority import Account
from escalation.clock import Clock
from escalation.grant import Claim, Grant
from escalation.ids import AgentName, RequestId
from escalation.ports import Store
from escalation.reason import Refused
from escalation.request import Request, Words
from escalation.service import claim as claims
from escalation.service import configure, queries
from escalation.service.claim import Claimed
from escalation.service.context import Click, Core, Counted
from escalation.service.decide import Approve, decide
from escalation.service.propose import Proposal, Propose, Proposed, propose
from escalation.store.memory import MemoryStore
from tests.scenario.agent import POSTING
from tests.scenario.conftest import OpenStore
from tests.scenario.rules import ANDON, MANIFEST, ROOT, RUNBOOK, TODAY, shipped
from tests.scenario.world import AGENT, PEOPLE, told_by

_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One process: what it works by, and what agents and people do through it."""

    core: Core
    held: Held

    @property
    def version(self) -> str:
        """What it works by."""
        return self.held.configuration().version

    async def puts_in_force(self, loaded: Loaded) -> None:
        """Apply *loaded*, as an operator at a command line would: this process hears of it like any other."""
        await configure.put_in_force(self.core.by(loaded.configuration), body=loaded.body)

    async def starts(self, loaded: Loaded) -> bool:
        """Start again with the files *loaded*; return whether they are in force."""
        self.held.become(loaded)
        return await configure.start(self.core, body=loaded.body)

    async def asks(self, *, confidence: float | None = None, **changes: Any) -> Proposed | Refused:
        """Propose a posting."""
        wanted = Proposal(type="ledger.post", arguments={**POSTING, **changes})
        words = Words(confidence=confidence)
        command = Propose(agent=AgentName(AGENT), key=f"key-{next(_numbers)}", subject=wanted, words=words)
        return await propose(self.core, command)

    async def asked(self, **changes: Any) -> Request:
        """Return a posting that people are asked about."""
        proposed = await self.asks(**changes)
        assert isinstance(proposed, Proposed)
        return proposed.request

    async def approves(self, who: str, request: Request) -> Counted | Refused:
        """Have *who* click Approve."""
        return await decide(self.core, click(who), RequestId(request.id), Approve())

    async def claims(self, grant: Grant | None) -> Claimed | Refused:
        """Claim *grant*."""
        assert grant is not None
        command = Claim(agent=AgentName(AGENT), digest=grant.digest, attempt=f"try-{next(_numbers)}")
        return await claims.claim(self.core, grant.id, command)

    async def follows(self) -> None:
        """Do what the engine does at each of its beats."""
        await configure.follow(self.core)


def click(who: str) -> Click:
    """Return a click of *who*, as it arrives once verified."""
    account = Account("T01ANDON", PEOPLE[who])
    return Click(account=account, fingerprint=f"click-{next(_numbers)}", what="request:approve")


@asynccontextmanager
async def replicas(open_store: OpenStore, clock: Clock, *, number: int = 2) -> AsyncIterator[list[Replica]]:
    """Yield *number* processes that started with the shipped files, over one database."""
    shared: Store | None = None
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(number):
            store = shared or open_store(clock)
            shared = store if isinstance(store, MemoryStore) else None
            held = Held(shipped())
            opened = await stack.enter_async_context(
                open_core(Environment(), shipped().configuration, store=store, clock=clock)
            )
            core = replace(opened, configuration=held.configuration, adopt=held.adopt)
            await configure.start(core, body=shipped().body)
            found.append(Replica(core=core, held=held))
        yield found


@dataclass(slots=True)
class Site:
    """The files of one process, on its disk, and who watches them."""

    root: Path
    replica: Replica
    watch: FileWatch = field(init=False)

    def __post_init__(self) -> None:
        for name in (ANDON, MANIFEST, RUNBOOK):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        copytree(ROOT / "runbooks", self.root / "runbooks", dirs_exist_ok=True)
        for name in (ANDON, MANIFEST):
            (self.root / name).write_bytes((ROOT / name).read_bytes())
        self.watch = FileWatch(
            self.replica.core,
            self.replica.held,
            self.root / ANDON,
            version=load(self.root / ANDON, today=TODAY).configuration.version,
            today=lambda: TODAY,
        )

    def write(self, file: str, old: str, new: str) -> None:
        """Write *new* for *old*."""
        text = (self.root / file).read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}"
        (self.root / file).write_text(text.replace(old, new), encoding="utf-8")

    async def looks(self) -> None:
        """Look until the files were found alike twice, and a little longer."""
        for _ in range(4):
            await self.watch.look()


async def events(core: Core, name: str) -> list[Any]:
    """Return what the record says under *name*, oldest first."""
    found = await queries.events(core, agent=None, subject=None, limit=10_000)
    return [event for event in map(told_by, found) if event.name.value == name]
