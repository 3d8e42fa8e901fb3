"""
Whose rows a store works on: those of one tenant, whatever a statement asks for.

    statement ──compiled──▶ each table it reads or changes ``AND table.tenant = :tenant`` ──▶ driver
    values ──Session──▶ the tenant that the store was opened for, beside them

The condition is added where SQL is made of a statement, to every table that the statement names: no statement
can forget it, and the joins and subqueries of one cannot either.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Alias, ColumnElement, Delete, FromClause, Join, Select, Table, Update, and_
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import BindParameter

from escalation.errors import StoreError
from escalation.ports import Unreadables

#: The column that every table has, and the parameter that every statement takes.
TENANT = "tenant"


class Owner:
    """For whom a store was opened, and what of theirs could not be read."""

    def __init__(self) -> None:
        self.unreadable = Unreadables()
        self._tenant: str | None = None

    @property
    def tenant(self) -> str:
        """The tenant; without one nothing is read and nothing is written."""
        if self._tenant is None:
            raise StoreError("the store was opened for no tenant; nothing is read or written")
        return self._tenant

    def be(self, tenant: str) -> None:
        """Belong to *tenant* for good."""
        if not tenant:
            raise StoreError("a store is opened for a tenant, and this one has no name")
        if self._tenant not in {None, tenant}:
            raise StoreError("the store was opened for another tenant")
        self._tenant = tenant


class _OfTenant(SQLCompiler):
    """Writes the tenant into every place where rows come from."""

    # SQLAlchemy gives no other place at which it is settled which tables a SELECT has of its own: those
    # that it shares with the statement around it have their condition there.
    def _compose_select_body(self, text: str, select_stmt: Select[Any], *rest: Any) -> str:
        _, _, froms, *_ = rest
        mine = [condition for each in froms for condition in _of_tenant(_leftmost(each))]
        select_stmt = select_stmt.where(*mine)
        body: str = super()._compose_select_body(text, select_stmt, *rest)  # type: ignore[no-untyped-call]
        return body

    def visit_join(self, join: Join, *args: Any, **kwargs: Any) -> str:
        """In its ON: a row of another tenant is no match, and an outer join stays one."""
        conditions = [each for each in (join.onclause, *_of_tenant(join.right)) if each is not None]
        join = Join(join.left, join.right, and_(*conditions), isouter=join.isouter, full=join.full)
        found: str = super().visit_join(join, *args, **kwargs)  # type: ignore[no-untyped-call]
        return found

    def visit_update(self, update_stmt: Update, *args: Any, **kwargs: Any) -> str:
        """In its WHERE."""
        return super().visit_update(_only_of_tenant(update_stmt), *args, **kwargs)

    def visit_delete(self, delete_stmt: Delete, *args: Any, **kwargs: Any) -> str:
        """In its WHERE."""
        found: str = super().visit_delete(  # type: ignore[no-untyped-call]
            _only_of_tenant(delete_stmt), *args, **kwargs
        )
        return found


class OfTenantInPostgresql(_OfTenant, PGCompiler_asyncpg):
    """PostgreSQL's words."""


class OfTenantInSqlite(_OfTenant, SQLiteCompiler):
    """SQLite's words."""


def _only_of_tenant(statement: Any) -> Any:
    return statement.where(*_of_tenant(statement.table))


def _leftmost(source: FromClause) -> FromClause:
    while isinstance(source, Join):
        source = source.left
    return source


def _of_tenant(source: FromClause) -> Sequence[ColumnElement[bool]]:
    match source:
        case Table() | Alias(element=Table()):
            column = source.c[TENANT]
            return [column == BindParameter(TENANT, type_=column.type, required=True)]
        case Join():
            raise TypeError("a join on the right side of a join: write it from left to right")
        case _:
            # A subquery has its own condition inside; rows of parameters belong to whoever gave them.
            return []
