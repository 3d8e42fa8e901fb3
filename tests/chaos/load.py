"""Agents who propose, claim, act and report, and people who click, as if nothing were broken."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from itertools import count
from typing import Any

import httpx

from bot.slack.render.block_kit import action_ids
from escalation.clock import SystemClock, monotonic
from tests.chaos.dice import Dice
from tests.chaos.ledger import Acked
from tests.chaos.town import Replica, Town
from tests.harness.fake_slack import Posted
from tests.scenario.agent import CONFIDENT, LARGE, POSTING, SMALL, proposal

#: Seconds for which an agent calls again and again.
_PATIENCE = 150.0
_TIMEOUT = 6.0
_numbers = count(1)

Story = Callable[["Busy"], Awaitable[None]]


class Busy:
    """One agent, or one of its processes: it sends each call again, unchanged, until somebody answers."""

    def __init__(self, on: Town, dice: Dice) -> None:
        self.on = on
        self.dice = dice

    async def asks(self, changes: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Propose a posting; return the request."""
        key = f"chaos:{next(_numbers)}"
        body = proposal({**POSTING, **changes, "memo": key}, **more)
        answer = await self.calls("propose", "POST", "/v1/requests", body, key=key)
        request = dict(answer.json())
        known = self.on.ledger.asked.setdefault(key, request["id"])
        if known != request["id"]:
            self.on.ledger.wrong.append(f"{key} is two requests: {known} and {request['id']}")
        return request

    async def sees_the_end(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Wait until *request* is settled."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                answer = await self.calls("look", "GET", f"/v1/requests/{request['id']}?wait=2")
                if answer.json()["state"] != "pending":
                    return dict(answer.json())

    async def acts(self, settled: Mapping[str, Any]) -> None:
        """Claim what was granted, do it, and report."""
        if settled["grant"] is None:
            return
        grant, attempt = settled["grant"]["id"], f"attempt-{next(_numbers)}"
        body = {"digest": settled["grant"]["digest"], "attempt": attempt}
        answer = await self.calls("claim", "POST", f"/v1/grants/{grant}/claim", body)
        if answer.status_code != httpx.codes.OK:
            self.on.ledger.wrong.append(f"a grant nobody touched was not claimed: {answer.text[:200]}")
            return
        self.on.ledger.acts(grant, attempt)
        answer = await self.calls("report", "POST", f"/v1/grants/{grant}/report", {"outcome": "succeeded"})
        if answer.status_code == httpx.codes.OK:
            self.on.ledger.reported.add(grant)

    async def calls(
        self, what: str, method: str, path: str, body: Any = None, *, key: str | None = None
    ) -> httpx.Response:
        """Call until it is answered by more than "come back later"."""
        headers = {"Authorization": f"Bearer {self.on.key}"} | ({"Idempotency-Key": key} if key else {})
        async with asyncio.timeout(_PATIENCE):
            while True:
                with suppress(httpx.TransportError):
                    url = self.dice.one_of(self.on.replicas).url + path
                    answer = await self.on.http.request(
                        method, url, json=body, headers=headers, timeout=_TIMEOUT
                    )
                    self.on.ledger.note(what, answer)
                    if answer.status_code not in {429, 503}:
                        return answer
                await asyncio.sleep(self.dice.between(0.05, 0.3))


async def _decided(agent: Busy) -> None:
    await agent.acts(await agent.sees_the_end(await agent.asks({})))


async def _left_alone(agent: Busy) -> None:
    request = await agent.asks(LARGE)
    agent.on.ledger.left_alone.add(request["id"])
    settled = await agent.sees_the_end(request)
    if settled["grant"] is not None:
        agent.on.ledger.wrong.append(f"{request['id']} was granted by nobody")


async def _allowed(agent: Busy) -> None:
    await agent.acts(await agent.asks(SMALL, confidence=CONFIDENT))


async def _taken_back(agent: Busy) -> None:
    request = await agent.asks({})
    await asyncio.sleep(agent.dice.between(0, 0.5))
    await agent.calls("cancel", "POST", f"/v1/requests/{request['id']}/cancel", {"reason": "no more"})
    settled = await agent.sees_the_end(request)
    if settled["state"] == "cancelled":
        agent.on.ledger.cancelled.add(request["id"])
    await agent.acts(settled)


_STORIES: tuple[Story, ...] = (*(_decided,) * 6, *(_left_alone,) * 2, _allowed, _taken_back)


async def working(on: Town, name: str) -> None:
    """Be one process of an agent for as long as the town is open."""
    agent = Busy(on, on.dice.apart(name))
    while on.is_open:
        await agent.dice.one_of(_STORIES)(agent)
        await asyncio.sleep(agent.dice.between(0, 0.3))


async def deciding(on: Town) -> None:
    """Be everybody who may decide, and two who may not, until cancelled."""
    dice, seen = on.dice.apart("people"), set()
    async with asyncio.TaskGroup() as group:
        while True:
            for posted in list(on.slack.messages):
                if posted.ts not in seen and posted.channel == on.slack.channels["#finance"]:
                    seen.add(posted.ts)
                    if (request := offered(posted)) is not None:
                        group.create_task(_decide(on, dice, posted, request))
            await asyncio.sleep(0.05)


def offered(posted: Posted) -> str | None:
    """Return the request that *posted* has an Approve button for."""
    for block in posted.blocks:
        for element in block.get("elements", ()):
            if element.get("action_id") == action_ids.APPROVE:
                return str(element["value"])
    return None


async def _decide(on: Town, dice: Dice, posted: Posted, request: str) -> None:
    await asyncio.sleep(dice.between(0, 0.5))
    if dice.happens(0.1):
        # The owner, and somebody whom andon.yaml does not know: an answer, and no decision.
        with suppress(AssertionError):
            await on.slack.person(dice.one_of(("nadia", "omar"))).clicks("Approve", on=posted)
    who = dice.one_of(("salma", "khalid"))
    while offered(posted) is not None:
        with suppress(AssertionError):  # by now it offers nothing to click
            if (await on.slack.person(who).clicks("Approve", on=posted)).status == httpx.codes.OK:
                on.ledger.acked.append(Acked(person=who, request=request, at=SystemClock().now()))
                return
        await asyncio.sleep(dice.between(0.1, 0.5))


async def watching(on: Town) -> None:
    """Ask each replica whether it is alive and ready, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for replica in on.replicas:
            group.create_task(_watch(on, replica))


async def _watch(on: Town, replica: Replica) -> None:
    last = monotonic()
    while True:
        with suppress(httpx.TransportError):
            answer = await on.http.get(f"{replica.url}/healthz", timeout=_TIMEOUT)
            if answer.status_code != httpx.codes.OK:
                on.ledger.wrong.append(f"/healthz answered {answer.status_code}")
            if not replica.was_frozen_since(last):
                on.ledger.silent_for = max(on.ledger.silent_for, monotonic() - last)
            last = monotonic()
            await on.is_ready(replica)
        await asyncio.sleep(0.2)
