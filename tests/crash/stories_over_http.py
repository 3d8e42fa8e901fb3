"""What agents and people do over HTTP while the whole bot dies under them; each knows how it has to end."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from tests.crash.lives import Town

_PATIENCE = 60.0
_AGAIN = 0.02

Story = Callable[[Town], Awaitable[None]]


async def approved(on: Town) -> None:
    """An agent asks, Salma approves, the agent claims, acts once and reports."""
    asked = await on.agent.asks()
    await clicks(on, "salma", "Approve", asked)
    await ends(on, asked, "approved")
    claimed = await on.agent.claims(asked)
    assert claimed.status_code == 200, claimed.text
    on.effects.append((await on.agent.grant_of(asked))["id"])
    told = await on.agent.reports(asked, "succeeded")
    assert told.status_code == 200, told.text
    assert (await on.agent.grant_of(asked))["state"] == "succeeded"
    assert len((await on.agent.sees(asked))["decided_by"]) == 1


async def rejected(on: Town) -> None:
    """An agent asks, Khalid says no and why; nothing may run."""
    asked = await on.agent.asks()
    await clicks(on, "khalid", "Reject", asked, until_settled=False)
    khalid = on.slack.person("khalid")
    await khalid.sees_modal("request:rejected", within=_PATIENCE)
    async with asyncio.timeout(_PATIENCE):
        while khalid.modal is not None:
            khalid.fills("Why? The agent reads this and does better.", "Not ours")
            if (await khalid.submits()).status != 200:
                await asyncio.sleep(_AGAIN)
            if await on.agent.state_of(asked) != "pending":
                break
    await ends(on, asked, "rejected")
    assert (await on.agent.sees(asked))["grant"] is None


async def timed_out(on: Town) -> None:
    """Nobody answers in time: the clock settles it, once, and it never approves."""
    asked = await on.agent.asks(amount="7000.000")
    await ends(on, asked, "timed_out")
    assert (await on.agent.sees(asked))["grant"] is None


async def stopped(on: Town) -> None:
    """Khalid pulls the cord, Nadia lets go of it; what was pending ends, what was granted is taken back."""
    pending, granted = await on.agent.asks(), await on.agent.asks()
    await clicks(on, "salma", "Approve", granted)
    await ends(on, granted, "approved")
    await _types(on, "khalid", "/andon stop all a drill", until=False)
    await ends(on, pending, "killed")
    refused = await on.agent.claims(granted)
    assert refused.status_code in {409, 423}, refused.text
    await _types(on, "nadia", "/andon resume all", until=True)
    refused = await on.agent.claims(granted)
    assert refused.status_code == 409, refused.text


async def clicks(
    on: Town, who: str, label: str, request: Mapping[str, Any], *, until_settled: bool = True
) -> None:
    """Let *who* click *label* on *request*'s card, and again where Slack says that it had trouble."""
    person = on.slack.person(who)
    async with asyncio.timeout(_PATIENCE):
        while True:
            shown = [posted for posted in on.slack.messages if posted.says(f'"{request["id"]}"')]
            card = shown[-1] if shown else None
            if card is not None:
                with suppress(AssertionError):  # by now it offers nothing to click
                    if (await person.clicks(label, on=card)).status == 200:
                        return
                if until_settled and await on.agent.state_of(request) != "pending":
                    return
            await asyncio.sleep(_AGAIN)


async def ends(on: Town, request: Mapping[str, Any], state: str) -> None:
    """Wait, as the agent does, until *request* is settled; it must be as *state*."""
    async with asyncio.timeout(_PATIENCE):
        while (seen := (await on.agent.sees(request, wait=5)))["state"] == "pending":
            await asyncio.sleep(_AGAIN)
    assert seen["state"] == state, seen


async def _types(on: Town, who: str, line: str, *, until: bool) -> None:
    # Until the heartbeat says so: whoever types it sees in Slack whether it took effect.
    async with asyncio.timeout(_PATIENCE):
        while (await on.agent.is_alive())["may_proceed"] is not until:
            await on.slack.person(who).types(line)
            await asyncio.sleep(_AGAIN)


#: A few kill points, and who passes them: all of them are for the processes without HTTP, which cost less.
PASSING: Mapping[str, Story] = {
    "post:accepted": approved,
    "decide:before-ack": approved,
    "seal:before-commit": rejected,
    "deadline:before-commit": timed_out,
    "sweep:before-commit": stopped,
}
