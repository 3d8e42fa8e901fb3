"""Agents' keys: made once, shown once, kept as a hash."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from escalation.audit import EventName
from escalation.ids import AgentName, KeyId
from escalation.ports import Key
from escalation.reason import Reason, Refused
from escalation.service.context import Core
from escalation.service.steps.clerk import by_us

PREFIX = "andon_"
_FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made: the only moment at which its secret is known."""

    key: Key
    secret: str


async def create(core: Core, agent: AgentName) -> NewKey | Refused:
    """Make a key with which *agent* may propose, claim and report; never decide or operate."""
    if agent not in core.configuration().agents:
        return Refused(Reason.UNKNOWN_AGENT, agent)
    secret = PREFIX + core.ids.secret()
    async with core.store.write() as tx:
        key = Key(id=KeyId(core.ids.new("key")), agent=agent, hash=hash_of(secret), created_at=tx.now)
        await tx.keys.add(key)
        await by_us(core, tx, "operator").record(EventName.KEY_CREATED, key.id, agent=agent)
    return NewKey(key=key, secret=secret)


async def revoke(core: Core, key: KeyId) -> bool:
    """Make *key* useless at once; return False if there is no such key in use."""
    async with core.store.write() as tx:
        revoked = await tx.keys.revoke(key, tx.now)
        if revoked:
            agent = next((each.agent for each in await tx.keys.all() if each.id == key), None)
            await by_us(core, tx, "operator").record(EventName.KEY_REVOKED, key, agent=agent)
        return revoked


async def agent_of(core: Core, secret: str) -> AgentName | None:
    """Return whose key *secret* is, if it is in use and its agent still exists."""
    if _FORM.fullmatch(secret) is None:
        return None  # it was never one of ours, and the database need not be asked
    async with core.store.read() as tx:
        key = await tx.keys.by_hash(hash_of(secret))
    return key.agent if key is not None and key.agent in core.configuration().agents else None


async def every(core: Core) -> Sequence[Key]:
    """Return all keys ever made."""
    async with core.store.read() as tx:
        return await tx.keys.all()


def hash_of(secret: str) -> str:
    """Return what is kept of *secret*. 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
