"""What each stop has ended so far, in a table of its own. Stops of before ended everything at once."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

# A migration stands for itself: what tables.py says later must not change what this one did.
INSTANT: sa.types.TypeEngine[datetime] = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "sweeps",
        sa.Column("scope", NAME, nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("killed", sa.Integer, nullable=False),
        sa.Column("late", sa.Integer, nullable=False),
        sa.Column("revoked", sa.Integer, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("scope", "version", name="sweeps_pkey"),
    )
    condition = sa.text("finished_at IS NULL")
    op.create_index(
        "sweeps_unfinished",
        "sweeps",
        ["scope", "version"],
        postgresql_where=condition,
        sqlite_where=condition,
    )
