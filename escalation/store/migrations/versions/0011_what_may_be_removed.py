"""Ways to find what was kept for its term, or is in one state; and to remove the decisions of what goes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"

NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "removals",
        sa.Column("request", NAME, nullable=False),
        sa.PrimaryKeyConstraint("request", name="removals_pkey"),
    )
    _partial("requests_settled", "requests", ["settled_at", "id"], "settled_at IS NOT NULL")
    _partial("outbox_sent", "outbox", ["sent_at", "id"], "sent_at IS NOT NULL")
    _partial("outbox_about", "outbox", ["request"], "sent_at IS NULL")
    op.create_index("requests_agent_state", "requests", ["agent", "state", "id"])
    op.drop_index("requests_state", "requests")
    op.create_index("inbox_at", "inbox", ["at", "id"])
    op.create_index("decisions_ingress", "decisions", ["ingress"])
    op.create_index("config_versions_loaded", "config_versions", ["loaded_at"])
    if op.get_bind().dialect.name == "postgresql":
        _postgresql_triggers()
    else:
        _sqlite_trigger()


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, postgresql_where=condition, sqlite_where=condition)


def _postgresql_triggers() -> None:
    op.execute("""
        CREATE FUNCTION andon_is_removed(id text) RETURNS boolean LANGUAGE sql STABLE AS $$
            SELECT EXISTS (SELECT 1 FROM removals WHERE request = id)
        $$
    """)
    # The one of before refused both: between these two statements nobody else can be at the table.
    op.execute("DROP TRIGGER decisions_only_added ON decisions")
    op.execute("""
        CREATE TRIGGER decisions_only_added BEFORE UPDATE ON decisions
        FOR EACH ROW EXECUTE FUNCTION andon_refuse()
    """)
    op.execute("""
        CREATE TRIGGER decisions_only_removed BEFORE DELETE ON decisions
        FOR EACH ROW WHEN (NOT andon_is_removed(OLD.request)) EXECUTE FUNCTION andon_refuse()
    """)


def _sqlite_trigger() -> None:
    op.execute("DROP TRIGGER decisions_no_delete")
    op.execute("""
        CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions
        WHEN NOT EXISTS (SELECT 1 FROM removals WHERE request = OLD.request)
        BEGIN SELECT RAISE(ABORT, 'rows of decisions are only ever added'); END
    """)
