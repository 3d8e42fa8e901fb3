"""One transaction's view of the rows in memory: its own changes over what is committed."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeAlias, TypeVar, cast

from escalation.errors import StoreError

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


class Table(Generic[K, V]):
    """Names a table and the types of its keys and rows. Each noun's module declares its own."""


#: Every committed row, by its table and key.
Rows: TypeAlias = dict[Table[Any, Any], dict[Any, Any]]


_NOBODY: Mapping[str, Rows] = {}


class View:
    """All the tables as one transaction sees them."""

    def __init__(
        self, rows: Rows, *, tenant: str, others: Mapping[str, Rows] = _NOBODY, frozen: bool = False
    ) -> None:
        self._rows = rows
        #: The rows of other tenants, to tell that they are there.
        self.others = others
        self._tenant = tenant
        self._frozen = frozen
        self._overlays: dict[Table[Any, Any], Overlay[Any, Any]] = {}

    def __getitem__(self, table: Table[K, V]) -> Overlay[K, V]:
        found = self._overlays.get(table)
        if found is None:
            committed = self._rows.setdefault(table, {})
            found = self._overlays[table] = Overlay(committed, frozen=self._frozen)
        return cast("Overlay[K, V]", found)

    def check(self, tenant: str) -> None:
        """Raise ``StoreError`` unless these are the rows of *tenant*."""
        if tenant != self._tenant:
            raise StoreError("a row of another tenant; nothing was written")

    def commit(self) -> None:
        """Make every change everybody's, at once."""
        for overlay in self._overlays.values():
            overlay.commit()
