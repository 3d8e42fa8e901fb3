"""The clock settles what nobody answered (nudge, backup, safe default) and lets grants lapse."""

from collections.abc import Sequence
from dataclasses import dataclass

from escalation import grant as grants
from escalation.grant import Grant, GrantState, Lapse
from escalation.ids import GrantId, RequestId
from escalation.ports import Transaction
from escalation.reason import Refused
from escalation.request import Request, apply
from escalation.service.context import Core, seconds_until, wake
from escalation.service.steps.batch import settle_batch
from escalation.service.steps.clerk import Clerk
from escalation.service.steps.grants import doubt_grant, end_grant
from escalation.service.steps.judge import stop_on
from escalation.service.steps.restored import is_older_copy
from escalation.service.steps.set_aside import set_aside
from escalation.service.steps.settle import climb, climbed, settle_if_over
from escalation.switch import Switch


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
        found = Due(
            requests_in=None if requests_at is None else seconds_until(requests_at, tx.now),
            grants_in=None if grants_at is None else seconds_until(grants_at, tx.now),
        )
    # What cannot be read is never settled: it must not be aimed at again and again.
    await set_aside(core)
    return found


async def settle_due(core: Core, *, batch: int) -> int:
    """Take the next rung of up to *batch* requests that are due, oldest first; return how many."""
    settled = await settle_batch(core, _Requests(), limit=batch)
    if settled:
        await wake(core, *settled)
    return len(settled)


async def lapse_due(core: Core, *, batch: int) -> int:
    """Let up to *batch* grants lapse that nobody claimed, or nobody reported; return how many."""
    lapsed = await settle_batch(core, _Grants(), limit=batch)
    if lapsed:
        await wake(core)
    return len(lapsed)


class _Requests:
    """Requests whose next rung is due; those under a stop are ended by it."""

    kind = "requests"

    def __init__(self) -> None:
        self._stopped: Sequence[Switch] = ()

    async def lock_due(self, tx: Transaction, limit: int) -> Sequence[Request]:
        # Not shared: a stop must not wait for a batch. One that commits meanwhile takes effect after it.
        self._stopped = await tx.switches.stopped()
        return await tx.requests.lock_due(tx.now, limit)

    async def lock(self, tx: Transaction, id_: str) -> Request | None:
        self._stopped = await tx.switches.stopped()
        return await tx.requests.lock(RequestId(id_))

    async def settle(self, clerk: Clerk, row: Request) -> bool:
        if stop_on(clerk.core.configuration(), row, self._stopped) is not None:
            return (await settle_if_over(clerk.core, clerk.tx, row, self._stopped)).state.is_settled
        outcome = apply(row, await climb(clerk.tx, row), now=clerk.tx.now)
        if isinstance(outcome, Refused):
            return False
        await climbed(clerk, row, outcome.request)
        return True

    def pass_kill_point(self, core: Core) -> None:
        core.kill("deadline:before-commit")


class _Grants:
    """Grants whose time is over."""

    kind = "grants"

    async def lock_due(self, tx: Transaction, limit: int) -> Sequence[Grant]:
        return await tx.grants.lock_due(tx.now, limit)

    async def lock(self, tx: Transaction, id_: str) -> Grant | None:
        return await tx.grants.lock(GrantId(id_))

    async def settle(self, clerk: Clerk, row: Grant) -> bool:
        outcome = grants.apply(row, Lapse(), now=clerk.tx.now)
        if isinstance(outcome, Refused):
            return False
        if outcome.grant.state is GrantState.EXPIRED and await is_older_copy(clerk.tx):
            # Unused by this copy: it may have been used since the copy was made.
            await doubt_grant(clerk, row)
        else:
            await end_grant(clerk, outcome.grant)
        return True

    def pass_kill_point(self, core: Core) -> None:
        core.kill("deadline:before-commit")
