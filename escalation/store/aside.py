"""What is stored beside the requests: clicks, cards, rungs, keys and configurations."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from escalation.ids import KeyId, RequestId
from escalation.ladder import Rung
from escalation.ports import Card, Ingress, Key, Step
from escalation.store.session import Session
from escalation.store.statement import (
    Row,
    Statement,
    insert,
    insert_or_replace,
    insert_unless_there,
    parameter,
)
from escalation.store.tables import Instant, Name, agent_keys, cards, config_versions, inbox, rungs

_REQUEST = parameter("request", Name)

_GET_CARD = Statement(select(cards).where(cards.c.request == _REQUEST))
_PUT_CARD = insert_or_replace(cards, "request")
_ADD_INGRESS = insert_unless_there(inbox, ["fingerprint"])
_ADD_STEP = insert(rungs)
_STEPS = Statement(select(rungs).where(rungs.c.request == _REQUEST).order_by(rungs.c.rung))
_ADD_KEY = insert(agent_keys)
_KEY_BY_HASH = Statement(
    select(agent_keys).where(agent_keys.c.hash == parameter("hash", Name), agent_keys.c.revoked_at.is_(None))
)
_KEYS = Statement(select(agent_keys).order_by(agent_keys.c.id))
_REVOKE_KEY = Statement(
    update(agent_keys)
    .where(agent_keys.c.id == parameter("this", Name), agent_keys.c.revoked_at.is_(None))
    .values(revoked_at=parameter("revoked_at", Instant))
)
_ADD_CONFIGURATION = insert_or_replace(config_versions, "version")
_IN_FORCE = Statement(select(config_versions.c.version).order_by(config_versions.c.loaded_at.desc()).limit(1))


class SqlCards:
    """Where cards stand."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, request: RequestId) -> Card | None:
        row = await self._session.row(_GET_CARD, {"request": request})
        return None if row is None else Card(request=row[0], channel=row[1], ts=row[2])

    async def put(self, card: Card) -> None:
        """Remember *card*, in place of an older one of the same request."""
        self._session.later(_PUT_CARD, {"request": card.request, "channel": card.channel, "ts": card.ts})


class SqlInbox:
    """What people clicked."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, ingress: Ingress) -> bool:
        """Store it; return False if the same signed click was stored before."""
        values = {
            "id": ingress.id,
            "fingerprint": ingress.fingerprint,
            "person": ingress.person,
            "what": ingress.what,
            "at": ingress.at,
        }
        return await self._session.run(_ADD_INGRESS, values) == 1


class SqlSteps:
    """The rungs that were climbed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, step: Step) -> None:
        values = {
            "request": step.request,
            "rung": int(step.rung),
            "planned_at": step.planned_at,
            "actual_at": step.actual_at,
        }
        self._session.later(_ADD_STEP, values)

    async def of(self, request: RequestId) -> Sequence[Step]:
        """Return the rungs of *request*, lowest first."""
        rows = await self._session.rows(_STEPS, {"request": request})
        return [Step(request=row[0], rung=Rung(row[1]), planned_at=row[2], actual_at=row[3]) for row in rows]


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
        self._session.later(_ADD_KEY, values)

    async def by_hash(self, hash_: str) -> Key | None:
        """Return the key, unless it was revoked."""
        row = await self._session.row(_KEY_BY_HASH, {"hash": hash_})
        return None if row is None else _key(row)

    async def all(self) -> Sequence[Key]:
        return [_key(row) for row in await self._session.rows(_KEYS)]

    async def revoke(self, key: KeyId, at: datetime) -> bool:
        """Revoke it; return False if it is not there, or revoked already."""
        return await self._session.run(_REVOKE_KEY, {"this": key, "revoked_at": at}) == 1


class SqlConfigurations:
    """Every configuration that was ever in force."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, version: str, *, at: datetime, body: str) -> bool:
        """Remember it as the one in force; return False if it is so already."""
        await self._session.hold(config_versions)
        last = await self._session.row(_IN_FORCE)
        if last is not None and last[0] == version:
            return False
        await self._session.run(_ADD_CONFIGURATION, {"version": version, "loaded_at": at, "body": body})
        return True


def _key(row: Row) -> Key:
    return Key(id=row[0], agent=row[1], hash=row[2], created_at=row[3], revoked_at=row[4])
