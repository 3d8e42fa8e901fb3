"""A replica is stopped in the middle of everything, and wakes in a world that went on without it."""

import asyncio
from pathlib import Path

import httpx
import pytest

from bot.config import Environment
from tests.chaos import judge
from tests.chaos.load import Busy, offered
from tests.chaos.replica import LEASE
from tests.chaos.town import Town, Zygote, town
from tests.harness.databases import Postgres
from tests.harness.fake_slack import Posted

_PATIENCE = 30.0


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_what_it_was_asked_while_it_slept(zygote: Zygote, mortal: Postgres, tmp_path: Path) -> None:
    """A claim and a click reach it; somebody pulls the stop elsewhere: neither counts when it wakes."""
    environment = Environment.model_validate({"andon_database_url": mortal.url})
    async with town(zygote, tmp_path / "here", environment, seed=1, replicas=2) as on:
        sleeper, awake = on.replicas
        agent = Busy(on, on.dice)
        granted, pending = await agent.asks({}), await agent.asks({})
        await on.slack.person("salma").clicks("Approve", on=await _card(on, granted["id"]))
        granted = await agent.sees_the_end(granted)
        card = await _card(on, pending["id"])
        sleeper.freeze()
        on.replicas = [sleeper]
        claiming = asyncio.create_task(_claim(on, granted))
        clicking = asyncio.create_task(on.slack.person("salma").clicks("Approve", on=card))
        on.replicas = [awake]
        await _stop(on)
        # Longer than a message is leased: what it was about to say, others have said by now.
        await asyncio.sleep(LEASE + 1)
        sleeper.wake()
        assert await claiming in {409, 423}
        await clicking
        on.replicas = [sleeper, awake]
        assert (await agent.sees_the_end(pending))["state"] == "killed"
        assert (await _of(agent, granted))["grant"]["state"] == "revoked"
        async with asyncio.timeout(_PATIENCE):
            while any(offered(posted) for posted in on.slack.messages):
                await asyncio.sleep(0.1)
    assert await judge.judged(on) == []


async def _card(on: Town, request: str) -> Posted:
    async with asyncio.timeout(_PATIENCE):
        while True:
            for posted in on.slack.messages:
                if offered(posted) == request:
                    return posted
            await asyncio.sleep(0.05)


async def _claim(on: Town, settled: dict[str, object]) -> int:
    grant = settled["grant"]
    assert isinstance(grant, dict)
    url = f"{on.replicas[0].url}/v1/grants/{grant['id']}/claim"
    body, headers = {"digest": grant["digest"], "attempt": "late"}, {"Authorization": f"Bearer {on.key}"}
    return (await on.http.post(url, json=body, headers=headers, timeout=60)).status_code


async def _stop(on: Town) -> None:
    async with asyncio.timeout(_PATIENCE):
        while (await on.slack.person("khalid").types("/andon stop all a drill")).status != httpx.codes.OK:
            await asyncio.sleep(0.2)


async def _of(agent: Busy, request: dict[str, object]) -> dict[str, dict[str, str]]:
    answer = await agent.calls("look", "GET", f"/v1/requests/{request['id']}")
    return dict(answer.json())
