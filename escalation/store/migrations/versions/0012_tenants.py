"""Whose each row is: a column in every table, and in every key that two tenants could both choose."""

import json

import sqlalchemy as sa
import yaml
from alembic import op
from sqlalchemy.dialects import postgresql

from escalation.errors import StoreError

revision = "0012"
down_revision = "0011"

NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

#: Primary keys that somebody chose, or that are counted from one.
_PRIMARY = {
    "config_versions": ("version",),
    "fence": ("name",),
    "switches": ("scope",),
    "sweeps": ("scope", "version"),
    "set_aside": ("kind", "id"),
    "audit_links": ("seq",),
    "audit_seals": ("seq",),
    "audit_notes": ("seq",),
}


def upgrade() -> None:
    # A fence that was made for nobody: each tenant's is made with its first configuration.
    op.execute("DELETE FROM fence WHERE version IS NULL")
    tenant = _tenant()
    if op.get_bind().dialect.name == "postgresql":
        _postgresql(tenant)
    else:
        _sqlite(tenant)
    condition = sa.text("key IS NOT NULL")
    op.drop_index("requests_key", "requests")
    op.create_index(
        "requests_key",
        "requests",
        ["agent", "key", "tenant"],
        unique=True,
        postgresql_where=condition,
        sqlite_where=condition,
    )
    # Beside the one by fingerprint and tenant, PostgreSQL would take any index that knows the tenant.
    op.drop_index("inbox_at", "inbox")
    op.create_index("inbox_at", "inbox", ["tenant", "at", "id"])
    condition = sa.text("sent_at IS NULL AND turn = 3")
    op.drop_index("outbox_waiting_summary", "outbox")
    op.create_index(
        "outbox_waiting_summary",
        "outbox",
        ["lane", "tenant"],
        unique=True,
        postgresql_where=condition,
        sqlite_where=condition,
    )


def _tenant() -> str:
    # Until now a database was refused to any but one. One that never served has no rows that count: a key
    # that was made in it before is nobody's, and opens nothing.
    database = op.get_bind()
    found: str | None = database.scalar(sa.text("SELECT tenant FROM requests LIMIT 1"))
    if found is not None:
        return found
    body = database.scalar(
        sa.text("SELECT body FROM config_versions JOIN fence USING (version) WHERE body <> ''")
    )
    found = None if body is None else _workspace(body)
    served = database.scalar(sa.text("SELECT 1 FROM audit_events LIMIT 1")) is not None
    if found is None and served:
        raise StoreError(
            "this database served a workspace, and it is not known which: nothing was changed. Write"
            " `workspace: T…` in a line of its own in andon.yaml, run `andon apply` with the version of"
            " andon that served it, then this one again"
        )
    return found or ""


def _workspace(body: str) -> str | None:
    """Return the workspace that the files in *body* name; andon.yaml is the one in no folder."""
    try:
        files = json.loads(body)
        text = next(files[name] for name in files if "/" not in name and name.endswith((".yaml", ".yml")))
        known = yaml.safe_load(text)
        found = known.get("workspace") if isinstance(known, dict) else None
    except (ValueError, TypeError, AttributeError, StopIteration, yaml.YAMLError):
        return None
    return found if isinstance(found, str) and found else None


def _without_one() -> list[str]:
    inspector = sa.inspect(op.get_bind())
    tables = set(inspector.get_table_names()) - {"alembic_version"}
    return sorted(
        table for table in tables if "tenant" not in {each["name"] for each in inspector.get_columns(table)}
    )


def _postgresql(tenant: str) -> None:
    for table in _without_one():
        # A constant default: no row is written again. From now on whoever inserts says whose it is.
        op.add_column(table, sa.Column("tenant", NAME, nullable=False, server_default=tenant))
        op.alter_column(table, "tenant", server_default=None)
    for table, columns in _PRIMARY.items():
        op.drop_constraint(f"{table}_pkey", table)
        op.create_primary_key(f"{table}_pkey", table, ["tenant", *columns])
    op.drop_constraint("inbox_fingerprint_key", "inbox")
    op.create_unique_constraint("inbox_fingerprint_key", "inbox", ["fingerprint", "tenant"])
    op.execute("""
        CREATE OR REPLACE FUNCTION andon_event_added() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO audit_unlinked (tenant, position) VALUES (NEW.tenant, NEW.position);
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE OR REPLACE FUNCTION andon_event_linked() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            DELETE FROM audit_unlinked WHERE tenant = NEW.tenant AND position = (
                SELECT position FROM audit_events WHERE id = NEW.event AND tenant = NEW.tenant
            );
            IF NOT FOUND THEN
                RAISE EXCEPTION 'event % is linked already, or not there', NEW.event
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END $$
    """)


def _sqlite(tenant: str) -> None:
    for trigger in ("audit_events_unlinked", "audit_links_linked", "audit_unlinked_no_insert"):
        op.execute(f"DROP TRIGGER {trigger}")
    for table in _without_one():
        if table in _PRIMARY:
            columns = ", ".join(_PRIMARY[table])
            _make_anew(
                table, tenant, before=f"PRIMARY KEY ({columns})", now=f"PRIMARY KEY (tenant, {columns})"
            )
        elif table == "inbox":
            _make_anew(table, tenant, before="UNIQUE (fingerprint)", now="UNIQUE (fingerprint, tenant)")
        else:
            op.add_column(table, sa.Column("tenant", NAME, nullable=False, server_default=tenant))
    op.execute("""
        CREATE TRIGGER audit_events_unlinked AFTER INSERT ON audit_events
        BEGIN INSERT INTO audit_unlinked (tenant, position) VALUES (NEW.tenant, NEW.position); END
    """)
    op.execute("""
        CREATE TRIGGER audit_links_linked AFTER INSERT ON audit_links
        BEGIN
            SELECT RAISE(ABORT, 'the event is linked already, or not there') WHERE NOT EXISTS (
                SELECT 1 FROM audit_unlinked u JOIN audit_events e USING (position)
                WHERE e.id = NEW.event AND e.tenant = NEW.tenant AND u.tenant = NEW.tenant
            );
            DELETE FROM audit_unlinked WHERE tenant = NEW.tenant AND position = (
                SELECT position FROM audit_events WHERE id = NEW.event AND tenant = NEW.tenant
            );
        END
    """)
    op.execute("""
        CREATE TRIGGER audit_unlinked_no_insert BEFORE INSERT ON audit_unlinked
        WHEN NOT EXISTS (
            SELECT 1 FROM audit_events e WHERE e.position = NEW.position AND e.tenant = NEW.tenant
            AND NOT EXISTS (SELECT 1 FROM audit_links l WHERE l.event = e.id)
        )
        BEGIN SELECT RAISE(ABORT, 'rows of audit_unlinked are only ever added, by their events'); END
    """)


def _make_anew(table: str, tenant: str, *, before: str, now: str) -> None:
    # SQLite cannot change a key. The table as it stands, with whatever was added to it since, is copied.
    database = op.get_bind()
    named = {"table": table}
    found = database.execute(sa.text("SELECT sql FROM sqlite_master WHERE name = :table"), named)
    sql: str = found.scalar_one()
    others = database.execute(
        sa.text("SELECT sql FROM sqlite_master WHERE tbl_name = :table AND type <> 'table' AND sql <> ''"),
        named,
    )
    statements = [other for (other,) in others]
    columns = ", ".join(f'"{each["name"]}"' for each in sa.inspect(database).get_columns(table))
    _, _, rest = sql.partition("(")
    database.exec_driver_sql(f"CREATE TABLE {table}_new (tenant TEXT NOT NULL, {rest.replace(before, now)}")
    database.exec_driver_sql(
        f"INSERT INTO {table}_new (tenant, {columns}) SELECT ?, {columns} FROM {table}",  # noqa: S608  # names of ours
        (tenant,),
    )
    # Triggers of other tables name this one, which is not there for a moment.
    database.exec_driver_sql("PRAGMA legacy_alter_table = ON")
    database.exec_driver_sql(f"DROP TABLE {table}")
    database.exec_driver_sql(f"ALTER TABLE {table}_new RENAME TO {table}")
    database.exec_driver_sql("PRAGMA legacy_alter_table = OFF")
    for statement in statements:
        database.exec_driver_sql(statement)
