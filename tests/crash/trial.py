"""Agents and people whose bot is killed under them, again and again, and who keep what they were told."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

from escalation.grant import Grant, GrantState
from escalation.ids import GrantId, RequestId
from escalation.ports import Dossier
from escalation.request import Request, State
from escalation.service.claim import Claimed
from escalation.service.context import Counted
from escalation.service.propose import Proposed
from tests.crash.stories import Broken
from tests.harness.dice import Dice
from tests.harness.fake_slack import FakeSlack
from tests.replicas.commands import claiming, click, posting, telling
from tests.replicas.nursery import Nursery
from tests.replicas.order import Death
from tests.replicas.replica import Died, Failed, Replica

_SIGKILL = -9
#: Times that something is tried before it counts as stuck.
_TRIES = 300
#: A message whose sender died waits until its lease is over.
_LEASE = timedelta(seconds=31)
_RANDOM = "at a random instant"


#: Where the next bot dies, given how many died in a row that had not answered anything.
NextDeath: TypeAlias = Callable[[int], Death | None]


@dataclass(slots=True, kw_only=True)
class Told:
    """What the bot answered, which no crash may make untrue."""

    proposals: list[Proposed] = field(default_factory=list)
    clicks: list[Counted] = field(default_factory=list)
    claims: list[Claimed] = field(default_factory=list)
    ends: list[Grant] = field(default_factory=list)  #: Of reports and resolutions.
    effects: list[GrantId] = field(default_factory=list)  #: What was done outside, grant by grant.


@dataclass(slots=True, kw_only=True)
class Trial:
    """One database, the process that serves it until it is killed, and everybody outside."""

    nursery: Nursery
    url: str
    serves_alone: bool
    slack: FakeSlack
    dice: Dice
    next_death: NextDeath
    told: Told = field(default_factory=Told)
    kills: Counter[str] = field(default_factory=Counter)  #: By where they hit.
    in_recovery: int = 0  #: How many hit before the process had answered anything.
    _bot: Replica | None = None
    _death: Death | None = None
    _answered: bool = False
    _fruitless: int = 0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _count: int = 0

    def number(self) -> int:
        """Return a number that was not used yet."""
        self._count += 1
        return self._count

    async def call(self, name: str, *arguments: Any) -> Any:
        """Have the bot do *name*, again and again, until it says that it did."""
        for _ in range(_TRIES):
            try:
                return await self._once(name, *arguments)
            except Died:
                continue
            except Failed as failed:
                if not failed.may_pass:
                    raise Broken(f"{name}: {failed}") from failed
        raise Broken(f"{name} never went through")

    async def clicks(self, name: str, who: str, *arguments: Any) -> Any:
        """Have *who* click, and again where Slack says that it had trouble: or Slack itself repeats it."""
        made = click(who)
        for _ in range(_TRIES):
            try:
                outcome = await self._once(name, made, *arguments)
            except (Died, Failed) as failed:
                if isinstance(failed, Failed) and not failed.may_pass:
                    raise Broken(f"{name}: {failed}") from failed
                made = made if self.dice.random() < 0.5 else click(who)
                continue
            if isinstance(outcome, Counted):
                self.told.clicks.append(outcome)
            return outcome
        raise Broken(f"{name} by {who} never went through")

    async def asks(self, **changes: Any) -> Request:
        """Propose a posting, and wait until its card stands."""
        proposed = await self.call("propose", posting(f"key-{self.number()}", **changes))
        return await self.asked(proposed)

    async def asked(self, proposed: Any) -> Request:
        """Wait until the card of what was *proposed* stands in Slack."""
        if not isinstance(proposed, Proposed):
            raise Broken(f"a proposal was refused: {proposed}")
        self.told.proposals.append(proposed)
        await self.until_shown(proposed.request.id)
        return proposed.request

    async def until_shown(self, request: RequestId) -> None:
        """Let the engine beat until *request* is on a card that somebody can click."""
        for attempt in range(_TRIES):
            if any(posted.says(f'"{request}"') for posted in self.slack.messages):
                return
            if attempt > 1:
                self.nursery.clock.advance(_LEASE)
            await self.call("tick")
        raise Broken(f"{request} never got its card")

    async def ends(self, request: RequestId, *states: State) -> Dossier:
        """Return *request* once it ended, which must be as one of *states*."""
        for attempt in range(_TRIES):
            seen: Dossier = await self.call("see", request)
            if seen.request.state.is_settled:
                if seen.request.state not in states:
                    raise Broken(f"{request} ended as {seen.request.state.value}")
                return seen
            if attempt:
                await self.call("tick")
        raise Broken(f"{request} never ended")

    async def claims(self, grant: Grant | None, attempt: str) -> None:
        """Claim *grant*; it must be given."""
        assert grant is not None
        claimed = await self.call("claim", grant.id, claiming(grant, attempt))
        if not isinstance(claimed, Claimed):
            raise Broken(f"the claim of {grant.id} was refused: {claimed}")
        self.told.claims.append(claimed)

    async def acts(self, grant: Grant | None) -> None:
        """Claim *grant*, do it, and say so."""
        attempt = f"attempt-{self.number()}"
        await self.claims(grant, attempt)
        assert grant is not None
        self.told.effects.append(grant.id)
        told = await self.call("report", grant.id, telling(attempt))
        if not isinstance(told, Grant) or told.state is not GrantState.SUCCEEDED:
            raise Broken(f"the report on {grant.id} came to {told}")
        self.told.ends.append(told)

    async def rest(self) -> None:
        """Kill the bot and let nobody be born."""
        if self._bot is not None:
            await self.nursery.bury(self._bot)
            self._bot = None

    async def _once(self, name: str, *arguments: Any) -> Any:
        bot = await self._alive()
        value = await bot.call(name, *arguments)
        self._answered, self._fruitless = True, 0
        return value

    async def _alive(self) -> Replica:
        async with self._turn:
            if self._bot is not None and self._bot.dead.done():
                await self._mourn(self._bot)
            while self._bot is None:
                self._bot = await self._born()
            return self._bot

    async def _born(self) -> Replica | None:
        self._death, self._answered = self.next_death(self._fruitless), False
        bot = await self.nursery.bear(
            self.url, slack=self.slack, death=self._death, serves_alone=self.serves_alone
        )
        if self._death is not None and self._death.after is not None:
            asyncio.get_running_loop().call_later(self._death.after, self.nursery.kill, bot)
        try:
            await bot.ready()
        except Died:
            await self._mourn(bot)
            return None
        return bot

    async def _mourn(self, bot: Replica) -> None:
        self._bot = None
        if (status := await bot.dead) != _SIGKILL:
            raise Broken(f"the bot ended by itself, with status {status}")
        self.kills[self.nursery.clock.last_words() or _RANDOM] += 1
        if not self._answered:
            self.in_recovery += 1
            self._fruitless += 1
