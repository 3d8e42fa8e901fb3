"""What can never be linked does not keep the rest of the record unsealed."""

import pytest

from escalation.audit import Entry, link
from escalation.store import Database
from escalation.store.sqlite import SqliteStore
from tests.contract import samples
from tests.harness.vandal import Vandal

#: Less than what is broken here.
BATCH = 3


async def _add(store: Database, *names: str) -> None:
    async with store.write() as tx:
        for name in names:
            await tx.record.add(samples.event(name))


async def _link(store: Database, batch: int = BATCH) -> int:
    async with store.write() as tx:
        links = link(await tx.record.unlinked(batch), after=await tx.record.last_link())
        await tx.record.add_links(links)
    return len(links)


async def _chained(store: Database) -> list[str]:
    async with store.read() as tx:
        entries: list[Entry] = [entry async for entry in tx.record.walk()]
    return ["" if entry.link is None else entry.link.event for entry in entries]


async def test_an_event_that_has_its_link_is_in_nobodys_way(lasting: Database) -> None:
    """Somebody puts linked events in line again, more than a batch: what comes after them is linked."""
    names = [f"{number}" for number in range(BATCH + 1)]
    await _add(lasting, *names)
    assert await _link(lasting, 99) == len(names)
    await Vandal(lasting).runs(
        "INSERT INTO audit_unlinked (tenant, position) SELECT tenant, position FROM audit_events"
    )
    await _add(lasting, "new")
    assert await _link(lasting) == 1
    assert (await _chained(lasting))[-1] == "evt_new"
    met = {(each.kind, each.id) for each in lasting.unreadable.taken()}
    assert met == {("audit_events", f"evt_{name}") for name in names}


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_an_event_whose_key_is_no_text_is_in_nobodys_way(store: Database) -> None:
    """SQLite keeps bytes for a key: no link can name them, and what comes after them is linked."""
    assert isinstance(store, SqliteStore)
    await _add(store, *(f"{number}" for number in range(BATCH + 1)))
    await Vandal(store).runs("UPDATE audit_events SET id = CAST(id || x'ff' AS BLOB)")
    await _add(store, "new")
    assert await _link(store) == 1
    assert await _chained(store) == ["evt_new"]
    met = store.unreadable.taken()
    assert len(met) == BATCH + 1
    assert all(each.id.startswith("bytes ") for each in met), "an alarm can name it"
