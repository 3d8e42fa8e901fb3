"""Words beside the record, positions in its links, notes of its seals, and a guard for what waits."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

INSTANT: sa.types.TypeEngine[datetime] = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit_texts",
        sa.Column("event", NAME, nullable=False),
        sa.Column("field", NAME, nullable=False),
        sa.Column("salt", NAME, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("event", "field", name="audit_texts_pkey"),
    )
    op.create_table(
        "audit_notes",
        sa.Column("seq", COUNTER, autoincrement=False, nullable=False),
        sa.Column("hash", NAME, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="audit_notes_pkey"),
    )
    # The links before this one did not say it, and no row of the record is ever changed.
    op.add_column("audit_links", sa.Column("position", COUNTER))
    if op.get_bind().dialect.name == "postgresql":
        _postgresql_triggers()
    else:
        _sqlite_triggers()


def _postgresql_triggers() -> None:
    for table, changes in (("audit_notes", "UPDATE OR DELETE"), ("audit_texts", "UPDATE")):
        op.execute(f"""
            CREATE TRIGGER {table}_only_added BEFORE {changes} ON {table}
            FOR EACH ROW EXECUTE FUNCTION andon_refuse()
        """)
    # A row comes with an event and goes with its link, both by triggers: at depth 0 somebody else is at it.
    op.execute("""
        CREATE TRIGGER audit_unlinked_by_triggers BEFORE INSERT OR UPDATE OR DELETE ON audit_unlinked
        FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION andon_refuse()
    """)
    for table in ("audit_notes", "audit_texts", "audit_unlinked"):
        op.execute(f"""
            CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION andon_refuse()
        """)


def _sqlite_triggers() -> None:
    guards = (("audit_notes", "UPDATE"), ("audit_notes", "DELETE"), ("audit_texts", "UPDATE"))
    for table, change in (*guards, ("audit_unlinked", "UPDATE")):
        op.execute(f"""
            CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}
            BEGIN SELECT RAISE(ABORT, 'rows of {table} are only ever added'); END
        """)
    op.execute("""
        CREATE TRIGGER audit_unlinked_no_delete BEFORE DELETE ON audit_unlinked
        WHEN NOT EXISTS (
            SELECT 1 FROM audit_events e JOIN audit_links l ON l.event = e.id WHERE e.position = OLD.position
        )
        BEGIN SELECT RAISE(ABORT, 'rows of audit_unlinked are only ever added'); END
    """)
    op.execute("""
        CREATE TRIGGER audit_unlinked_no_insert BEFORE INSERT ON audit_unlinked
        WHEN NOT EXISTS (
            SELECT 1 FROM audit_events e WHERE e.position = NEW.position
            AND NOT EXISTS (SELECT 1 FROM audit_links l WHERE l.event = e.id)
        )
        BEGIN SELECT RAISE(ABORT, 'rows of audit_unlinked are only ever added, by their events'); END
    """)
