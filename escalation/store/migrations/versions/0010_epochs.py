"""The fence tells the epoch, whether releases are frozen, and which record it is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("fence", sa.Column("epoch", sa.Integer, nullable=False, server_default=sa.text("1")))
    op.add_column("fence", sa.Column("frozen", sa.Text))
    op.add_column("fence", sa.Column("record", NAME))
