"""The configurations that were ever in force, in a database."""

from datetime import datetime

from escalation.ports.configurations import StoredConfiguration
from escalation.store.change import Conflict, Insertion, Otherwise
from escalation.store.lookup import Lookup
from escalation.store.session import Session
from escalation.store.tables import config_versions

_ADD = Insertion(config_versions, Conflict(columns=["tenant", "version"], then=Otherwise.REPLACE))
_THE_ONE = Lookup(config_versions, config_versions.c.version)


class SqlConfigurations:
    """Every configuration that was ever in force."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, stored: StoredConfiguration, *, at: datetime) -> None:
        """Remember that it was put in force at that instant, for the first time or again."""
        self._session.later(_ADD, {"version": stored.version, "loaded_at": at, "body": stored.body})

    async def get(self, version: str) -> StoredConfiguration | None:
        row = await self._session.row(_THE_ONE, {"version": version})
        return None if row is None else StoredConfiguration(version=row.version, body=row.body)
