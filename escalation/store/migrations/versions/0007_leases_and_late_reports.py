"""Until when whoever claimed a grant counts as alive, and what it said too late: no row is rewritten."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

INSTANT: sa.types.TypeEngine[datetime] = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("grants", sa.Column("lease_until", INSTANT))
    op.add_column("grants", sa.Column("late_report", NAME))
    op.add_column("grants", sa.Column("late_result", sa.Text))
    op.add_column("grants", sa.Column("late_at", INSTANT))
