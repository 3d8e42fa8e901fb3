"""The fence: one row that says which configuration is in force."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "fence",
        sa.Column("name", NAME, nullable=False),
        sa.Column("version", NAME),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("refused", NAME),
        sa.Column("schema", NAME),  # written by whoever migrates, at the end
        sa.PrimaryKeyConstraint("name", name="fence_pkey"),
        sa.CheckConstraint("name = 'fence'", name=op.f("fence_name_check")),
    )
    # What was put in force last is in force: an update of the program changes no rules.
    op.execute("""
        INSERT INTO fence (name, version, seq)
        VALUES ('fence', (SELECT version FROM config_versions ORDER BY loaded_at DESC LIMIT 1), 0)
    """)
