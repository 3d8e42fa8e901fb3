"""LangGraph: a node calls `interrupt`, the checkpointer commits; `Command(resume=…)` ends the graph."""

import itertools
import time
from typing import Any, TypedDict

import uvloop
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from bench.measure import Act
from bench.peers.protocol import asked, measure_trips


class State(TypedDict):
    request: str
    verdict: str


async def ask(state: State) -> dict[str, str]:
    """Wait for the decision."""
    return {"verdict": interrupt(state["request"])}


async def main() -> None:
    """Measure what is asked for."""
    wanted = asked()
    # As the checkpointer's documentation wants its connections.
    settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    pool = AsyncConnectionPool(
        wanted["url"], min_size=wanted["pool"], max_size=wanted["pool"], kwargs=settings, open=False
    )
    async with pool:
        saver = AsyncPostgresSaver(pool)
        await saver.setup()
        graph = StateGraph(State)
        graph.add_node("ask", ask)
        graph.add_edge(START, "ask")
        graph.add_edge("ask", END)
        await measure_trips(_trip(graph.compile(checkpointer=saver)), wanted)


def _trip(graph: Any) -> Act:
    numbers = itertools.count(time.time_ns())

    async def one() -> float:
        request = str(next(numbers))
        config = {"configurable": {"thread_id": request}}
        paused = await graph.ainvoke({"request": request, "verdict": ""}, config, durability="sync")
        assert paused["__interrupt__"], paused
        done = await graph.ainvoke(Command(resume="approve"), config, durability="sync")
        assert done["verdict"] == "approve", done
        return 0.0

    return one


if __name__ == "__main__":
    uvloop.run(main())
