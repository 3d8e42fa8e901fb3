"""After the faults: whether everything came to rest, and whether every promise was kept."""

import asyncio
import traceback
from collections import Counter
from datetime import timedelta

from escalation.clock import monotonic
from escalation.grant import Grant, GrantState
from escalation.ids import GrantId, RequestId
from escalation.ports import Page
from escalation.request import Request, State
from escalation.service.context import Core
from tests.chaos.ledger import ends_by
from tests.chaos.load import offered
from tests.chaos.town import Town, outside
from tests.crash.lives import configuration_of
from tests.scenario import laws

#: Seconds until everything that was begun has ended, once nothing is broken any more.
WAIT = 120.0
#: Seconds that a deadline may be late beyond the trouble it fell into.
LATE = 12.0
#: Seconds for which a process that runs may be too busy to say that it is alive.
SILENT = 8.0
_STILL = {State.PENDING}


async def judged(on: Town) -> list[str]:
    """Return what is wrong, once every replica has ended."""
    async with outside(on.here, on.environment) as core:
        wrong = list(on.ledger.wrong)
        try:
            await laws.hold(core, on.slack, [configuration_of(on.here)])
        except (AssertionError, RuntimeError) as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            wrong.append(f"a law does not hold: {place.name}: {str(error)[:600]}")
        return wrong + await _broken_promises(on, core)


async def at_rest(on: Town, core: Core) -> str | None:
    """Wait until nothing is due any more; return what is stuck, if anything is."""
    until = monotonic() + WAIT
    while (left := await _left(core)) and monotonic() < until:
        await asyncio.sleep(0.25)
    return f"stuck after {WAIT:.0f} s: {left}" if left else None


async def _left(core: Core) -> str:
    async with core.store.read() as tx:
        pending = await tx.requests.page(Page(limit=10), states=list(_STILL))
        waits = await tx.outbox.next_due_at()
    return ", ".join(
        [*(f"{each.id} is pending" for each in pending), *([f"a message is due at {waits}"] if waits else [])]
    )


async def _broken_promises(on: Town, core: Core) -> list[str]:
    async with core.store.read() as tx:
        requests = {each.id: each for each in await tx.requests.page(Page(limit=10_000))}
        found = [await tx.grants.of(each) for each in requests]
        names = {each.id: each.request for each in found if each is not None}
        grants = {each.id: each for each in found if each is not None}
    clicks = Counter(person for person, what in (await laws.clicks_in(core.store)).values())
    assert len(names) == len(grants)
    return [
        *_lost(on, requests),
        *_clicks_lost(on, requests, clicks),
        *_effects_unfounded(on, grants),
        *_late(on, requests),
        *_live_buttons(on, requests),
        *_silence(on),
    ]


def _lost(on: Town, requests: dict[RequestId, Request]) -> list[str]:
    lost = [f"{id_} was promised for {key} and is gone" for key, id_ in on.ledger.asked.items()
            if id_ not in requests]  # fmt: skip
    keys = Counter(each.key for each in requests.values() if each.key is not None)
    twice = [f"{key} was taken {times} times" for key, times in keys.items() if times > 1]
    stuck = [f"{each.id} is still pending" for each in requests.values() if not each.state.is_settled]
    return lost + twice + stuck


def _clicks_lost(on: Town, requests: dict[RequestId, Request], clicks: Counter[str | None]) -> list[str]:
    wrong = [
        f"{number} clicks of {person} were acknowledged, {clicks[person]} are stored"
        for person, number in Counter(each.person for each in on.ledger.acked).items()
        if clicks[person] < number
    ]
    for each in on.ledger.acked:
        request = requests[RequestId(each.request)]
        counted = any(decision.person == each.person for decision in request.decisions)
        in_time = each.at < request.deadline
        before = request.settled_at is not None and request.settled_at <= each.at
        if in_time and not counted and not before:
            wrong.append(f"a click of {each.person} on {request.id} was acknowledged, and did not count")
    return wrong


def _effects_unfounded(on: Town, grants: dict[GrantId, Grant]) -> list[str]:
    wrong = []
    for id_, attempt in on.ledger.effects.items():
        grant = grants.get(GrantId(id_))
        if grant is None or grant.attempt != attempt:
            wrong.append(f"{attempt} acted under {id_}, which it did not claim")
        elif id_ in on.ledger.reported and grant.state is not GrantState.SUCCEEDED:
            wrong.append(f"{id_} was reported and is {grant.state.value}")
    return wrong


def _late(on: Town, requests: dict[RequestId, Request]) -> list[str]:
    wrong = []
    for each in requests.values():
        if each.state not in {State.TIMED_OUT, State.UNDELIVERABLE} or each.settled_at is None:
            continue
        if each.state is State.TIMED_OUT and each.settled_at < each.deadline:
            wrong.append(f"{each.id} timed out early: {each.deadline - each.settled_at}")
        if each.settled_at > (until := ends_by(each.deadline, on.ledger.troubles, LATE)):
            wrong.append(f"{each.id} was due {each.deadline} and settled {each.settled_at - until} too late")
    return wrong


def _live_buttons(on: Town, requests: dict[RequestId, Request]) -> list[str]:
    refused = {call.arguments.get("ts") for call in on.slack.calls if call.error}
    live = [(posted, offered(posted)) for posted in on.slack.messages]
    return [
        f"{id_} is {requests[RequestId(id_)].state.value}, and its card {posted.ts} can be clicked"
        for posted, id_ in live
        if id_ is not None and requests[RequestId(id_)].state.is_settled and posted.ts not in refused
    ]


def _silence(on: Town) -> list[str]:
    silent = timedelta(seconds=on.ledger.silent_for)
    return [f"/healthz was silent for {silent}"] if silent.total_seconds() > SILENT else []
