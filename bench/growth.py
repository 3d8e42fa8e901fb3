"""W6: round trips and clicks on a database that holds the record of many settled requests."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from bench import bulk
from bench.acknowledged import People
from bench.bulk import Values
from bench.databases import Databases, Kind, check, core_of, run_sql
from bench.in_process import Trips
from bench.measure import Meters, at_once, by_the_clock, cpu_of, middle
from bench.pending import fill, nothing_unsaid
from bench.rows import Row
from bench.server import serving
from bench.sizes import Sizes

_CALLERS = 8
_CLICKS = 50  #: A second.
#: What each further size of the record may cost more, of what an empty one costs: it is a logarithm's growth.
_MORE = 0.2
#: Nobody but a triggered link takes an event out of line: here somebody does, with the guard off.
_FORGET = {
    "sqlite": ("DROP TRIGGER IF EXISTS audit_unlinked_no_delete", "DELETE FROM audit_unlinked"),
    "postgresql": (
        "ALTER TABLE audit_unlinked DISABLE TRIGGER USER",
        "TRUNCATE audit_unlinked",
        "ALTER TABLE audit_unlinked ENABLE TRIGGER USER",
    ),
}


async def measure(databases: Databases, kind: Kind, sizes: Sizes) -> list[Row]:
    """Measure with more and more settled requests."""
    found = [await _measure(databases, kind, sizes, count) for count in sizes.settled]
    return [row for rows in zip(*found, strict=True) for row in judged(rows)]


def judged(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield *rows*, each with what it costs more than the first: a tenfold record may cost a little more."""
    first, *others = rows
    yield first
    for power, row in enumerate(others, 1):
        ratio = row.figures.p50 / first.figures.p50
        said = f"p50 {ratio:.2f} × that of an empty record, at most {1 + _MORE * power:.1f}"
        met = ratio <= 1 + _MORE * power
        yield replace(row, goal=f"{said}: met" if met else f"**{said}: missed**")


async def _measure(databases: Databases, kind: Kind, sizes: Sizes, settled: int) -> list[Row]:
    url = await databases.fresh(kind)
    requests = await fill(url, sizes.runs * round(_CLICKS * sizes.clocked))
    async with core_of(url) as core:
        trips = Trips.of(core)
        await trips.one()
        await settle(url, settled)
        await at_once(_CALLERS, trips.one, count=8 * _CALLERS)
        beside = Meters(beside=databases.cpu(kind))
        load = partial(at_once, _CALLERS, trips.one, seconds=sizes.seconds, meters=beside)
        runs = [await load() for _ in range(sizes.runs)]
    await nothing_unsaid(url)
    async with serving(url, databases.folder) as server:
        people = People(server, await server.clicks(), iter(requests))
        meters = Meters(own=cpu_of(server.process.pid), beside=databases.cpu(kind))
        click = partial(by_the_clock, _CLICKS, people.click, seconds=sizes.clocked, meters=meters)
        clicks = [await click() for _ in range(sizes.runs)]
    await check(url, approved=trips.done + settled + len(requests) + 1, whole=False)
    after = f"after {settled:,} settled"
    return [
        Row(
            work="round trip in process", database=kind.value, load=f"{_CALLERS} at once {after}",
            figures=middle(runs), commits=2,
        ),
        Row(
            work="click → 200, committed", database=kind.value, load=f"{_CLICKS} a second {after}",
            figures=middle(clicks), commits=1,
        ),
    ]  # fmt: skip


async def settle(url: str, count: int, *, ago: timedelta = timedelta()) -> None:
    """Copy the one settled request, its decision, its grant and its record so many times, so long *ago*."""
    request = bulk.earlier(url, (await bulk.rows(url, "requests", "state = 'approved'"))[0], ago)
    ids = [bulk.new_id(request["id"]) for _ in range(count)]
    clicks = [bulk.new_id("ing_" + "0" * 26) for _ in range(count)]
    await bulk.copy(url, "requests", request, count, lambda n: {"id": ids[n], "key": None})
    click = bulk.earlier(url, (await bulk.rows(url, "inbox"))[0], ago)
    await bulk.copy(url, "inbox", click, count, lambda n: {"id": clicks[n], "fingerprint": f"copy {n}"})
    (decision,) = await bulk.rows(url, "decisions")
    await bulk.copy(
        url, "decisions", decision, count,
        lambda n: {"id": bulk.new_id(decision["id"]), "request": ids[n], "ingress": clicks[n]},
    )  # fmt: skip
    grant = bulk.earlier(url, (await bulk.rows(url, "grants"))[0], ago)
    ended: Values = {"state": "succeeded", "claimed_at": grant["granted_at"], "ended_at": grant["granted_at"]}
    await bulk.copy(
        url, "grants", grant, count,
        lambda n: {**ended, "id": bulk.new_id(grant["id"]), "request": ids[n], "next_due_at": None},
    )  # fmt: skip
    for event in await bulk.rows(url, "audit_events", f"subject = '{request['id']}'"):
        await _copy_event(url, event, ids)
    # As if they were linked and sealed long ago: to do so now is another measurement. A DELETE would leave
    # dead rows by the hundred thousand, which PostgreSQL walks over until it is vacuumed.
    for statement in _FORGET["sqlite" if bulk.is_sqlite(url) else "postgresql"]:
        await run_sql(url, statement)


async def _copy_event(url: str, event: Values, subjects: Sequence[object]) -> None:
    original = {name: value for name, value in event.items() if name != "position"}
    await bulk.copy(
        url, "audit_events", original, len(subjects),
        lambda n: {"id": bulk.new_id(event["id"]), "subject": subjects[n]},
    )  # fmt: skip
