"""The tables. ``migrations/`` builds them; a test compares the two."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql

from escalation.authority import Edits
from escalation.grant import GrantState
from escalation.ports import OutboxKind
from escalation.request import State, Verdict
from escalation.store.reading import Damaged

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Microseconds(TypeDecorator[datetime]):
    """An instant as whole microseconds since 1970: SQLite has no instants, and numbers sort right."""

    impl = BigInteger
    cache_ok = True

    # Hundreds of times a second: the functions themselves, without the decorator's own around them.
    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:  # noqa: ARG002
        """Return what the driver is given."""
        return _microseconds

    def result_processor(
        self,
        dialect: Dialect,  # noqa: ARG002
        coltype: object,  # noqa: ARG002
    ) -> Callable[[int | None], Any]:
        """Return what the driver's value stands for."""
        return _instant


def _microseconds(at: datetime | None) -> int | None:
    return None if at is None else (at - _EPOCH) // _MICROSECOND


def _instant(microseconds: int | None) -> datetime | Damaged | None:
    try:
        return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)
    except (OverflowError, TypeError):
        return Damaged(microseconds)


Instant = DateTime(timezone=True).with_variant(Microseconds(), "sqlite")
#: Ids and names. They sort by their bytes, in every database as in Python.
Name = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_Counter = BigInteger().with_variant(Integer(), "sqlite")


metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


#: Of a table whose rows are only ever added; triggers refuse everything else.
_ONLY_ADDED = {"only_added": True}


def _one_of(column: str, values: type[Enum]) -> CheckConstraint:
    names = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({names})", name=column)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    condition = text(where)
    return Index(name, *columns, unique=unique, postgresql_where=condition, sqlite_where=condition)


config_versions = Table(
    "config_versions",
    metadata,
    Column("tenant", Name, primary_key=True),
    Column("version", Name, primary_key=True),
    Column("loaded_at", Instant, nullable=False),
    Column("body", Text, nullable=False),  # empty once nobody needs it any more
    Index("config_versions_loaded", "loaded_at"),
)

#: One row: which of them is in force, and whether anything may be released by it.
fence = Table(
    "fence",
    metadata,
    Column("tenant", Name, primary_key=True),
    Column("name", Name, primary_key=True),
    Column("version", Name),
    Column("seq", Integer, nullable=False),
    Column("refused", Name),
    Column("schema", Name),  # the revision that was migrated to last
    Column("epoch", Integer, nullable=False, server_default=text("1")),
    Column("frozen", Text),
    Column("record", Name),
    CheckConstraint("name = 'fence'", name="name"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Name, primary_key=True),
    Column("tenant", Name, nullable=False),
    Column("agent", Name, nullable=False),
    Column("function", Name, nullable=False),
    Column("owner", Name, nullable=False),
    Column("action_type", Name),  # None for a question
    Column("subject", Text, nullable=False),  # canonical arguments, or the question as JSON
    Column("digest", Name, nullable=False),
    Column("words", Text, nullable=False),  # JSON
    Column("ruling_rule", Text, nullable=False),
    Column("ruling_version", Name, nullable=False),
    Column("approvers", Text, nullable=False),  # JSON
    Column("quorum", Integer, nullable=False),
    Column("editing", Name, nullable=False, server_default=Edits.AUTHOR_MAY_APPROVE.value),
    Column("channel", Name, nullable=False),
    Column("nudge_at", Instant, nullable=False),
    Column("backup_at", Instant, nullable=False),
    Column("deadline", Instant, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("key", Name),
    Column("edits", Name),
    Column("author", Name),  # who edited it
    Column("asks_again", Name),
    Column("follow", Name),
    Column("state", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("rung", SmallInteger, nullable=False),
    Column("delivered_at", Instant),
    Column("acknowledged_by", Name),
    Column("decided", SmallInteger, nullable=False),  # how many decisions it has
    Column("settled_at", Instant),
    Column("reason", Text),
    Column("answer", Text),
    Column("next_due_at", Instant),
    _one_of("state", State),
    CheckConstraint("(state = 'pending') = (next_due_at IS NOT NULL)", name="due_while_pending"),
    CheckConstraint("(state = 'pending') = (settled_at IS NULL)", name="settled_at"),
    _partial("requests_due", "next_due_at", "id", where="next_due_at IS NOT NULL"),
    _partial("requests_key", "agent", "key", "tenant", unique=True, where="key IS NOT NULL"),
    Index("requests_agent", "agent", "id"),
    Index("requests_agent_state", "agent", "state", "id"),
    _partial("requests_pending_agent", "agent", where="next_due_at IS NOT NULL"),
    _partial("requests_pending_channel", "channel", where="next_due_at IS NOT NULL"),
    _partial("requests_pending_approvers", "approvers", "deadline", "id", where="next_due_at IS NOT NULL"),
    Index("requests_asked", "approvers", "asked_at"),
    _partial("requests_settled", "settled_at", "id", where="settled_at IS NOT NULL"),
)

#: The requests that are being removed. Only while one stands here, within one transaction, its decisions go.
removals = Table(
    "removals",
    metadata,
    Column("tenant", Name, nullable=False),
    Column("request", Name, primary_key=True),
)

inbox = Table(
    "inbox",
    metadata,
    Column("tenant", Name, nullable=False),
    Column("id", Name, primary_key=True),
    Column("fingerprint", Name, nullable=False),
    Column("person", Name),
    Column("what", Text, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("fingerprint", "tenant"),
    Index("inbox_at", "tenant", "at", "id"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("tenant", Name, nullable=False),
    Column("id", Name, primary_key=True),
    Column("request", Name, ForeignKey("requests.id"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("person", Name, nullable=False),
    Column("verdict", Name, nullable=False),
    Column("digest", Name, nullable=False),
    Column("at", Instant, nullable=False),
    Column("ingress", Name, ForeignKey("inbox.id"), nullable=False),
    Column("text", Text),
    _one_of("verdict", Verdict),
    UniqueConstraint("request", "position"),
    _partial("decisions_approval", "request", "person", unique=True, where="verdict = 'approve'"),
    Index("decisions_person", "person", "at", "id"),
    Index("decisions_ingress", "ingress"),
    info=_ONLY_ADDED,
)

grants = Table(
    "grants",
    metadata,
    Column("id", Name, primary_key=True),
    Column("tenant", Name, nullable=False),
    Column("request", Name, ForeignKey("requests.id"), nullable=False),
    Column("agent", Name, nullable=False),
    Column("digest", Name, nullable=False),
    Column("granted_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("report_within", BigInteger, nullable=False),  # microseconds
    Column("state", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("attempt", Text),
    Column("claimed_at", Instant),
    Column("lease_until", Instant),
    Column("ended_at", Instant),
    Column("result", Text),
    Column("late_report", Name),
    Column("late_result", Text),
    Column("late_at", Instant),
    Column("resolved_by", Name),
    Column("next_due_at", Instant),
    _one_of("state", GrantState),
    CheckConstraint("(state IN ('granted', 'claimed')) = (next_due_at IS NOT NULL)", name="due_while_open"),
    UniqueConstraint("request"),
    _partial("grants_due", "next_due_at", "id", where="next_due_at IS NOT NULL"),
)

rungs = Table(
    "rungs",
    metadata,
    Column("tenant", Name, nullable=False),
    Column("request", Name, ForeignKey("requests.id"), primary_key=True),
    Column("rung", SmallInteger, primary_key=True, autoincrement=False),
    Column("planned_at", Instant, nullable=False),
    Column("actual_at", Instant, nullable=False),
)

cards = Table(
    "cards",
    metadata,
    Column("tenant", Name, nullable=False),
    Column("request", Name, ForeignKey("requests.id"), primary_key=True),
    Column("channel", Name, nullable=False),
    Column("ts", Name, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("tenant", Name, nullable=False),
    Column("id", Name, primary_key=True),
    Column("notice", Name, nullable=False, key="kind"),  # a new name would stop the replicas before it
    Column("lane", Name, nullable=False),
    Column("request", Name),
    Column("body", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("not_before", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", Instant),
    Column("error", Text),  # of the last attempt
    Column("turn", SmallInteger, nullable=False, server_default=text("2")),
    Column("cleared", Integer, nullable=False, server_default=text("0")),
    Column("held_until", Instant),  # until when nothing else of its lane is sent
    Column("summary", Name),  # the row that told of it in its place
    _one_of("notice", OutboxKind),
    _partial("outbox_in_turn", "lane", "turn", "at", "id", where="sent_at IS NULL"),
    _partial("outbox_held", "lane", "held_until", where="sent_at IS NULL AND held_until IS NOT NULL"),
    _partial("outbox_about", "request", where="sent_at IS NULL"),
    _partial("outbox_sent", "sent_at", "id", where="sent_at IS NOT NULL"),
    _partial("outbox_folded", "summary", "at", "id", where="summary IS NOT NULL"),
    _partial("outbox_waiting_summary", "lane", "tenant", unique=True, where="sent_at IS NULL AND turn = 3"),
    # One card waits at most. One that was taken is being drawn and does not count: what changes
    # from then on needs a row of its own, or the card would never show it.
    _partial(
        "outbox_waiting_card",
        "request",
        unique=True,
        where="sent_at IS NULL AND attempts = 0 AND notice = 'card'",
    ),
)

switches = Table(
    "switches",
    metadata,
    Column("tenant", Name, primary_key=True),
    Column("scope", Name, primary_key=True),
    Column("stopped_by", Name),
    Column("stopped_at", Instant),
    Column("reason", Text),
    Column("version", Integer, nullable=False),
    CheckConstraint(
        "(stopped_by IS NULL) = (stopped_at IS NULL) AND (stopped_by IS NULL) = (reason IS NULL)", name="stop"
    ),
)

#: What each stop has ended so far. Apart from its switch: who counts must not wait for who claims.
sweeps = Table(
    "sweeps",
    metadata,
    Column("tenant", Name, primary_key=True),
    Column("scope", Name, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("killed", Integer, nullable=False),
    Column("late", Integer, nullable=False),
    Column("revoked", Integer, nullable=False),
    Column("finished_at", Instant),
    _partial("sweeps_unfinished", "scope", "version", where="finished_at IS NULL"),
)

#: Rows that cannot be read. Nobody else reads them either until an operator released them.
set_aside = Table(
    "set_aside",
    metadata,
    Column("tenant", Name, primary_key=True),
    Column("kind", Name, primary_key=True),  # its table
    Column("id", Name, primary_key=True),
    Column("why", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

agent_keys = Table(
    "agent_keys",
    metadata,
    Column("tenant", Name, nullable=False),
    Column("id", Name, primary_key=True),
    Column("agent", Name, nullable=False),
    Column("hash", Name, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    UniqueConstraint("hash"),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("tenant", Name, nullable=False),
    # Events of one millisecond have ids in any order; their position tells which came first.
    Column("position", _Counter, Identity(always=True), primary_key=True),
    Column("id", Name, nullable=False),
    Column("at", Instant, nullable=False),
    Column("name", Name, nullable=False),
    Column("actor", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("agent", Name),
    Column("data", Text, nullable=False),
    UniqueConstraint("id"),
    Index("audit_events_agent", "agent", "position"),
    Index("audit_events_subject", "subject", "position"),
    sqlite_autoincrement=True,
    info=_ONLY_ADDED,
)

#: What stands behind the commitments in events. Never changed; deleted when it has to be erased.
audit_texts = Table(
    "audit_texts",
    metadata,
    Column("tenant", Name, nullable=False),
    Column("event", Name, primary_key=True),
    Column("field", Name, primary_key=True),
    Column("salt", Name, nullable=False),
    Column("text", Text, nullable=False),
)

#: The events without a link: finding them must not read the whole record. Its rows come and go by triggers
#: alone, with an event and its link.
audit_unlinked = Table(
    "audit_unlinked",
    metadata,
    Column("tenant", Name, nullable=False),
    Column("position", _Counter, primary_key=True, autoincrement=False),
)

audit_links = Table(
    "audit_links",
    metadata,
    Column("tenant", Name, primary_key=True),
    Column("seq", _Counter, primary_key=True, autoincrement=False),
    Column("event", Name, nullable=False),
    Column("hash", Name, nullable=False),
    Column("position", _Counter),  # of the event's row; the first links of all did not say it
    UniqueConstraint("event"),
    info=_ONLY_ADDED,
)

audit_seals = Table(
    "audit_seals",
    metadata,
    Column("tenant", Name, primary_key=True),
    Column("seq", _Counter, primary_key=True, autoincrement=False),
    Column("hash", Name, nullable=False),
    Column("at", Instant, nullable=False),
    info=_ONLY_ADDED,
)

#: The seals that were noted outside, each once.
audit_notes = Table(
    "audit_notes",
    metadata,
    Column("tenant", Name, primary_key=True),
    Column("seq", _Counter, primary_key=True, autoincrement=False),
    Column("hash", Name, nullable=False),
    Column("at", Instant, nullable=False),
    info=_ONLY_ADDED,
)

APPEND_ONLY = tuple(table.name for table in metadata.sorted_tables if table.info == _ONLY_ADDED)
