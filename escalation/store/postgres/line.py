"""One connection to PostgreSQL during one transaction: does work on it, and knows what time it is there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, assert_never

import asyncpg

from escalation.clock import monotonic
from escalation.store.arrays import transposed
from escalation.store.change import Arguments, Insertion
from escalation.store.postgres.batch import Batch
from escalation.store.postgres.errors import our_errors
from escalation.store.postgres.server_clock import ServerClock
from escalation.store.postgres.work import Execute, Fetch, Hold, Insert, Look, Work, Write
from escalation.store.session import Later
from escalation.store.statement import Row, Statement, Values
from escalation.store.tenancy import TENANT, Owner

#: Seconds; a statement that takes longer has waited for somebody.
_WAITED = 0.05
#: Milliseconds for which a table that is needed alone is waited for before its holders are ended.
_PATIENCE = 1500
#: Ends the sessions that hold a table for as long as that, but for one who has it alone and is at work:
#: that one waited as well. Sessions of other users are not ours to end.
_END_HOLDERS = f"""
    SELECT pg_terminate_backend(held.pid)
    FROM pg_locks AS held
    JOIN pg_stat_activity AS session ON session.pid = held.pid
    CROSS JOIN LATERAL (SELECT clock_timestamp() - interval '{0.9 * _PATIENCE} ms' AS then) AS long
    WHERE held.relation = $1::text::regclass AND held.granted AND held.mode <> 'AccessShareLock'
      AND held.pid <> pg_backend_pid() AND session.usename = current_user
      AND (session.xact_start < long.then AND held.mode <> 'ExclusiveLock'
           OR session.state_change < long.then AND session.state LIKE 'idle in transaction%')
"""  # noqa: S608  # nothing of it comes from anywhere else


class Line:
    """
    Does one piece of work after the other on *connection*.

    Its *now* is the instant at which the transaction began; later once it had to wait for another.
    """

    def __init__(self, connection: Any, clock: ServerClock, now: datetime, owner: Owner) -> None:
        self.now = now
        self.owner = owner
        self.connection = connection
        self._clock = clock

    async def do(self, work: Work) -> Any:
        """Do *work* and return its answer."""
        with our_errors():
            began = monotonic()
            answer = await self._do(work)
            if monotonic() - began > _WAITED:
                # A statement that waited for another transaction may have waited past a deadline.
                self.now = await self._clock.now(self.connection)
            return answer

    async def _do(self, work: Work) -> Any:
        match work:
            case Look(lookup=lookup, keys=keys):
                if len(keys) == 1:
                    return await self._rows(lookup, lookup.values_of_one(keys[0]))
                return await self._rows(lookup.many, lookup.values_of_many(keys))
            case Insert(insertion=insertion, rows=rows):
                return await self._insert(insertion, rows)
            case Write(later=later):
                return await self._write(later)
            case Fetch(statement=statement, values=values):
                return await self._rows(statement, values)
            case Execute(statement=statement, values=values):
                return await self._execute(statement, values)
            case Hold(table=table):
                return await self._hold(table)
            case _:
                assert_never(work)

    async def _rows(self, statement: Statement, values: Values) -> Sequence[Row]:
        prepared = statement.prepared("postgresql")
        arguments = prepared.arguments({**values, TENANT: self.owner.tenant})
        return prepared.rows(await self.connection.fetch(prepared.sql, *arguments))

    async def _insert(self, insertion: Insertion, rows: Sequence[Arguments]) -> frozenset[Arguments]:
        if len(rows) == 1:
            one = insertion.asking_one
            by_name = dict(zip(insertion.names, rows[0], strict=True))
            keys = await self.connection.fetch(one.sql, *(by_name[name] for name in one.names))
            return frozenset(map(tuple, keys))
        columns = transposed(insertion.distinct(rows), len(insertion.names))
        by_name = dict(zip(insertion.names, columns, strict=True))
        many = insertion.asking_many
        keys = await self.connection.fetch(many.sql, *(by_name[name] for name in many.names))
        return frozenset(map(tuple, keys))

    async def _write(self, later: Later) -> None:
        batch = Batch(later, self.owner.tenant)
        batch.check(await self.connection.fetchrow(batch.sql, *batch.arguments))

    async def _hold(self, table: str) -> None:
        # A process that was frozen with a lock in its hands would keep whoever needs the table alone
        # waiting until it wakes. What it holds for so long is taken from it; its transaction is undone.
        hold = f"LOCK TABLE {table} IN EXCLUSIVE MODE"
        patiently = f"SET LOCAL lock_timeout = '{_PATIENCE}ms'; {hold}; SET LOCAL lock_timeout TO DEFAULT"
        try:
            await self.connection.execute(f"SAVEPOINT hold; {patiently}")
        except asyncpg.LockNotAvailableError:
            await self.connection.execute("ROLLBACK TO SAVEPOINT hold")
            await self.connection.execute(_END_HOLDERS, table)
            await self.connection.execute(hold)

    async def _execute(self, statement: Statement, values: Values) -> int:
        prepared = statement.prepared("postgresql")
        # The status reads UPDATE 1, or INSERT 0 1.
        status: str = await self.connection.execute(prepared.sql, *prepared.arguments(values))
        return int(status.rsplit(" ", 1)[-1])
