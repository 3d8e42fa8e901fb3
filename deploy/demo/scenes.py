"""The scenes of the demo: what people do, each checked against what the bot then says."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from andon import Andon, Request, State, Stopped
from deploy.demo.cards import (
    WITHIN,
    Unexpected,
    button,
    input_showing,
    newest_card,
    offers,
    private_message,
    request_id,
)
from deploy.demo.channels import ALERTS, DIRECTORS, FINANCE
from deploy.demo.interactions import Json
from deploy.demo.people import KHALID, MARYAM, NADIA, OMAR, SALMA, YUSUF
from deploy.demo.processes import output, program
from deploy.demo.stack import AGENT, Stack

_TWO_MANAGERS = "finance-managers: {members: [salma, khalid]"
_ONE_MANAGER = "finance-managers: {members: [khalid]"

Scene = Callable[[Stack, Andon], Awaitable[str]]


async def _stranger(on: Stack, andon: Andon) -> str:
    card = await on.slack.message(FINANCE, "CB-26100003", within=WITHIN)
    await on.slack.click(OMAR, card, action="request:approve")
    await private_message(on.slack, OMAR.id, FINANCE, "belongs to nobody")
    _expect(await _state(andon, card) is State.PENDING, "the request is pending still")
    return "Omar clicked Approve and was told, privately, that he may not; nothing changed"


async def _approve(on: Stack, andon: Andon) -> str:
    card = await on.slack.message(FINANCE, "CB-26100003")
    await on.slack.click(SALMA, card, action="request:approve")
    settled = await _settles(andon, card, State.APPROVED)
    return f"Salma approved the reversal; decided by {', '.join(settled.decided_by)}"


async def _edit(on: Stack, andon: Andon) -> str:
    card = await on.slack.message(FINANCE, "105.000")
    await on.slack.click(KHALID, card, action="request:edit")
    form = await on.slack.view("105.000")
    amount = input_showing(form, "105.000")
    done = await on.slack.submit(KHALID, {amount: "100.000"})
    _expect(not done.errors, f"the form was taken, not {done.errors}")
    settled = await _settles(andon, card, State.APPROVED_WITH_EDITS)
    _expect(settled.action is not None and settled.action.arguments["amount"] == "100.000", "the edit counts")
    return "Khalid made 105.000 out as 100.000; what runs is what he wrote"


async def _reject(on: Stack, andon: Andon) -> str:
    card = await on.slack.message(FINANCE, "480.000")
    await on.slack.click(SALMA, card, action="request:reject")
    await on.slack.view("Why")
    await on.slack.submit(SALMA, {"reason": "Not our tenant; the bank will recall it."})
    settled = await _settles(andon, card, State.REJECTED)
    return f"the agent was told why: “{settled.reason}”"


async def _answer(on: Stack, andon: Andon) -> str:
    card = await on.slack.message(FINANCE, "QURUM HOSPITALITY")
    await on.slack.click(KHALID, card, action=button(card, "CB-26100005"))
    settled = await _settles(andon, card, State.ANSWERED)
    return f"Khalid picked “{settled.answer}”"


async def _two_people(on: Stack, andon: Andon) -> str:
    card = await on.slack.message(DIRECTORS, "7200.000")
    await on.slack.click(MARYAM, card, action="request:approve")
    card = await on.slack.message(DIRECTORS, "One more approval")
    card = await newest_card(on.slack, DIRECTORS, "7200.000")
    _expect(await _state(andon, card) is State.PENDING, "one director is not enough")
    await on.slack.click(YUSUF, card, action="request:approve")
    settled = await _settles(andon, card, State.APPROVED)
    return f"7,200 took {' and '.join(settled.decided_by)}"


async def _time_out(on: Stack, andon: Andon) -> str:
    asked = await andon.propose("ledger.post", _posting("DEMO-1", "61.500"), summary="Post the courier's fee")
    _expect(asked.state is State.TIMED_OUT, "silence is not consent")
    async with asyncio.timeout(WITHIN):  # a settled card soon has no Approve any more
        while offers(await newest_card(on.slack, FINANCE, "courier"), "request:approve"):
            await asyncio.sleep(0.1)
    await on.slack.message(ALERTS, "Timed out", within=WITHIN)
    return f"nobody came; nothing was done, the owner was told. To the agent: {asked.what_to_do_next}"


async def _late_click(on: Stack, andon: Andon) -> str:
    card = await newest_card(on.slack, FINANCE, "courier")
    request = request_id(card)
    approve = {"type": "button", "action_id": "request:approve", "value": request}
    await on.slack.forge(SALMA, card, action=approve)
    private = await private_message(on.slack, SALMA.id, FINANCE, "your click changed nothing")
    await on.slack.click(SALMA, private, action="request:ask_again")
    async with asyncio.timeout(WITHIN):
        while (follow := (await andon.request(request)).follow) is None:
            await asyncio.sleep(0.1)
    async with asyncio.timeout(WITHIN):
        while not offers(again := await newest_card(on.slack, FINANCE, follow), "request:approve"):
            await asyncio.sleep(0.1)
    await on.slack.click(SALMA, again, action="request:approve", value=follow)
    async with asyncio.timeout(WITHIN):
        settled = await andon.wait(follow)
    _expect(settled.state is State.APPROVED, "asked again, it can be approved")
    return "Salma's late click changed nothing; she asked again with one more, and approved that"


async def _change_rules(on: Stack, andon: Andon) -> str:
    asked = asyncio.create_task(
        andon.propose("ledger.post", _posting("DEMO-4", "72.000"), summary="Post the locksmith")
    )
    card = await on.slack.message(FINANCE, "locksmith", within=WITHIN)
    said = await _in_force(on, _TWO_MANAGERS, _ONE_MANAGER)
    await on.slack.click(SALMA, card, action="request:approve")
    await private_message(on.slack, SALMA.id, FINANCE, "not an approver")
    _expect(await _state(andon, card) is State.PENDING, "a removed approver is refused at once")
    await on.slack.click(KHALID, card, action="request:approve")
    _expect((await asked).decided_by == ("khalid",), "Khalid alone decided")
    await _in_force(on, _ONE_MANAGER, _TWO_MANAGERS)
    return f"{said} Salma, no manager any more, was refused at once; Khalid approved"


async def _in_force(on: Stack, old: str, new: str) -> str:
    """Write *new* for *old* in the demo's andon.yaml, put it in force, and return what `andon apply` says."""
    file = Path(on.environment["ANDON_CONFIG"])
    text = file.read_text(encoding="utf-8")
    _expect(old in text, f"andon.yaml says {old!r}")
    file.write_text(text.replace(old, new), encoding="utf-8")
    return (await output([program("andon"), "apply"], on.environment)).strip().splitlines()[-1]


async def _stop(on: Stack, andon: Andon) -> str:
    asked = asyncio.create_task(
        andon.propose("ledger.post", _posting("DEMO-2", "88.000"), summary="Post the parking fees")
    )
    await on.slack.message(FINANCE, "parking", within=WITHIN)
    await on.slack.command(NADIA, FINANCE, line=f"/andon stop agent:{AGENT} wrong month")
    _expect((await asked).state is State.KILLED, "what was pending is killed")
    another = andon.propose("ledger.post", _posting("DEMO-3", "5.000"), summary="Post a stamp")
    _expect(await _raised(another, Stopped), "new requests are refused")
    await on.slack.message(ALERTS, "wrong month", within=WITHIN)
    return "Nadia stopped the agent; what was pending is killed, new requests are refused"


async def _resume(on: Stack, andon: Andon) -> str:
    await on.slack.command(NADIA, FINANCE, line=f"/andon resume agent:{AGENT}")
    await private_message(on.slack, NADIA.id, FINANCE, "a different operator")
    _expect(not (await andon.heartbeat()).may_proceed, "whoever stopped it cannot resume it")
    async with asyncio.timeout(WITHIN):  # first all that waited has to be ended
        while not (await andon.heartbeat()).may_proceed:
            await on.slack.command(KHALID, FINANCE, line=f"/andon resume agent:{AGENT}")
            await asyncio.sleep(0.1)
    return "Nadia could not resume it herself; Khalid did"


async def _verify(on: Stack, _: Andon) -> str:
    await asyncio.sleep(3)  # the sealer comes round every other second
    said = await output([program("andon"), "audit", "verify"], on.environment)
    return said.strip().partition("\n")[0]


WHILE_THE_AGENT_ASKS: tuple[tuple[str, Scene], ...] = (
    ("an unauthorised click is refused", _stranger),
    ("approve", _approve),
    ("approve after an edit", _edit),
    ("reject with a reason", _reject),
    ("an answered question", _answer),
    ("a two-person approval", _two_people),
)
AFTERWARDS: tuple[tuple[str, Scene], ...] = (
    ("a time-out to the safe default", _time_out),
    ("a late click", _late_click),
    ("a rule changed while a request waits", _change_rules),
    ("a stop that kills what is pending", _stop),
    ("a resume by a different person", _resume),
    ("audit verify", _verify),
)


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


async def _settles(andon: Andon, card: Json, state: State) -> Request:
    async with asyncio.timeout(WITHIN):
        settled = await _followed(andon, request_id(card))
        while settled.state is State.PENDING:
            settled = await _followed(andon, settled.id)
    _expect(settled.state is state, f"it is {state.value}, not {settled.state.value}")
    return settled


async def _state(andon: Andon, card: Json) -> State:
    return (await andon.request(request_id(card))).state


async def _followed(andon: Andon, request: str) -> Request:
    found = await andon.request(request)
    while found.state is State.SUPERSEDED and found.follow is not None:
        found = await andon.request(found.follow)
    return found


async def _raised(work: Awaitable[object], kind: type[Exception]) -> bool:
    try:
        async with asyncio.timeout(WITHIN):
            await work
    except kind:
        return True
    return False


def _expect(held: object, what: str) -> None:
    if not held:
        raise Unexpected(f"expected that {what}")
