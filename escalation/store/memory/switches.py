"""The kill switches, in memory."""

from collections.abc import Collection, Sequence
from operator import itemgetter

from escalation.store.memory.set_aside import aside_of, refuse_aside
from escalation.store.memory.view import Table, View
from escalation.switch import Scope, Switch, in_doubt

_SWITCHES: Table[Scope, Switch] = Table()


class MemorySwitches:
    """The switches of one transaction. Writers queue, so a stop and a claim exclude each other."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def ensure(self, scopes: Collection[Scope]) -> None:
        """Insert a running switch for each scope that has none."""
        for scope in scopes:
            if self._view[_SWITCHES].get(scope) is None:
                self._view[_SWITCHES].put(scope, Switch(scope=scope))

    async def share(self, scopes: Collection[Scope]) -> Sequence[Switch]:
        """Return the switches of *scopes*; one that was missing is inserted, running."""
        await self.ensure(scopes)
        found = (self._view[_SWITCHES].get(scope) for scope in set(scopes))
        return sorted(
            (self._or_stopped(switch) for switch in found if switch is not None),
            key=lambda switch: str(switch.scope),
        )

    async def share_stopped(self) -> Sequence[Switch]:
        """Return what is stopped, first stop first."""
        return await self.stopped()

    async def lock(self, scope: Scope) -> Switch | None:
        refuse_aside(self._view, "switches", str(scope))
        return self._view[_SWITCHES].get(scope)

    async def save(self, switch: Switch) -> bool:
        """Write *switch* over version ``switch.version - 1``; return False if that is not there."""
        current = self._view[_SWITCHES].get(switch.scope)
        if current is None or current.version != switch.version - 1:
            return False
        self._view[_SWITCHES].put(switch.scope, switch)
        return True

    async def stopped(self) -> Sequence[Switch]:
        """Return what is stopped, first stop first."""
        switches = map(self._or_stopped, self._view[_SWITCHES].values())
        stopped = [
            (switch.stop.at, str(switch.scope), switch) for switch in switches if switch.stop is not None
        ]
        return [switch for _, _, switch in sorted(stopped, key=itemgetter(0, 1))]

    def _or_stopped(self, switch: Switch) -> Switch:
        aside = aside_of(self._view, "switches", str(switch.scope))
        return switch if aside is None else in_doubt(switch.scope, since=aside.at, version=switch.version)
