"""How the databases find what is due: by an index, never by reading or sorting everything."""

import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from escalation.audit import link
from escalation.ids import AgentName, PersonId, RequestId
from escalation.ports import Card
from escalation.store import Database, grants, keys, outbox, record, requests, retention, sweeps, switches
from escalation.store.postgres.store import PLANNER
from escalation.store.statement import Statement
from escalation.switch import ScopeKind
from tests.contract import samples
from tests.contract.samples import NOON
from tests.harness.databases import Postgres

_ROWS = 400
#: What came within seconds, and what is set aside: a pass over a handful of rows may be the shortest way.
_SHORT = {"audit_unlinked", "set_aside"}
#: A pass over fewer would be cheaper than the index, and PostgreSQL knows.
_MORE_MESSAGES = """
    INSERT INTO outbox (tenant, id, notice, lane, body, at, not_before, attempts)
    SELECT 'T01ANDON', 'more_' || n, 'thread', 'C' || n % 4, '{}', now(), now(), 0
    FROM generate_series(1, 20000) AS n
"""
#: Each statement that runs every second or on every click, and the index that has to answer it.
_PLANS = {
    "requests due": (requests._LOCK_DUE, "requests_due"),
    "next request": (requests._NEXT_DUE, "requests_due"),
    "grants due": (grants._LOCK_DUE, "grants_due"),
    "next grant": (grants._NEXT_DUE, "grants_due"),
    "messages due": (outbox._TAKE, "outbox_in_turn"),
    "next message": (outbox._NEXT_DUE_AT, "outbox_in_turn"),
    "messages to fold": (outbox._FOLDABLE, "outbox_in_turn"),
    "cards in doubt": (outbox._CARD_IN_DOUBT, "outbox_about"),
    "what a summary tells": (outbox._FOLDED, "outbox_folded"),
    "what a summary names": (outbox._FOLDED_REQUESTS, "outbox_folded"),
    "key": (requests._BY_KEY, "requests_key"),
    "decided by": (requests._DECIDED_BY, "decisions_person"),
    "agent's requests": (requests._page(frozenset({"agent"})), "requests_agent"),
    "asks under the caps": (requests._ASKED_SINCE, "requests_asked"),
    "subject's events": (record._page(frozenset({"subject"})), "audit_events_subject"),
}

#: What a stop asks for batch by batch: what is pending is walked as it is due, and never an agent's history.
_SWEPT = {
    "under an agent's stop": (requests._LOCK_PENDING[ScopeKind.AGENT], "requests_due"),
    "under a function's stop": (requests._LOCK_PENDING[ScopeKind.FUNCTION], "requests_due"),
    "left under a function's stop": (requests._ANY_PENDING[ScopeKind.FUNCTION], "requests_due"),
    "left under an agent's stop": (requests._ANY_PENDING[ScopeKind.AGENT], "requests_due"),
    "under a stop of all": (requests._LOCK_PENDING[ScopeKind.ALL], "requests_due"),
    "grants under a stop": (grants._LOCK_UNCLAIMED[ScopeKind.AGENT], "grants_due"),
    "grants under a function's stop": (grants._LOCK_UNCLAIMED[ScopeKind.FUNCTION], "grants_due"),
    "grants under an action's stop": (grants._LOCK_UNCLAIMED[ScopeKind.ACTION], "grants_due"),
}

#: What looks at all that is pending, or old. On PostgreSQL it is asked as the store asks.
_WAITING = {
    "who is waited for": (requests._PENDING_APPROVERS, "requests_pending_approvers"),
    "my requests": (requests._MOST_URGENT, "requests_pending_approvers"),
    "pending of an agent": (requests._COUNT_PENDING, "requests_pending_agent"),
    "pending in a channel": (requests._COUNT_PENDING, "requests_pending_channel"),
    "waiting by agent": (requests._PENDING_BY_AGENT, "requests_pending"),
    "an agent's in one state": (requests._page_in_states(1), "requests_agent_state"),
    "an agent's in some states": (requests._page_in_states(3), "requests_agent_state"),
    "what settled long ago": (requests._LOCK_SETTLED, "requests_settled"),
    "old clicks": (retention._OLD_CLICKS, "inbox_at"),
    "old messages": (retention._OLD_MESSAGES, "outbox_sent"),
    "what is unsaid of requests": (retention._UNSAID, "outbox_about"),
    "grants of a function": (grants._LOCK_UNCLAIMED[ScopeKind.FUNCTION], "grants_due"),
    "grants of an action": (grants._ANY_UNCLAIMED[ScopeKind.ACTION], "grants_due"),
}

#: What use cases and readers that meet ask PostgreSQL together, and the indexes that have to answer it.
_MERGED = {
    "requests": (requests._GET.many, "requests_pkey"),
    "requests to change": (requests._LOCK.many, "requests_pkey"),
    "keys of proposals": (requests._BY_KEY.many, "requests_key"),
    "decisions": (requests._DECISIONS.many, "decisions_request_key"),
    "grants": (grants._GET.many, "grants_pkey"),
    "grants of requests": (grants._OF.many, "grants_request_key"),
    "agents' keys": (keys._BY_HASH.many, "agent_keys_hash_key"),
    "switches": (switches._SHARE.many, "switches_pkey"),
    "changed requests": (Statement(requests._MOVE.many()), "requests_pkey"),
    "changed grants": (Statement(grants._SAVE.many()), "grants_pkey"),
    "counts of stops": (Statement(sweeps._COUNT.many()), "sweeps_pkey"),
    "said": (Statement(outbox._DONE.many()), "outbox_pkey"),
}


async def _fill(store: Database) -> None:
    async with store.write() as tx:
        for number in range(_ROWS):
            name, at = f"{number:04}", NOON + timedelta(seconds=number)
            agent, person = AgentName(f"agent-{number}"), PersonId(f"person-{number}")
            await tx.requests.add(samples.request(name, agent=agent, asked_at=at))
            await tx.grants.add(samples.grant(name, granted_at=at))
            await tx.outbox.add(samples.outgoing(name, lane=f"C{number % 4}", about=name))
            await tx.record.add(samples.event(name, subject=f"req_{name}"))
            await tx.inbox.add(samples.click(name))
            await tx.cards.put(Card(request=RequestId(f"req_{name}"), channel="C0" * 60, ts=name))
            decided = samples.decided(samples.request(f"d{name}"), samples.decision(name, person=person))
            await tx.requests.add(decided)
    async with store.write() as tx:
        await tx.record.add_links(link(await tx.record.unlinked(2 * _ROWS), after=None))


@pytest.fixture
async def full_file(sqlite: Database, file: Path) -> Path:
    """A SQLite file with very many rows that are not due."""
    await _fill(sqlite)
    return file


@pytest.fixture
async def full_database(postgresql: Database, postgres: Postgres, database: str) -> str:
    """A PostgreSQL with very many rows that are not due."""
    await _fill(postgresql)
    await postgres.execute(_MORE_MESSAGES, database=database)
    await postgres.execute("ANALYZE", database=database)
    return database


def _sqlite_plan(connection: sqlite3.Connection, statement: Statement) -> str:
    prepared = statement.prepared("sqlite")
    arguments = [0] * prepared.sql.count("?")
    return "\n".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {prepared.sql}", arguments))


def test_sqlite_finds_what_it_needs_by_index(full_file: Path) -> None:
    """SQLite answers each frequent question from its index, without a pass over the table."""
    connection = sqlite3.connect(full_file)
    for name, (statement, index) in (_PLANS | _SWEPT | _WAITING).items():
        plan = _sqlite_plan(connection, statement)
        assert f"INDEX {index}" in plan, f"{name}:\n{plan}"
        for table in statement.tables - _SHORT:
            assert f"SCAN {table}\n" not in f"{plan}\n", f"{name}:\n{plan}"
    connection.close()


async def _postgresql_plan(connection: asyncpg.Connection, statement: Statement) -> str:
    sql = statement.prepared("postgresql").sql
    # Planned for any values, as it is after a few runs: the worst it will ever be.
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE question AS {sql}")
    values = ", ".join("NULL" for _ in set(re.findall(r"\$\d+", sql)))
    rows = await connection.fetch(f"EXPLAIN EXECUTE question({values})".replace("()", ""))
    await connection.execute("DEALLOCATE question")
    return "\n".join(line for (line,) in rows)


async def test_postgresql_finds_what_it_needs_by_index(full_database: str, postgres: Postgres) -> None:
    """PostgreSQL answers each frequent question from its index, whatever the values asked for."""
    connection = await asyncpg.connect(postgres.url_of(full_database).replace("+asyncpg", ""))
    for name, (statement, index) in _PLANS.items():
        plan = await _postgresql_plan(connection, statement)
        assert f"using {index}" in plan or f"on {index}" in plan, f"{name}:\n{plan}"
        for table in statement.tables - _SHORT:
            assert f"Seq Scan on {table}" not in plan, f"{name}:\n{plan}"
    await connection.close()


async def test_postgresql_answers_many_by_index(postgres: Postgres, database: str) -> None:
    """What is asked for many keys at once is answered by an index from the first row on, however young."""
    connection = await asyncpg.connect(
        postgres.url_of(database).replace("+asyncpg", ""), server_settings=PLANNER
    )
    for name, (statement, index) in (_MERGED | _SWEPT | _WAITING).items():
        plan = await _postgresql_plan(connection, statement)
        assert f"using {index}" in plan or f"on {index}" in plan, f"{name}:\n{plan}"
        for table in statement.tables - _SHORT:
            assert f"Seq Scan on {table}" not in plan, f"{name}:\n{plan}"
    await connection.close()
