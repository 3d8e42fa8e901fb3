"""The rows, and one transaction's view of them: its own changes over what is committed."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Generic, TypeVar

from escalation.audit import Event, Link, Seal
from escalation.errors import StoreError
from escalation.grant import Grant
from escalation.ids import AgentName, EventId, GrantId, IngressId, KeyId, OutboxId, RequestId
from escalation.ports import Card, Ingress, Key, Outgoing, Step
from escalation.request import Request
from escalation.switch import Scope, ScopeKind, Switch

K = TypeVar("K")
V = TypeVar("V")


class Overlay(Generic[K, V]):
    """A table as one transaction sees it."""

    def __init__(self, rows: dict[K, V], *, frozen: bool) -> None:
        self._rows = rows
        self._changes: dict[K, V | None] = {}
        self._frozen = frozen

    def get(self, key: K) -> V | None:
        """Return the row of *key*, if there is one."""
        return self._changes[key] if key in self._changes else self._rows.get(key)

    def put(self, key: K, row: V) -> None:
        """Write *row* under *key*."""
        self._change(key, row)

    def add(self, key: K, row: V) -> None:
        """Write *row* under a *key* that must be free."""
        if self.get(key) is not None:
            raise StoreError(f"there is a row with the key {key!r} already")
        self._change(key, row)

    def drop(self, key: K) -> None:
        """Forget the row of *key*."""
        self._change(key, None)

    def values(self) -> Iterator[V]:
        """Yield every row, in the order they were first written."""
        for key, row in self._rows.items():
            kept = self._changes.get(key, row)
            if kept is not None:
                yield kept
        for key, changed in self._changes.items():
            if changed is not None and key not in self._rows:
                yield changed

    def commit(self) -> None:
        """Make the changes everybody's."""
        for key, row in self._changes.items():
            if row is None:
                self._rows.pop(key, None)
            else:
                self._rows[key] = row

    def _change(self, key: K, row: V | None) -> None:
        if self._frozen:
            raise StoreError("this transaction was opened to read")
        self._changes[key] = row


@dataclass(frozen=True, slots=True)
class Tables:
    """Every committed row, by its key."""

    requests: dict[RequestId, Request] = field(default_factory=dict)
    asked_with: dict[tuple[AgentName, str], RequestId] = field(default_factory=dict)
    grants: dict[GrantId, Grant] = field(default_factory=dict)
    granted_for: dict[RequestId, GrantId] = field(default_factory=dict)
    switches: dict[Scope, Switch] = field(default_factory=dict)
    unsent: dict[OutboxId, Outgoing] = field(default_factory=dict)
    waiting_cards: dict[RequestId, OutboxId] = field(default_factory=dict)
    cards: dict[RequestId, Card] = field(default_factory=dict)
    inbox: dict[IngressId, Ingress] = field(default_factory=dict)
    fingerprints: dict[str, IngressId] = field(default_factory=dict)
    steps: dict[RequestId, tuple[Step, ...]] = field(default_factory=dict)
    keys: dict[KeyId, Key] = field(default_factory=dict)
    events: dict[EventId, Event] = field(default_factory=dict)
    unlinked: dict[EventId, Event] = field(default_factory=dict)
    links: dict[int, Link] = field(default_factory=dict)
    seals: dict[int, Seal] = field(default_factory=dict)
    configurations: dict[str, tuple[datetime, str, str]] = field(default_factory=dict)


class View:
    """All the tables as one transaction sees them."""

    def __init__(self, tables: Tables, *, frozen: bool = False) -> None:
        self.requests = Overlay(tables.requests, frozen=frozen)
        self.asked_with = Overlay(tables.asked_with, frozen=frozen)
        self.grants = Overlay(tables.grants, frozen=frozen)
        self.granted_for = Overlay(tables.granted_for, frozen=frozen)
        self.switches = Overlay(tables.switches, frozen=frozen)
        self.unsent = Overlay(tables.unsent, frozen=frozen)
        self.waiting_cards = Overlay(tables.waiting_cards, frozen=frozen)
        self.cards = Overlay(tables.cards, frozen=frozen)
        self.inbox = Overlay(tables.inbox, frozen=frozen)
        self.fingerprints = Overlay(tables.fingerprints, frozen=frozen)
        self.steps = Overlay(tables.steps, frozen=frozen)
        self.keys = Overlay(tables.keys, frozen=frozen)
        self.events = Overlay(tables.events, frozen=frozen)
        self.unlinked = Overlay(tables.unlinked, frozen=frozen)
        self.links = Overlay(tables.links, frozen=frozen)
        self.seals = Overlay(tables.seals, frozen=frozen)
        self.configurations = Overlay(tables.configurations, frozen=frozen)

    def commit(self) -> None:
        """Make every change everybody's, at once."""
        for table in fields(Tables):
            getattr(self, table.name).commit()


def covers(scope: Scope, request: Request) -> bool:
    """Return whether a stop of *scope* holds *request*."""
    match scope.kind:
        case ScopeKind.ALL:
            return True
        case ScopeKind.AGENT:
            return request.agent == scope.name
        case ScopeKind.FUNCTION:
            return request.function == scope.name
        case ScopeKind.ACTION:
            return getattr(request.subject, "type", None) == scope.name
