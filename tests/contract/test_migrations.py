"""What migrations make of rows that were there before them."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from escalation.action import action
from escalation.ids import RequestId
from escalation.store import migrate, schema
from tests.contract import samples
from tests.harness.databases import Postgres

_EDITED = (
    "INSERT INTO requests (id, tenant, agent, function, owner, action_type, subject, digest, words,"
    " ruling_rule, ruling_version, approvers, quorum, channel, nudge_at, backup_at, deadline, asked_at,"
    " edits, state, version, rung, decided, settled_at, reason)"
    " SELECT id, 'T01ANDON', 'a', 'f', 'nadia', 'x', '{{}}', '{digest}', '{{}}', 'r', 'v', '[]', 1, 'C',"
    " {at}, {at}, {at}, {at}, edits, state, 2, 0, 0, {at}, reason FROM ("
    "SELECT 'req_1' AS id, NULL AS edits, 'superseded' AS state, 'edited by salma' AS reason UNION ALL "
    "SELECT 'req_2', 'req_1', 'rejected', 'edited by nobody, it says') AS rows"
)


async def _within(url: str, act: Callable[[Connection], None]) -> None:
    if url.startswith("sqlite"):
        file = create_engine(url.replace("+aiosqlite", ""), poolclass=NullPool)
        with file.begin() as begun:
            act(begun)
        return
    server = create_async_engine(url, poolclass=NullPool)
    async with server.begin() as connection:
        await connection.run_sync(act)
    await server.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
async def first(request: pytest.FixtureRequest, postgres: Postgres, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database with the first tables, as they were."""
    url = f"sqlite+aiosqlite:///{tmp_path}/first.db"
    if request.param == "postgresql":
        await postgres.create("first")
        url = postgres.url_of("first")
    await _within(url, lambda connection: command.upgrade(schema.configuration(connection), "0001"))
    yield url
    if request.param == "postgresql":
        await postgres.drop("first")


async def test_an_edit_gets_its_author(first: str) -> None:
    """Who edited a request stood in the words of the one that was edited; now it is with the edit."""
    instant = "1" if first.startswith("sqlite") else "now()"
    edited = _EDITED.format(at=instant, digest=action("x", {}).digest)
    await _within(first, lambda connection: connection.exec_driver_sql(edited).close())
    await migrate(first)
    store = samples.opened(first)
    async with store.read() as tx:
        before, edit = await tx.requests.get(RequestId("req_1")), await tx.requests.get(RequestId("req_2"))
    await store.close()
    assert before is not None
    assert edit is not None
    assert (before.author, edit.author) == (None, "salma")
