"""The first tables."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

# A migration stands for itself: what tables.py says later must not change what this one did.
INSTANT: sa.types.TypeEngine[datetime] = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("audit_events", "audit_links", "audit_seals", "decisions")


def upgrade() -> None:
    _requests()
    _decisions()
    _grants()
    _around_requests()
    _outbox()
    _operations()
    _record()
    if op.get_bind().dialect.name == "postgresql":
        _postgresql_triggers()
    else:
        _sqlite_triggers()


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, postgresql_where=condition, sqlite_where=condition)


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", NAME, nullable=False),
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("agent", NAME, nullable=False),
        sa.Column("function", NAME, nullable=False),
        sa.Column("owner", NAME, nullable=False),
        sa.Column("action_type", NAME),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("ruling_rule", sa.Text, nullable=False),
        sa.Column("ruling_version", NAME, nullable=False),
        sa.Column("approvers", sa.Text, nullable=False),
        sa.Column("quorum", sa.Integer, nullable=False),
        sa.Column("channel", NAME, nullable=False),
        sa.Column("nudge_at", INSTANT, nullable=False),
        sa.Column("backup_at", INSTANT, nullable=False),
        sa.Column("deadline", INSTANT, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("key", NAME),
        sa.Column("edits", NAME),
        sa.Column("asks_again", NAME),
        sa.Column("follow", NAME),
        sa.Column("state", NAME, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("rung", sa.SmallInteger, nullable=False),
        sa.Column("delivered_at", INSTANT),
        sa.Column("acknowledged_by", NAME),
        sa.Column("decided", sa.SmallInteger, nullable=False),
        sa.Column("settled_at", INSTANT),
        sa.Column("reason", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("next_due_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="requests_pkey"),
        sa.CheckConstraint(
            "state IN ('pending', 'approved', 'approved_with_edits', 'answered', 'rejected', 'timed_out',"
            " 'undeliverable', 'cancelled', 'superseded', 'killed')",
            name=op.f("requests_state_check"),
        ),
        sa.CheckConstraint(
            "(state = 'pending') = (next_due_at IS NOT NULL)", name=op.f("requests_due_while_pending_check")
        ),
        sa.CheckConstraint(
            "(state = 'pending') = (settled_at IS NULL)", name=op.f("requests_settled_at_check")
        ),
    )
    _partial("requests_due", "requests", ["next_due_at", "id"], "next_due_at IS NOT NULL")
    _partial("requests_key", "requests", ["agent", "key"], "key IS NOT NULL", unique=True)
    op.create_index("requests_agent", "requests", ["agent", "id"])
    op.create_index("requests_state", "requests", ["state", "id"])


def _decisions() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", NAME, nullable=False),
        sa.Column("fingerprint", NAME, nullable=False),
        sa.Column("person", NAME),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="inbox_pkey"),
        sa.UniqueConstraint("fingerprint", name="inbox_fingerprint_key"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", NAME, nullable=False),
        sa.Column("request", NAME, nullable=False),
        sa.Column("position", sa.SmallInteger, nullable=False),
        sa.Column("person", NAME, nullable=False),
        sa.Column("verdict", NAME, nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("ingress", NAME, nullable=False),
        sa.Column("text", sa.Text),
        sa.PrimaryKeyConstraint("id", name="decisions_pkey"),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="decisions_request_fkey"),
        sa.ForeignKeyConstraint(["ingress"], ["inbox.id"], name="decisions_ingress_fkey"),
        sa.UniqueConstraint("request", "position", name="decisions_request_key"),
        sa.CheckConstraint(
            "verdict IN ('approve', 'reject', 'answer')", name=op.f("decisions_verdict_check")
        ),
    )
    _partial("decisions_approval", "decisions", ["request", "person"], "verdict = 'approve'", unique=True)
    op.create_index("decisions_person", "decisions", ["person", "at", "id"])


def _grants() -> None:
    op.create_table(
        "grants",
        sa.Column("id", NAME, nullable=False),
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("request", NAME, nullable=False),
        sa.Column("agent", NAME, nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("granted_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("report_within", sa.BigInteger, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Text),
        sa.Column("claimed_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("result", sa.Text),
        sa.Column("resolved_by", NAME),
        sa.Column("next_due_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="grants_pkey"),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="grants_request_fkey"),
        sa.UniqueConstraint("request", name="grants_request_key"),
        sa.CheckConstraint(
            "state IN ('granted', 'claimed', 'succeeded', 'failed', 'unknown', 'expired', 'revoked')",
            name=op.f("grants_state_check"),
        ),
        sa.CheckConstraint(
            "(state IN ('granted', 'claimed')) = (next_due_at IS NOT NULL)",
            name=op.f("grants_due_while_open_check"),
        ),
    )
    _partial("grants_due", "grants", ["next_due_at", "id"], "next_due_at IS NOT NULL")


def _around_requests() -> None:
    op.create_table(
        "rungs",
        sa.Column("request", NAME, nullable=False),
        sa.Column("rung", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.Column("planned_at", INSTANT, nullable=False),
        sa.Column("actual_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("request", "rung", name="rungs_pkey"),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="rungs_request_fkey"),
    )
    op.create_table(
        "cards",
        sa.Column("request", NAME, nullable=False),
        sa.Column("channel", NAME, nullable=False),
        sa.Column("ts", NAME, nullable=False),
        sa.PrimaryKeyConstraint("request", name="cards_pkey"),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="cards_request_fkey"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", NAME, nullable=False),
        sa.Column("notice", NAME, nullable=False),
        sa.Column("lane", NAME, nullable=False),
        sa.Column("request", NAME),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("not_before", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="outbox_pkey"),
        sa.CheckConstraint(
            "notice IN ('card', 'thread', 'direct', 'alert', 'seal')", name=op.f("outbox_notice_check")
        ),
    )
    _partial("outbox_unsent", "outbox", ["lane", "at", "id"], "sent_at IS NULL")
    waiting = "sent_at IS NULL AND attempts = 0 AND notice = 'card'"
    _partial("outbox_waiting_card", "outbox", ["request"], waiting, unique=True)


def _operations() -> None:
    op.create_table(
        "config_versions",
        sa.Column("version", NAME, nullable=False),
        sa.Column("loaded_at", INSTANT, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("version", name="config_versions_pkey"),
    )
    op.create_table(
        "switches",
        sa.Column("scope", NAME, nullable=False),
        sa.Column("stopped_by", NAME),
        sa.Column("stopped_at", INSTANT),
        sa.Column("reason", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("scope", name="switches_pkey"),
        sa.CheckConstraint(
            "(stopped_by IS NULL) = (stopped_at IS NULL) AND (stopped_by IS NULL) = (reason IS NULL)",
            name=op.f("switches_stop_check"),
        ),
    )
    op.create_table(
        "agent_keys",
        sa.Column("id", NAME, nullable=False),
        sa.Column("agent", NAME, nullable=False),
        sa.Column("hash", NAME, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="agent_keys_pkey"),
        sa.UniqueConstraint("hash", name="agent_keys_hash_key"),
    )


def _record() -> None:
    op.create_table(
        "audit_events",
        sa.Column("position", COUNTER, sa.Identity(always=True), nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("subject", NAME, nullable=False),
        sa.Column("agent", NAME),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("position", name="audit_events_pkey"),
        sa.UniqueConstraint("id", name="audit_events_id_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_events_agent", "audit_events", ["agent", "position"])
    op.create_index("audit_events_subject", "audit_events", ["subject", "position"])
    op.create_table(
        "audit_unlinked",
        sa.Column("position", COUNTER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("position", name="audit_unlinked_pkey"),
    )
    op.create_table(
        "audit_links",
        sa.Column("seq", COUNTER, autoincrement=False, nullable=False),
        sa.Column("event", NAME, nullable=False),
        sa.Column("hash", NAME, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="audit_links_pkey"),
        sa.UniqueConstraint("event", name="audit_links_event_key"),
    )
    op.create_table(
        "audit_seals",
        sa.Column("seq", COUNTER, autoincrement=False, nullable=False),
        sa.Column("hash", NAME, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="audit_seals_pkey"),
    )


def _postgresql_triggers() -> None:
    op.execute("""
        CREATE FUNCTION andon_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME
                USING ERRCODE = 'integrity_constraint_violation';
        END $$
    """)
    for table in APPEND_ONLY:
        op.execute(f"""
            CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION andon_refuse()
        """)
        op.execute(f"""
            CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION andon_refuse()
        """)
    op.execute("""
        CREATE FUNCTION andon_event_added() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO audit_unlinked (position) VALUES (NEW.position);
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER audit_events_unlinked AFTER INSERT ON audit_events
        FOR EACH ROW EXECUTE FUNCTION andon_event_added()
    """)
    op.execute("""
        CREATE FUNCTION andon_event_linked() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            DELETE FROM audit_unlinked
            WHERE position = (SELECT position FROM audit_events WHERE id = NEW.event);
            IF NOT FOUND THEN
                RAISE EXCEPTION 'event % is linked already, or not there', NEW.event
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER audit_links_linked AFTER INSERT ON audit_links
        FOR EACH ROW EXECUTE FUNCTION andon_event_linked()
    """)


def _sqlite_triggers() -> None:
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            op.execute(f"""
                CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}
                BEGIN SELECT RAISE(ABORT, 'rows of {table} are only ever added'); END
            """)
    op.execute("""
        CREATE TRIGGER audit_events_unlinked AFTER INSERT ON audit_events
        BEGIN INSERT INTO audit_unlinked (position) VALUES (NEW.position); END
    """)
    op.execute("""
        CREATE TRIGGER audit_links_linked AFTER INSERT ON audit_links
        BEGIN
            SELECT RAISE(ABORT, 'the event is linked already, or not there') WHERE NOT EXISTS (
                SELECT 1 FROM audit_unlinked JOIN audit_events USING (position) WHERE id = NEW.event
            );
            DELETE FROM audit_unlinked
            WHERE position = (SELECT position FROM audit_events WHERE id = NEW.event);
        END
    """)
