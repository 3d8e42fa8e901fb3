"""DBOS: a workflow waits for a message (`recv`), which `send` commits; its handle returns then."""

import itertools
import time
from collections.abc import Awaitable, Callable

import uvloop
from dbos import DBOS, DBOSConfig, SetWorkflowID

from bench.measure import Act
from bench.peers.protocol import asked, measure_trips

_TOPIC = "decision"


async def approval(request: str) -> str:
    """Wait for the decision about *request*."""
    del request
    found: str = await DBOS.recv_async(_TOPIC, timeout_seconds=900)
    return found


async def main() -> None:
    """Measure what is asked for."""
    wanted = asked()
    workflow = DBOS.workflow()(approval)
    DBOS(config=DBOSConfig(name="bench", system_database_url=wanted["url"], log_level="ERROR"))
    DBOS.launch()
    await measure_trips(_trip(workflow), wanted)
    DBOS.destroy()


def _trip(workflow: Callable[[str], Awaitable[str]]) -> Act:
    numbers = itertools.count(time.time_ns())

    async def one() -> float:
        request = str(next(numbers))
        with SetWorkflowID(request):
            handle = await DBOS.start_workflow_async(workflow, request)
        await DBOS.send_async(request, "approve", _TOPIC)
        assert await handle.get_result() == "approve"
        return 0.0

    return one


if __name__ == "__main__":
    uvloop.run(main())
