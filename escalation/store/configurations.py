"""The configurations that were ever in force, in a database."""

from datetime import datetime

from sqlalchemy import select

from escalation.store.change import Conflict, Insertion, Otherwise
from escalation.store.session import Session
from escalation.store.statement import Statement
from escalation.store.tables import config_versions

_ADD = Insertion(config_versions, Conflict(columns=["version"], then=Otherwise.REPLACE))
_IN_FORCE = Statement(select(config_versions.c.version).order_by(config_versions.c.loaded_at.desc()).limit(1))


class SqlConfigurations:
    """Every configuration that was ever in force."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, version: str, *, at: datetime, body: str) -> bool:
        """Remember it as the one in force; return False if it is so already."""
        await self._session.hold(config_versions)
        last = await self._session.row(_IN_FORCE)
        if last is not None and last.version == version:
            return False
        self._session.later(_ADD, {"version": version, "loaded_at": at, "body": body})
        return True
