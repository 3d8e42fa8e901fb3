"""Plays the people of the demo, scene by scene, each checked against what the bot then says."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from andon import Andon, Request, State, Stopped
from deploy.demo.people import ALERTS, DIRECTORS, FINANCE, KHALID, MARYAM, NADIA, OMAR, SALMA, YUSUF, Channel
from deploy.demo.processes import DidNotWork, output, program, running
from deploy.demo.stage import AGENT, PLACE, Stage
from deploy.demo.workspace import Json

_WITHIN = 15.0
Scene = Callable[[Stage, Andon], Awaitable[str]]


class Unexpected(DidNotWork):
    """A scene went otherwise than it should."""


async def play(on: Stage) -> int:
    """Play every scene and print the transcript; return the exit code."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with (
        Andon(url=on.bot_url, key=on.key, workflow="demo") as andon,
        running(on.agent_command(), on.agent_environment, PLACE / "agent.log") as agent,
    ):
        for title, scene in _WHILE_THE_AGENT_ASKS:
            await _show(title, scene, on, andon)
        async with asyncio.timeout(_WITHIN):
            await agent.wait()
        for title, scene in _AFTERWARDS:
            await _show(title, scene, on, andon)
    print(f"\n  Every scene went as it should, in {loop.time() - began:.0f} s.")
    return 0


async def _show(title: str, scene: Scene, on: Stage, andon: Andon) -> None:
    print(f"  ✔ {title}: {await scene(on, andon)}", flush=True)


# --- while the agent closes the month ----------------------------------------------------------------


async def _stranger(on: Stage, andon: Andon) -> str:
    card = await on.slack.message(FINANCE, "CB-26100003", within=_WITHIN)
    await on.slack.click(OMAR, card, action="request:approve")
    await _private(on, OMAR.id, FINANCE, "belongs to nobody")
    _expect(await _state(andon, card) is State.PENDING, "the request is pending still")
    return "Omar clicked Approve and was told, privately, that he may not; nothing changed"


async def _approve(on: Stage, andon: Andon) -> str:
    card = await on.slack.message(FINANCE, "CB-26100003")
    await on.slack.click(SALMA, card, action="request:approve")
    settled = await _settles(andon, card, State.APPROVED)
    return f"Salma approved the reversal; decided by {', '.join(settled.decided_by)}"


async def _edit(on: Stage, andon: Andon) -> str:
    card = await on.slack.message(FINANCE, "105.000")
    await on.slack.click(KHALID, card, action="request:edit")
    form = await on.slack.view("105.000")
    amount = next(
        b["block_id"] for b in form["blocks"] if b.get("element", {}).get("initial_value") == "105.000"
    )
    done = await on.slack.submit(KHALID, {amount: "100.000"})
    _expect(not done.errors, f"the form was taken, not {done.errors}")
    settled = await _settles(andon, card, State.APPROVED_WITH_EDITS)
    _expect(settled.action is not None and settled.action.arguments["amount"] == "100.000", "the edit counts")
    return "Khalid made 105.000 out as 100.000; what runs is what he wrote"


async def _reject(on: Stage, andon: Andon) -> str:
    card = await on.slack.message(FINANCE, "480.000")
    await on.slack.click(SALMA, card, action="request:reject")
    await on.slack.view("Why")
    await on.slack.submit(SALMA, {"reason": "Not our tenant; the bank will recall it."})
    settled = await _settles(andon, card, State.REJECTED)
    return f"the agent was told why: “{settled.reason}”"


async def _answer(on: Stage, andon: Andon) -> str:
    card = await on.slack.message(FINANCE, "QURUM HOSPITALITY")
    await on.slack.click(KHALID, card, action=_button(card, "CB-26100005"))
    settled = await _settles(andon, card, State.ANSWERED)
    return f"Khalid picked “{settled.answer}”"


async def _two_people(on: Stage, andon: Andon) -> str:
    card = await on.slack.message(DIRECTORS, "7200.000")
    await on.slack.click(MARYAM, card, action="request:approve")
    card = await on.slack.message(DIRECTORS, "One more approval")
    card = await _card(on, DIRECTORS, "7200.000")
    _expect(await _state(andon, card) is State.PENDING, "one director is not enough")
    await on.slack.click(YUSUF, card, action="request:approve")
    settled = await _settles(andon, card, State.APPROVED)
    return f"7,200 took {' and '.join(settled.decided_by)}"


# --- afterwards: the demo itself is the agent -----------------------------------------------------------


async def _time_out(on: Stage, andon: Andon) -> str:
    asked = await andon.propose("ledger.post", _posting("DEMO-1", "61.500"), summary="Post the courier's fee")
    _expect(asked.state is State.TIMED_OUT, "silence is not consent")
    async with asyncio.timeout(_WITHIN):  # a settled card soon has no Approve any more
        while _offers(await _card(on, FINANCE, "courier"), "request:approve"):
            await asyncio.sleep(0.1)
    await on.slack.message(ALERTS, "Timed out", within=_WITHIN)
    return f"nobody came; nothing was done, the owner was told. To the agent: {asked.what_to_do_next}"


async def _late_click(on: Stage, andon: Andon) -> str:
    card = await _card(on, FINANCE, "courier")
    request = _request_id(card)
    approve = {"type": "button", "action_id": "request:approve", "value": request}
    await on.slack.forge(SALMA, card, action=approve)
    private = await _private(on, SALMA.id, FINANCE, "your click changed nothing")
    await on.slack.click(SALMA, private, action="request:ask_again")
    async with asyncio.timeout(_WITHIN):
        while (follow := (await andon.request(request)).follow) is None:
            await asyncio.sleep(0.1)
    async with asyncio.timeout(_WITHIN):
        while not _offers(again := await _card(on, FINANCE, follow), "request:approve"):
            await asyncio.sleep(0.1)
    await on.slack.click(SALMA, again, action="request:approve", value=follow)
    async with asyncio.timeout(_WITHIN):
        settled = await andon.wait(follow)
    _expect(settled.state is State.APPROVED, "asked again, it can be approved")
    return "Salma's late click changed nothing; she asked again with one more, and approved that"


async def _stop(on: Stage, andon: Andon) -> str:
    asked = asyncio.create_task(
        andon.propose("ledger.post", _posting("DEMO-2", "88.000"), summary="Post the parking fees")
    )
    await on.slack.message(FINANCE, "parking", within=_WITHIN)
    await on.slack.command(NADIA, FINANCE, line=f"/andon stop agent:{AGENT} wrong month")
    _expect((await asked).state is State.KILLED, "what was pending is killed")
    another = andon.propose("ledger.post", _posting("DEMO-3", "5.000"), summary="Post a stamp")
    _expect(await _raised(another, Stopped), "new requests are refused")
    await on.slack.message(ALERTS, "wrong month", within=_WITHIN)
    return "Nadia stopped the agent; what was pending is killed, new requests are refused"


async def _resume(on: Stage, andon: Andon) -> str:
    await on.slack.command(NADIA, FINANCE, line=f"/andon resume agent:{AGENT}")
    await _private(on, NADIA.id, FINANCE, "a different operator")
    _expect(not (await andon.heartbeat()).may_proceed, "whoever stopped it cannot resume it")
    await on.slack.command(KHALID, FINANCE, line=f"/andon resume agent:{AGENT}")
    async with asyncio.timeout(_WITHIN):
        while not (await andon.heartbeat()).may_proceed:
            await asyncio.sleep(0.1)
    return "Nadia could not resume it herself; Khalid did"


async def _verify(on: Stage, _: Andon) -> str:
    await asyncio.sleep(3)  # the sealer comes round every other second
    said = await output([program("andon"), "audit", "verify"], on.environment)
    return said.strip().partition("\n")[0]


_WHILE_THE_AGENT_ASKS: tuple[tuple[str, Scene], ...] = (
    ("an unauthorised click is refused", _stranger),
    ("approve", _approve),
    ("approve after an edit", _edit),
    ("reject with a reason", _reject),
    ("an answered question", _answer),
    ("a two-person approval", _two_people),
)
_AFTERWARDS: tuple[tuple[str, Scene], ...] = (
    ("a time-out to the safe default", _time_out),
    ("a late click", _late_click),
    ("a stop that kills what is pending", _stop),
    ("a resume by a different person", _resume),
    ("audit verify", _verify),
)


# --- looking -----------------------------------------------------------------------------------------


def _posting(reference: str, amount: str) -> dict[str, Any]:
    return {
        "kind": "payment",
        "account": "Expenses:Bank-Charges",
        "side": "debit",
        "against": "Assets:Bank:Operating",
        "amount": amount,
        "currency": "OMR",
        "memo": f"Demo {reference}",
        "booking_date": "2026-10-31",
        "value_date": "2026-10-31",
        "statement_ref": reference,
        "ledger_ref": "",
        "instructed": "",
    }


async def _card(on: Stage, channel: Channel, text: str) -> Json:
    """Return the newest card (not a reply, not a private answer) of *channel* that says *text*."""
    async with asyncio.timeout(_WITHIN):
        while True:
            for message in reversed(await on.slack.messages(channel)):
                top = message.get("thread_ts") in {None, message["ts"]} and not message.get("ephemeral_to")
                if top and text in json.dumps(message, ensure_ascii=False):
                    return message
            await asyncio.sleep(0.1)


async def _private(on: Stage, user: str, channel: Channel, text: str) -> Json:
    """Return the newest message that only *user* sees and that says *text*."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_WITHIN):
            while True:
                for message in reversed(await on.slack.messages(channel)):
                    said = text in json.dumps(message, ensure_ascii=False)
                    if said and message.get("ephemeral_to") == user:
                        return message
                await asyncio.sleep(0.1)
    raise Unexpected(f"{user} was never told {text!r}")


async def _settles(andon: Andon, card: Json, state: State) -> Request:
    async with asyncio.timeout(_WITHIN):
        settled = await _followed(andon, _request_id(card))
        while settled.state is State.PENDING:
            settled = await _followed(andon, settled.id)
    _expect(settled.state is state, f"it is {state.value}, not {settled.state.value}")
    return settled


async def _state(andon: Andon, card: Json) -> State:
    return (await andon.request(_request_id(card))).state


async def _followed(andon: Andon, request: str) -> Request:
    found = await andon.request(request)
    while found.state is State.SUPERSEDED and found.follow is not None:
        found = await andon.request(found.follow)
    return found


def _elements(card: Json) -> list[Json]:
    return [element for block in card.get("blocks", ()) for element in block.get("elements", ())]


def _offers(card: Json, action: str) -> bool:
    return any(element.get("action_id") == action for element in _elements(card))


def _input(form: Json, value: str) -> str:
    """Return the block of *form* whose input shows *value*."""
    for block in form["blocks"]:
        if block.get("element", {}).get("initial_value") == value:
            return str(block["block_id"])
    raise Unexpected(f"no input shows {value!r}")


def _button(card: Json, text: str) -> str:
    """Return the action of *card*'s button that says *text*."""
    for element in _elements(card):
        if element["type"] == "button" and text in element["text"]["text"]:
            return str(element["action_id"])
    raise Unexpected(f"no button says {text!r}")


def _request_id(card: Json) -> str:
    for part in json.dumps(card).replace('"', " ").replace(":", " ").replace("|", " ").split():
        if part.startswith("req_") and len(part) == len("req_") + 26:
            return part
    raise Unexpected("the card names no request")


async def _raised(work: Awaitable[object], kind: type[Exception]) -> bool:
    try:
        async with asyncio.timeout(_WITHIN):
            await work
    except kind:
        return True
    return False


def _expect(held: object, what: str) -> None:
    if not held:
        raise Unexpected(f"expected that {what}")
