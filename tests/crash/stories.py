"""What agents and people do while the bot is killed under them; each knows how it must have ended."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from escalation.grant import GrantState, Report
from escalation.ids import AgentName
from escalation.reason import Reason, Refused
from escalation.request import Request, State
from escalation.service.claim import Claimed
from escalation.service.context import Counted
from escalation.service.decide import Approve, Pick, Reject
from escalation.service.stop import Moved
from escalation.switch import EVERYTHING
from tests.replicas.commands import claiming, configuration, question
from tests.scenario.agent import LARGE, POSTING
from tests.scenario.rules import ANDON, MANIFEST, Change
from tests.scenario.world import AGENT

if TYPE_CHECKING:
    from tests.crash.trial import Trial

#: Nothing is due by itself while a bot dies and rises: the clock is moved there.
DAY = timedelta(hours=24)
_TIMES = (
    Change(ANDON, "sla: 15m", "sla: 24h"),
    Change(ANDON, "grant: 10m", "grant: 24h"),
    Change(ANDON, "report: 10m", "report: 24h"),
    Change(MANIFEST, "sla: 15m", "sla: 24h"),
)
RULES = configuration(*_TIMES)
#: Salma may not decide any more.
STRICTER = configuration(
    *_TIMES,
    Change(ANDON, "finance-managers: {members: [salma, khalid]", "finance-managers: {members: [khalid]"),
)

#: Refusals that mean: what was asked for had happened before the crash.
_DONE_BEFORE = frozenset({Reason.ALREADY_SETTLED, Reason.ALREADY_DECIDED_BY_YOU, Reason.ALREADY_ACKNOWLEDGED})


class Broken(Exception):
    """A promise was not kept."""


async def approved(on: "Trial") -> None:
    """An agent asks, Salma looks at it and approves, the agent claims, acts once and reports."""
    asked = await on.asks()
    _counts(await on.clicks("acknowledge", "salma", asked.id))
    _counts(await on.clicks("decide", "salma", asked.id, Approve()))
    await on.acts((await on.ends(asked.id, State.APPROVED)).grant)


async def rejected(on: "Trial") -> None:
    """An agent asks, Khalid says no and why; nothing may run."""
    asked = await on.asks()
    _counts(await on.clicks("decide", "khalid", asked.id, Reject("Not ours")))
    _no_grant((await on.ends(asked.id, State.REJECTED)).grant)


async def edited(on: "Trial") -> None:
    """Khalid changes the memo and approves what he wrote: that runs, and nothing else."""
    asked = await on.asks()
    _counts(await on.clicks("edit", "khalid", asked.id, {**POSTING, "memo": "By courier"}))
    before = await on.ends(asked.id, State.SUPERSEDED)
    _no_grant(before.grant)
    assert before.request.follow is not None
    await on.acts((await on.ends(before.request.follow, State.APPROVED_WITH_EDITS)).grant)


async def decided_by_two(on: "Trial") -> None:
    """One director is not enough; the second one is."""
    asked = await on.asks(**LARGE)
    _counts(await on.clicks("decide", "maryam", asked.id, Approve()))
    _no_grant((await on.call("see", asked.id)).grant)
    _counts(await on.clicks("decide", "yusuf", asked.id, Approve()))
    await on.acts((await on.ends(asked.id, State.APPROVED)).grant)


async def answered(on: "Trial") -> None:
    """An agent asks a question, and gets the answer that was picked."""
    asked = await on.asked(await on.call("propose", question(f"key-{on.number()}", "Which?", "This", "That")))
    _counts(await on.clicks("decide", "khalid", asked.id, Pick(1)))
    if (await on.ends(asked.id, State.ANSWERED)).request.answer != "That":
        raise Broken(f"{asked.id} has another answer")


async def timed_out(on: "Trial") -> None:
    """Nobody answers in time: the clock settles it, once; asked again, the agent takes it back."""
    asked = await on.asks()
    on.nursery.clock.advance(DAY)
    # Killed between Slack's yes and its own commit, the bot does not know that anybody was asked.
    _no_grant((await on.ends(asked.id, State.TIMED_OUT, State.UNDELIVERABLE)).grant)
    again = await on.clicks("ask_again", "salma", asked.id)
    if isinstance(again, Refused) and again.reason is not Reason.ALREADY_ASKED_AGAIN:
        raise Broken(f"asking again came to {again}")
    follow = (await on.call("see", asked.id)).request.follow
    await on.until_shown(follow)
    back = await on.call("cancel", AgentName(AGENT), follow, "no more")
    if not isinstance(back, Request) and back.reason is not Reason.ALREADY_SETTLED:
        raise Broken(f"taking it back came to {back}")
    _no_grant((await on.ends(follow, State.CANCELLED)).grant)


async def unknown(on: "Trial") -> None:
    """The agent dies after its claim: nobody else may run it, and its owner says what happened."""
    asked = await on.asks()
    _counts(await on.clicks("decide", "khalid", asked.id, Approve()))
    grant = (await on.ends(asked.id, State.APPROVED)).grant
    assert grant is not None
    await on.claims(grant, "the one that died")
    if isinstance(await on.call("claim", grant.id, claiming(grant, "another one")), Claimed):
        raise Broken(f"{grant.id} was claimed twice")
    on.nursery.clock.advance(DAY)
    for _ in range(100):
        await on.call("tick")
        if (await on.call("see", asked.id)).grant.state is GrantState.UNKNOWN:
            break
    told = await on.clicks("resolve", "nadia", grant.id, Report.FAILED)
    if isinstance(told, Refused) and told.reason is not Reason.NOT_UNKNOWN:
        raise Broken(f"resolving {grant.id} came to {told}")
    on.told.ends.append((await on.call("see", asked.id)).grant)


async def stopped(on: "Trial") -> None:
    """Khalid pulls the cord, Nadia lets go of it; what waited ended, what was granted is taken back."""
    pending, granted = await on.asks(), await on.asks()
    _counts(await on.clicks("decide", "salma", granted.id, Approve()))
    grant = (await on.ends(granted.id, State.APPROVED)).grant
    assert grant is not None
    _moves(await on.clicks("stop", "khalid", EVERYTHING, "a drill"), Reason.ALREADY_STOPPED)
    _claim_fails(await on.call("claim", grant.id, claiming(grant, "under the stop")))
    _no_grant((await on.ends(pending.id, State.KILLED)).grant)
    for _ in range(100):
        let_go = await on.clicks("resume", "nadia", EVERYTHING)
        if isinstance(let_go, Moved) or let_go.reason is not Reason.STILL_ENDING:
            break
        await on.call("tick")
    _moves(let_go, Reason.NOT_STOPPED)
    _claim_fails(await on.call("claim", grant.id, claiming(grant, "after the stop")))


async def configured(on: "Trial") -> None:
    """Salma is taken off the list and put on it again: meanwhile her click does not count."""
    asked = await on.asks()
    await on.call("configure", STRICTER)
    late = await on.clicks("decide", "salma", asked.id, Approve())
    # A click that was refused just before the bot died is repeated: it was taken, and counted for nothing.
    again = isinstance(late, Counted) and late.repeated and not late.request.decisions
    if not again and (not isinstance(late, Refused) or late.reason is not Reason.NOT_AN_APPROVER):
        raise Broken(f"who may not decide any more was told {late}")
    await on.call("configure", RULES)
    _counts(await on.clicks("decide", "salma", asked.id, Approve()))
    await on.acts((await on.ends(asked.id, State.APPROVED)).grant)


async def crowded(on: "Trial") -> None:
    """Several at once, in one process and often in one commit."""
    await asyncio.gather(approved(on), rejected(on), edited(on), decided_by_two(on), answered(on))


def _counts(outcome: object) -> None:
    if isinstance(outcome, Counted) or (isinstance(outcome, Refused) and outcome.reason in _DONE_BEFORE):
        return
    raise Broken(f"a click came to {outcome}")


def _moves(outcome: object, done_before: Reason) -> None:
    if isinstance(outcome, Moved) or (isinstance(outcome, Refused) and outcome.reason is done_before):
        return
    raise Broken(f"a switch came to {outcome}")


def _claim_fails(outcome: object) -> None:
    if isinstance(outcome, Claimed):
        raise Broken(f"{outcome.grant.id} was claimed although everything was stopped")


def _no_grant(grant: object) -> None:
    if grant is not None:
        raise Broken(f"nobody allowed {grant}")


Story = Callable[["Trial"], Awaitable[None]]

STORIES: tuple[Story, ...] = (
    *(approved, rejected, edited, decided_by_two, answered, timed_out),
    *(unknown, stopped, configured, crowded),
)
#: Which kill points a story passes, in the order in which it does.
PASSING: Mapping[Story, Sequence[str]] = {
    approved: (
        *("propose:before-insert", "propose:before-commit", "propose:before-reply"),
        *("post:leased", "post:claimed", "post:accepted", "post:ts-saved"),
        *("acknowledge:before-commit", "decide:before-commit", "decide:before-ack"),
        *("claim:before-commit", "claim:before-reply", "report:before-commit", "report:before-reply"),
    ),
    rejected: ("seal:before-commit", "seal:committed"),
    edited: ("edit:before-commit", "edit:before-ack"),
    timed_out: (
        *("deadline:before-commit", "deadline:committed", "again:before-commit", "again:before-ack"),
        *("cancel:before-commit", "cancel:before-reply"),
    ),
    unknown: ("resolve:before-commit", "resolve:before-ack"),
    stopped: (
        *("stop:before-commit", "stop:before-reply", "sweep:before-commit", "sweep:committed"),
        *("sweep:before-finish", "resume:before-commit", "resume:before-reply"),
    ),
    configured: ("configure:before-commit", "configure:committed"),
}
