"""Every operation of the API is asked what its description allows and forbids, and answers as described."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks as described

from bot.api.openapi import document
from bot.api.routes import OPERATIONS
from tests.scenario.agent import POSTING, Agent, proposal
from tests.scenario.rules import with_second_agent
from tests.scenario.world import World, world

pytestmark = pytest.mark.slow

_EXAMPLES = 25
_SCHEMA = schemathesis.openapi.from_dict(document(OPERATIONS))
_FOUND = [found.ok() for found in _SCHEMA.get_all_operations() if isinstance(found, Ok)]
_OPERATIONS = {operation.label: operation for operation in _FOUND}
_CHECKS = (
    checks.not_a_server_error,
    described.status_code_conformance,
    described.content_type_conformance,
    described.response_schema_conformance,
)
_MODES = {
    "as described": schemathesis.GenerationMode.POSITIVE,
    "not as described": schemathesis.GenerationMode.NEGATIVE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A bot, two agents of two functions, and what each of them has asked and been granted."""

    runner: asyncio.Runner
    room: World
    agents: Mapping[str, Agent]
    ids: tuple[str, ...]
    digests: tuple[str, ...]

    def asks(self, case: schemathesis.Case[Any], key: str) -> httpx.Response:
        """Send *case* with *key*; return the answer."""
        sent = case.as_transport_kwargs(base_url="http://andon")
        headers = {**dict(sent.pop("headers") or {}), "Authorization": f"Bearer {key}"}
        data, body = sent.pop("data", None), sent.pop("json", None)
        request = httpx.Request(
            sent["method"],
            sent["url"],
            params=sent.get("params"),
            headers=[
                (name.encode("latin-1"), str(value).encode("latin-1")) for name, value in headers.items()
            ],
            content=data,
            json=body,
        )
        return self.runner.run(self.room.agent.http.send(request))


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A world that lives for the whole module: each example goes on where the last one ended."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        room = runner.run(stack.enter_async_context(world(loaded=with_second_agent())))
        agents = {"bank": room.agent, "expense": runner.run(room.agent_called("expense-review"))}
        ids, digests = runner.run(_history(room, agents))
        room.core.close_waits()  # a long poll is answered at once
        yield House(runner=runner, room=room, agents=agents, ids=ids, digests=digests)
        runner.run(stack.aclose())


async def _history(room: World, agents: Mapping[str, Agent]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    ids, digests = [], []
    for agent in agents.values():
        allowed = await agent.asks(confidence=0.99, amount="12.000")
        claimed = await agent.asks(confidence=0.99, amount="13.000")
        waiting = await agent.asks()
        wondered = await agent.wonders("Whose is it?", "Ours", "Theirs")
        await agent.claims(claimed)
        for each in (allowed, claimed, waiting, wondered):
            ids.append(each["id"])
            digests.append(each["digest"])
        ids += [allowed["grant"]["id"], claimed["grant"]["id"]]
    return tuple(ids), tuple(digests)


def test_no_operation_is_left_out() -> None:
    """The document describes every operation there is, in a form that can be tried."""
    assert set(_OPERATIONS) == {f"{operation.method} {operation.path}" for operation in OPERATIONS}


@pytest.mark.parametrize("mode", _MODES)
@pytest.mark.parametrize("label", sorted(_OPERATIONS))
def test_each_operation_answers_as_described(house: House, label: str, mode: str) -> None:
    """Whatever is sent, by either agent about anybody's ids, the answer is as described, and never 5xx."""
    operation = _OPERATIONS[label]
    statuses: list[int] = []

    @settings(
        max_examples=_EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def examples(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=_MODES[mode]))
        _aim(data, case, house)
        agent = data.draw(st.sampled_from(sorted(house.agents)))
        answer = house.asks(case, house.agents[agent].key)
        statuses.append(answer.status_code)
        case.validate_response(answer, checks=list(_CHECKS))

    examples()
    assert len(statuses) >= _EXAMPLES // 2


def _aim(data: st.DataObject, case: schemathesis.Case[Any], house: House) -> None:
    """Have half of the calls name what is there, so that they come further than to "not found"."""
    if data.draw(st.booleans()):
        for name in case.path_parameters or {}:
            case.path_parameters[name] = data.draw(st.sampled_from(house.ids))
        if isinstance(case.body, dict) and "digest" in case.body:
            case.body["digest"] = data.draw(st.sampled_from(house.digests))
        if isinstance(case.body, dict) and case.body.get("kind") == "proposal":
            changed = data.draw(st.dictionaries(st.sampled_from(sorted(POSTING)), st.text(), max_size=2))
            case.body["action"] = proposal({**POSTING, **changed})["action"]
