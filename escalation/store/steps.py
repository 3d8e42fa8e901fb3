"""The rungs that requests climbed, in a database."""

from collections.abc import Sequence

from escalation.ids import RequestId
from escalation.ladder import Rung
from escalation.ports import Step, Unreadables
from escalation.store.change import Insertion
from escalation.store.lookup import Lookup
from escalation.store.reading import Reading, known
from escalation.store.session import Session
from escalation.store.statement import Row
from escalation.store.tables import rungs

_RUNGS = {int(rung): rung for rung in Rung}
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
        """Return the rungs of *request* that this version knows, lowest first."""
        # They are only shown: one that is left out changes nothing, and is no alarm.
        rows = await self._session.rows(_OF, {"request": request})
        return _STEP.readable(rows, Unreadables())


def _step(row: Row) -> Step:
    rung = known(_RUNGS, row.rung, "rung")
    return Step(request=row.request, rung=rung, planned_at=row.planned_at, actual_at=row.actual_at)


_STEP = Reading(rungs, _step, by="request")
