"""
Restate: a handler waits for an awakeable, which an HTTP call resolves; the caller's HTTP call returns then.

    POST /Approval/ask ──▶ awakeable ──▶ POST /restate/awakeables/{id}/resolve ──▶ the first call returns

Two calls, where ours are three: the caller is told nothing before the end. ``restate-server`` is a process of
its own; the handler runs in this one, as does the client, so that the awakeable's id costs no call.
"""

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import hypercorn.asyncio
import hypercorn.config
import restate
import uvloop

from bench.measure import Act
from bench.peers.protocol import Timers, asked, measure_trips
from bench.ports import free_port
from bench.wire import Lines

_JSON = {"content-type": "application/json"}
_UP_WITHIN = 30.0
_service = restate.Service("Approval")
_told: dict[int, asyncio.Future[str]] = {}
_timers = Timers()


async def ask(ctx: restate.Context, request: int) -> str:
    """Wait for the decision about *request*."""
    name, decision = ctx.awakeable(type_hint=str)

    async def tell() -> None:
        _told[request].set_result(name)

    await ctx.run_typed("tell", tell)
    return str(await decision)


async def expire(ctx: restate.Context, due: float) -> None:
    """Note when it runs."""
    del ctx
    _timers.fired(due)


async def main() -> None:
    """Measure what is asked for."""
    wanted = asked()
    async with _serving(wanted) as (ingress, server):
        if wanted["work"] == "trips":
            await measure_trips(_trip(ingress), wanted, beside=[server])
            return
        await _timers.run(wanted, lambda due: _schedule(ingress, due), processes=[os.getpid(), server])


def _trip(ingress: Lines) -> Act:
    numbers = itertools.count(time.time_ns())

    async def call(request: int) -> None:
        async with ingress.line() as line:
            answer = await line.post("/Approval/ask", _JSON, str(request).encode())
        assert (answer.status, answer.body) == (200, b'"approve"'), answer

    async def resolve(request: int) -> None:
        name = await _told[request]
        async with ingress.line() as line:
            answer = await line.post(f"/restate/awakeables/{name}/resolve", _JSON, b'"approve"')
        assert answer.status in {200, 202}, answer

    async def one() -> float:
        request = next(numbers)
        _told[request] = asyncio.get_running_loop().create_future()
        await asyncio.gather(call(request), resolve(request))
        del _told[request]
        return 0.0

    return one


async def _schedule(ingress: Lines, due: float) -> None:
    delay = max(0, round((due - time.time()) * 1e3))
    async with ingress.line() as line:
        answer = await line.post(f"/Approval/expire/send?delay={delay}ms", _JSON, json.dumps(due).encode())
    assert answer.status in {200, 202}, answer


@asynccontextmanager
async def _serving(wanted: dict[str, Any]) -> AsyncIterator[tuple[Lines, int]]:
    """Run the server and our handlers during the block; yield where calls go in, and the server's process."""
    ports = {name: free_port() for name in ("INGRESS", "ADMIN", "node", "handlers")}
    ingress, admin = Lines(ports["INGRESS"]), Lines(ports["ADMIN"])
    command = [wanted["program"], "--base-dir", wanted["folder"], "--no-logo", "--log-filter", "error"]
    server = await asyncio.create_subprocess_exec(*command, env=_environment(ports), stdout=sys.stderr)
    try:
        async with _handling(ports["handlers"]):
            await _up(admin, "/health")
            await _up(ingress, "/restate/health")
            body = json.dumps({"uri": f"http://127.0.0.1:{ports['handlers']}"}).encode()
            async with admin.line() as line:
                answer = await line.post("/deployments", _JSON, body)
            assert answer.status == 201, answer
            yield ingress, server.pid
    finally:
        server.terminate()
        await server.wait()


def _environment(ports: Mapping[str, int]) -> dict[str, str]:
    return {
        **os.environ,
        "DO_NOT_TRACK": "1",
        "RESTATE_ADMIN__BIND_PORT": str(ports["ADMIN"]),
        "RESTATE_BIND_IP": "127.0.0.1",
        "RESTATE_BIND_PORT": str(ports["node"]),
        "RESTATE_DISABLE_TELEMETRY": "true",
        "RESTATE_INGRESS__BIND_PORT": str(ports["INGRESS"]),
        "RESTATE_LISTEN_MODE": "tcp",
    }


@asynccontextmanager
async def _handling(port: int) -> AsyncIterator[None]:
    for handler in (ask, expire):
        _service.handler()(handler)
    config = hypercorn.config.Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.loglevel = "ERROR"
    # As many streams and requests a connection as Restate wants.
    config.h2_max_concurrent_streams = config.keep_alive_max_requests = 2**31 - 1
    stop = asyncio.Event()
    app = restate.app([_service])
    serving = asyncio.create_task(hypercorn.asyncio.serve(app, config, shutdown_trigger=stop.wait))
    yield
    stop.set()
    with suppress(TimeoutError):
        await asyncio.wait_for(serving, 5)


async def _up(lines: Lines, path: str) -> None:
    async with asyncio.timeout(_UP_WITHIN):
        while True:
            with suppress(OSError, EOFError):
                async with lines.line() as line:
                    if (await line.get(path)).status == 200:
                        return
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    uvloop.run(main())
