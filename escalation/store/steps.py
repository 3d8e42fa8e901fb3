"""The rungs that requests climbed, in a database."""

from collections.abc import Sequence

from escalation.ids import RequestId
from escalation.ladder import Rung
from escalation.ports import Step
from escalation.store.change import Insertion
from escalation.store.lookup import Lookup
from escalation.store.session import Session
from escalation.store.statement import Row
from escalation.store.tables import rungs

_ADD = Insertion(rungs)
_OF = Lookup(rungs, rungs.c.request, order=rungs.c.rung)


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
        self._session.later(_ADD, values)

    async def of(self, request: RequestId) -> Sequence[Step]:
        """Return the rungs of *request*, lowest first."""
        return [_step(row) for row in await self._session.rows(_OF, {"request": request})]


def _step(row: Row) -> Step:
    return Step(request=row.request, rung=Rung(row.rung), planned_at=row.planned_at, actual_at=row.actual_at)
