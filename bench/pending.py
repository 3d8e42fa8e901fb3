"""Fills a database with pending requests whose cards are posted."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bench import bulk, work
from bench.bulk import Values
from bench.databases import core_of, run_sql
from escalation.ids import RequestId
from escalation.ladder import Rung
from escalation.request import State
from escalation.service.propose import Proposed, propose


async def fill(url: str, count: int) -> list[RequestId]:
    """Put *count* proposals, and return their requests: one is proposed, the others are its copies."""
    first = await _propose(url)
    return [first, *await _copy(url, first, count - 1, lambda _: {})]


async def fill_due(url: str, count: int, due: Callable[[int], datetime]) -> None:
    """
    Put *count* proposals that are due when *due* says so, beside one that is not.

    People have been reminded of them already, so that nothing but their deadline falls due.
    """

    def changes(number: int) -> Values:
        at = due(number)
        return {
            "asked_at": bulk.instant(url, at - timedelta(minutes=15)),
            "delivered_at": bulk.instant(url, at - timedelta(minutes=15)),
            "nudge_at": bulk.instant(url, at - timedelta(minutes=7)),
            "backup_at": bulk.instant(url, at - timedelta(minutes=3)),
            "deadline": bulk.instant(url, at),
            "next_due_at": bulk.instant(url, at),
            "rung": Rung.BACKUP.value,
        }

    await _copy(url, await _propose(url), count, changes)


async def nothing_unsaid(url: str) -> None:
    """
    Take everything as posted.

    Slack takes a message a second and channel: it would need hours. A bot that begins with all of it unsaid
    is another measurement.
    """
    await run_sql(url, "UPDATE outbox SET sent_at = at WHERE sent_at IS NULL")


async def _copy(url: str, first: RequestId, count: int, changes: Callable[[int], Values]) -> list[RequestId]:
    requests = [RequestId(bulk.new_id(first)) for _ in range(count)]
    (request,) = await bulk.rows(url, "requests", f"id = '{first}'")
    await bulk.copy(
        url, "requests", request, count,
        lambda number: {"id": requests[number], "key": None, **changes(number)},
    )  # fmt: skip
    return requests


async def _propose(url: str) -> RequestId:
    async with core_of(url) as core:
        proposed = await propose(core, work.proposal())
    assert isinstance(proposed, Proposed), proposed
    assert proposed.request.state is State.PENDING, proposed.request
    await nothing_unsaid(url)
    return proposed.request.id
