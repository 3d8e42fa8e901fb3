"""
Whoever decides does so by the configuration in force, whichever one this process works by.

    begin(core) ─▶ transaction: share the fence ──the same version──▶ the use case ─▶ its outcome
         ▲                           │ another version: nothing is done
         └──── load that one ◀───────┘

A use case sees one configuration from its beginning to its end. A change waits until those who share
the fence have committed; who comes after it sees the new one.
"""

# Every call makes its use case anew; evaluating the annotations costs more than that.
from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import TypeAlias, TypeVar

from escalation.clock import monotonic
from escalation.errors import InvalidConfiguration, NotInForce
from escalation.ports import Transaction, UseCase
from escalation.reason import Reason, Refused
from escalation.service.context import Core

T = TypeVar("T")

#: Makes a use case for a core whose configuration stands still.
Begin: TypeAlias = Callable[[Core], UseCase[T]]

#: Seconds for which a use case follows one change after the other.
_PATIENCE = 3.0


#: When it is worth asking again whether somebody acknowledged a restore.
_THAWS = timedelta(seconds=30)


class _Behind:
    """This process works by another configuration than the one in force; nothing was done."""


_BEHIND = _Behind()


async def by_the_one_in_force(core: Core, begin: Begin[T], *, touches: Collection[str] | None) -> T:
    """Do what *begin* returns, in one transaction, by the configuration in force; return its outcome.

    *touches*: as ``Store.transact`` takes it; None for a transaction of its own. Raises ``NotInForce``
    if this process cannot load that configuration.
    """
    until = monotonic() + _PATIENCE
    while True:
        steady = core.by(core.configuration())
        use_case = _behind_the_fence(steady, begin(steady))
        outcome = await _transact(core, use_case, touches)
        if not isinstance(outcome, _Behind):
            return outcome
        if monotonic() > until:
            raise NotInForce("the configuration changes faster than it can be loaded")
        await follow(core)


def _behind_the_fence(core: Core, use_case: UseCase[T]) -> UseCase[T | _Behind]:
    async def in_transaction(tx: Transaction) -> T | _Behind:
        in_force = await tx.fence.share()
        # An answer, not an exception: those who share its commit have done nothing wrong.
        return await use_case(tx) if in_force.version == core.configuration().version else _BEHIND

    return in_transaction


async def _transact(core: Core, use_case: UseCase[T], touches: Collection[str] | None) -> T:
    if touches is not None:
        return await core.store.transact(use_case, touches=touches)
    async with core.store.write() as tx:
        return await use_case(tx)


async def frozen(tx: Transaction) -> Refused | None:
    """Return the refusal if nothing may be released now; whoever decides shares the fence already."""
    why = (await tx.fence.share()).frozen
    return None if why is None else Refused(Reason.FROZEN, why, retry_after=_THAWS)


async def follow(core: Core) -> bool:
    """Have this process work by the configuration in force; return whether it is another than before.

    Raises ``NotInForce`` if there is none, or this version of the program cannot load it.
    """
    async with core.store.read() as tx:
        version = (await tx.fence.read()).version
        if version == core.configuration().version:
            return False
        stored = None if version is None else await tx.configurations.get(version)
    if version is None:
        raise NotInForce("no configuration is in force yet; `andon apply` puts one in force")
    if stored is None:
        raise NotInForce(f"configuration {version} is in force, and its files are not in the database")
    try:
        await core.adopt(stored)
    except InvalidConfiguration as error:
        raise NotInForce(
            f"configuration {version} is in force, and this version of andon cannot load it: {error}"
        ) from error
    return True
