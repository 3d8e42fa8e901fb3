"""Whose turn it is in a lane, what holds it up, and what was told in a summary."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

INSTANT: sa.types.TypeEngine[datetime] = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

# Cards of what still waits for people go first; of alarms written before, none is folded.
_TURNS = (
    """
    UPDATE outbox SET turn = 0 WHERE sent_at IS NULL AND notice = 'card'
    AND EXISTS (SELECT 1 FROM requests WHERE requests.id = outbox.request AND requests.state = 'pending')
    """,
    "UPDATE outbox SET turn = 1 WHERE sent_at IS NULL AND notice IN ('alert', 'direct')",
)


def upgrade() -> None:
    # Constant defaults: neither database rewrites the table for them.
    op.add_column("outbox", sa.Column("turn", sa.SmallInteger, nullable=False, server_default=sa.text("2")))
    op.add_column("outbox", sa.Column("cleared", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("outbox", sa.Column("held_until", INSTANT))
    op.add_column("outbox", sa.Column("summary", NAME))
    for statement in _TURNS:
        op.execute(statement)
    op.drop_index("outbox_unsent", "outbox")
    _partial("outbox_in_turn", ["lane", "turn", "at", "id"], "sent_at IS NULL")
    _partial("outbox_held", ["lane", "held_until"], "sent_at IS NULL AND held_until IS NOT NULL")
    _partial("outbox_folded", ["summary", "at", "id"], "summary IS NOT NULL")
    _partial("outbox_waiting_summary", ["lane"], "sent_at IS NULL AND turn = 3", unique=True)


def _partial(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(
        name, "outbox", columns, unique=unique, postgresql_where=condition, sqlite_where=condition
    )
