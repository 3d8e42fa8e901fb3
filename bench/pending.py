"""Fills a database with pending requests whose cards are posted."""

from bench import work
from bench.databases import core_of, run_sql
from bench.measure import at_once
from escalation.ids import RequestId
from escalation.request import State
from escalation.service.context import Core
from escalation.service.propose import Proposed, propose


async def fill(url: str, count: int) -> list[RequestId]:
    """Put *count* proposals, and return their requests."""
    async with core_of(url) as core:
        requests = await _propose(core, count)
    # Slack takes a message a second and channel: it would need hours. A bot that begins with all of
    # it unsaid is another measurement.
    await run_sql(url, "UPDATE outbox SET sent_at = at WHERE sent_at IS NULL")
    return requests


async def _propose(core: Core, count: int) -> list[RequestId]:
    found: list[RequestId] = []

    async def one() -> float:
        proposed = await propose(core, work.proposal())
        assert isinstance(proposed, Proposed), proposed
        assert proposed.request.state is State.PENDING, proposed.request
        found.append(proposed.request.id)
        return 0.0

    await at_once(64, one, count=count)
    return found
