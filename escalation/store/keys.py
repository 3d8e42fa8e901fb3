"""The agents' keys, in a database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from escalation.ids import KeyId
from escalation.ports import Key
from escalation.store.change import Insertion
from escalation.store.lookup import Lookup
from escalation.store.reading import Reading
from escalation.store.session import Session
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Instant, Name, agent_keys

_UNREVOKED = agent_keys.c.revoked_at.is_(None)

_ADD = Insertion(agent_keys)
_BY_HASH = Lookup(agent_keys, agent_keys.c.hash, only=_UNREVOKED)
_ALL = Statement(select(agent_keys).order_by(agent_keys.c.id))
_REVOKE = Statement(
    update(agent_keys)
    .where(agent_keys.c.id == parameter("this", Name), _UNREVOKED)
    .values(revoked_at=parameter("revoked_at", Instant))
)


class SqlKeys:
    """The agents' keys."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, key: Key) -> None:
        values = {
            "id": key.id,
            "agent": key.agent,
            "hash": key.hash,
            "created_at": key.created_at,
            "revoked_at": key.revoked_at,
        }
        self._session.later(_ADD, values)

    async def by_hash(self, hash_: str) -> Key | None:
        """Return the key, unless it was revoked."""
        row = await self._session.row(_BY_HASH, {"hash": hash_})
        return None if row is None else _KEY.one(row, self._session.unreadable)

    async def all(self) -> Sequence[Key]:
        return _KEY.readable(await self._session.rows(_ALL), self._session.unreadable)

    async def revoke(self, key: KeyId, at: datetime) -> bool:
        """Revoke it; return False if it is not there, or revoked already."""
        return await self._session.run(_REVOKE, {"this": key, "revoked_at": at}) == 1


def _key(row: Row) -> Key:
    return Key(
        id=row.id, agent=row.agent, hash=row.hash, created_at=row.created_at, revoked_at=row.revoked_at
    )


_KEY = Reading(agent_keys, _key)
