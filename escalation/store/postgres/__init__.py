"""The store in PostgreSQL: transactions that share commits, readers that share statements."""

from escalation.store.postgres.address import where
from escalation.store.postgres.store import PostgresStore

__all__ = ["PostgresStore", "where"]
