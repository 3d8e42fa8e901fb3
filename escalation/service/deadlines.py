"""The clock settles what nobody answered (nudge, backup, safe default) and lets grants lapse."""

from dataclasses import dataclass

from escalation import grant as grants
from escalation.grant import Lapse
from escalation.ports import Transaction
from escalation.reason import Refused
from escalation.request import Climb, apply
from escalation.service.context import Core, seconds_until, wake
from escalation.service.steps.clerk import by_us
from escalation.service.steps.grants import end_grant
from escalation.service.steps.judge import stop_on
from escalation.service.steps.settle import climbed, settle_if_over


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """In how many seconds something is due, by the store's clock: 0 is now, None is nothing known."""

    requests_in: float | None
    grants_in: float | None

    @property
    def now(self) -> bool:
        """Whether something is due already."""
        return self.next_in == 0

    @property
    def next_in(self) -> float | None:
        """Seconds until the first of them is due."""
        known = [each for each in (self.requests_in, self.grants_in) if each is not None]
        return min(known, default=None)


async def due(core: Core) -> Due:
    """Return when the next rung and the next end of a grant are due."""
    async with core.store.read() as tx:
        requests_at, grants_at = await tx.requests.next_due_at(), await tx.grants.next_due_at()
        return Due(
            requests_in=None if requests_at is None else seconds_until(requests_at, tx.now),
            grants_in=None if grants_at is None else seconds_until(grants_at, tx.now),
        )


async def settle_due(core: Core, *, batch: int) -> int:
    """Take the next rung of up to *batch* requests that are due, oldest first; return how many."""
    async with core.store.write() as tx:
        settled = await _climb_all(core, tx, batch)
        core.kill("deadline:before-commit")
    if settled:
        await wake(core, *settled)
    return len(settled)


async def lapse_due(core: Core, *, batch: int) -> int:
    """Let up to *batch* grants lapse that nobody claimed, or nobody reported; return how many."""
    async with core.store.write() as tx:
        clerk, lapsed = by_us(core, tx, "clock"), 0
        for grant in await tx.grants.lock_due(tx.now, batch):
            outcome = grants.apply(grant, Lapse(), now=tx.now)
            if isinstance(outcome, Refused):
                continue
            await end_grant(clerk, outcome.grant)
            lapsed += 1
    if lapsed:
        await wake(core)
    return lapsed


async def _climb_all(core: Core, tx: Transaction, batch: int) -> list[str]:
    clerk, done = by_us(core, tx, "clock"), []
    # Not shared: a stop must not wait for a batch. One that commits meanwhile takes effect after it.
    stopped = await tx.switches.stopped()
    for request in await tx.requests.lock_due(tx.now, batch):
        if stop_on(request, stopped) is not None:
            ended = await settle_if_over(core, tx, request, stopped)
            done += [str(ended.id)] if ended.state.is_settled else []
            continue
        outcome = apply(request, Climb(), now=tx.now)
        if isinstance(outcome, Refused):
            continue
        await climbed(clerk, request, outcome.request)
        done.append(str(request.id))
    return done
