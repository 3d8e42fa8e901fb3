"""Until when whoever claimed a grant counts as alive: no row is rewritten, and none has a lease yet."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0001"

INSTANT: sa.types.TypeEngine[datetime] = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def upgrade() -> None:
    op.add_column("grants", sa.Column("lease_until", INSTANT))
