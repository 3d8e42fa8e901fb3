"""No statement that the store has reads a growing table from end to end, and each index is there for one."""

import importlib
import json
import pkgutil
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

from escalation import store
from escalation.store import record, requests
from escalation.store.change import Insertion, RowUpdate
from escalation.store.lookup import Lookup
from escalation.store.postgres.store import PLANNER
from escalation.store.statement import Statement
from escalation.store.tables import metadata
from tests.harness.databases import Postgres

#: Bounded by what people configure, stop and make, by the last seconds, or by what is broken.
_BOUNDED = frozenset(
    {
        "agent_keys",
        "audit_unlinked",
        "config_versions",
        "fence",
        "removals",
        "set_aside",
        "sweeps",
        "switches",
    }
)
#: Under the names that statements give them, too.
GROWING = (frozenset(metadata.tables) - _BOUNDED) | {"before", "told_by"}
#: Whoever verifies the record reads all of it.
_WALKS = frozenset({"record._WALK", "record._BESIDE", "record._SEALS"})
#: Read from one end of the table's own order, and no further than their limit.
_FROM_ONE_END = frozenset(
    {
        *("record._LAST_LINK", "record._LAST_SEAL", "record._LAST_NOTE", "record._page()"),
        *("requests._page()", "requests._page(states)", "retention._ERASE", "retention._OLDEST"),
        "retention._FORGET",
    }
)
#: Begins at what waits for a link; beside tables that are empty, any index that knows the tenant will do.
_FROM_WHAT_WAITS = frozenset({"record._NEVER_LINKED"})
#: A walk of one of these is one of what waits, not of what ever was.
_PARTIAL = frozenset(
    str(index.name)
    for table in metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["postgresql"]["where"] is not None
    and "settled_at" not in str(index.dialect_options["postgresql"]["where"])
    and "sent_at IS NOT NULL" not in str(index.dialect_options["postgresql"]["where"])
)
#: Without one of these, something would have to read a whole table.
_NEEDED = frozenset(
    {
        *("requests_settled", "outbox_sent", "outbox_folded", "inbox_at", "decisions_ingress"),
        *("decisions_person", "requests_asked"),
    }
)


def _named(module: str, name: str, value: object) -> Iterator[tuple[str, Statement]]:
    match value:
        case Statement():
            yield f"{module}.{name}", value
        case dict():
            for key, each in value.items():
                yield from _named(module, f"{name}[{key}]", each)
        case tuple():
            for number, each in enumerate(value):
                yield from _named(module, f"{name}[{number}]", each)
        case _:
            pass


def _made() -> Iterator[tuple[str, Statement]]:
    for filters in ((), ("agent",), ("subject",), ("agent", "subject")):
        yield f"record._page({','.join(filters)})", record._page(frozenset(filters))
    for filters in ((), ("agent",), ("states",)):
        yield f"requests._page({','.join(filters)})", requests._page(frozenset(filters))
    for count in (1, 2):
        yield f"requests._page_in_states({count})", requests._page_in_states(count)


def _of_modules() -> Iterator[tuple[str, Statement]]:
    for module in pkgutil.iter_modules(store.__path__):
        if not module.ispkg:
            found = importlib.import_module(f"escalation.store.{module.name}")
            for name, value in vars(found).items():
                yield from _named(module.name, name, value)


def statements() -> dict[str, Statement]:
    """Return every statement of the store, but for insertions: they look for a place, and read nothing."""
    every = dict([*_of_modules(), *_made()])
    return {name: each for name, each in every.items() if not isinstance(each, Insertion)}


def _in_sqlite(file: Path, *, without: str = "") -> dict[str, str]:
    """Return the plan of each statement that reads a growing table as a whole, in SQLite."""
    scans = re.compile(rf"^SCAN ({'|'.join(sorted(GROWING))})(?: USING (?:COVERING )?INDEX (\w+))?$")
    bad = {}
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        if without:
            connection.execute(f"DROP INDEX {without}")
        for name, statement in statements().items():
            sql = statement.prepared("sqlite").sql
            if "pg_try_advisory" in sql:
                continue
            rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", [0] * sql.count("?"))
            lines = [row[3] for row in rows]
            found = [match for match in map(scans.match, lines) if match and match[2] not in _PARTIAL]
            if found and name not in _WALKS | _FROM_ONE_END:
                bad[name] = "\n".join(lines)
        connection.execute("ROLLBACK")
    return bad


def _many(statement: Statement) -> Iterator[Statement]:
    yield statement
    if isinstance(statement, Lookup):
        yield statement.many
    if isinstance(statement, RowUpdate):
        yield Statement(statement.many())


def _whole(plan: Mapping[str, Any], *, of: str = "", limited: bool = False) -> Iterator[str]:
    """Yield the nodes of *plan*, on the table *of* its parent if it names none, that read all of it."""
    table, index = plan.get("Relation Name", of), plan.get("Index Name", "")
    if table in GROWING and plan["Node Type"] == "Seq Scan":
        yield f"Seq Scan on {table}"
    elif table in GROWING and index and not _narrows(plan) and not limited and index not in _PARTIAL:
        yield f"all of {index}"
    # A sort or a group below a limit has to see everything first.
    stops = limited and plan["Node Type"] not in {"Sort", "Aggregate", "Incremental Sort", "ModifyTable"}
    for inner in plan.get("Plans", ()):
        bitmap = table if plan["Node Type"] == "Bitmap Heap Scan" else ""
        yield from _whole(inner, of=bitmap, limited=stops or plan["Node Type"] == "Limit")


def _narrows(plan: Mapping[str, Any]) -> bool:
    # Where there is one tenant, its rows are all of them.
    return bool(set(re.findall(r"\b([a-z_]+)\b(?= (?:=|<|>)|, )", plan.get("Index Cond", ""))) - {"tenant"})


async def _in_postgresql(connection: asyncpg.Connection, *, without: str = "") -> dict[str, list[str]]:
    """Return what each statement that reads a growing table as a whole reads, in PostgreSQL."""
    bad: dict[str, list[str]] = {}
    transaction = connection.transaction()
    await transaction.start()
    if without:
        await connection.execute(f"DROP INDEX {without}")
    for name, statement in statements().items():
        for each in _many(statement):
            sql = each.prepared("postgresql").sql
            await connection.execute(f"PREPARE question AS {sql}")
            values = ", ".join("NULL" for _ in set(re.findall(r"\$\d+", sql)))
            told = await connection.fetchval(
                f"EXPLAIN (FORMAT JSON) EXECUTE question({values})".replace("()", "")
            )
            await connection.execute("DEALLOCATE question")
            found = list(_whole(json.loads(told)[0]["Plan"]))
            if found and name not in _WALKS | _FROM_WHAT_WAITS:
                bad.setdefault(name, []).extend(found)
    await transaction.rollback()
    return bad


def test_sqlite_reads_no_growing_table_as_a_whole(file: Path) -> None:
    """Each statement of the store goes by an index in SQLite; where that is missing, it is found."""
    assert len(statements()) > 80
    assert _in_sqlite(file) == {}
    assert {index for index in _NEEDED if not _in_sqlite(file, without=index)} == set()


async def test_postgresql_reads_no_growing_table_as_a_whole(postgres: Postgres, database: str) -> None:
    """So in PostgreSQL, for one key and for many; where an index is missing, that is found."""
    url = postgres.url_of(database).replace("+asyncpg", "")
    connection = await asyncpg.connect(url, server_settings=PLANNER)
    assert await _in_postgresql(connection) == {}
    noticed = {index for index in _NEEDED if await _in_postgresql(connection, without=index)}
    assert _NEEDED - noticed == set()
    await connection.close()
