"""
Caps on what is asked of people: pending per agent and per channel, and asks per person and hour.

They are counted in the transaction of the ask, by index and no further than the cap. What other
transactions ask at the same moment is not seen: a cap is exceeded at most by what is under way at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from escalation.configuration import Configuration
from escalation.ids import PersonId
from escalation.reason import Reason, Refused
from escalation.request import Request
from escalation.service.steps.clerk import Clerk
from escalation.service.steps.judge import authority

#: What waits is decided or times out some time; until then asking more often helps nobody.
_PENDING_AGAIN = timedelta(seconds=30)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    name: str  #: Of what is counted, such as ``agent:bank-reconciliation``.
    found: int
    cap: int
    over: str  #: What to say if no more is let in.
    again: timedelta  #: When to try again then.


async def over_cap(clerk: Clerk, request: Request) -> Refused | None:
    """Return the refusal if *request*, which people would be asked, is one too many."""
    now, headroom = clerk.tx.now, clerk.core.headroom
    people = authority(clerk.core.configuration(), request).approvers
    # Person by person: several lists may name the same one, and the cap is theirs.
    names = (f"agent:{request.agent}", f"channel:{request.channel}", *map(_name, sorted(people)))
    if headroom.take(names, now):
        return None
    counts = [*await _pending(clerk, request), *await _asked(clerk, request, people)]
    for count in counts:
        if count.found >= count.cap:
            return Refused(Reason.OVER_CAP, count.over, retry_after=count.again)
    for count in counts:
        headroom.counted(count.name, now, free=count.cap - count.found)
    return None


async def _pending(clerk: Clerk, request: Request) -> list[_Count]:
    caps = clerk.core.configuration().caps
    at_most = max(caps.pending_per_agent, caps.pending_per_channel)
    pending = await clerk.tx.requests.count_pending(request.agent, request.channel, at_most=at_most)
    return [
        _Count(
            name=f"agent:{request.agent}",
            found=pending.of_agent,
            cap=caps.pending_per_agent,
            over=f"waiting requests of {request.agent}: {caps.pending_per_agent}, which is the cap",
            again=_PENDING_AGAIN,
        ),
        _Count(
            name=f"channel:{request.channel}",
            found=pending.in_channel,
            cap=caps.pending_per_channel,
            over=f"waiting requests in {request.channel}: {caps.pending_per_channel}, which is the cap",
            again=_PENDING_AGAIN,
        ),
    ]


async def _asked(clerk: Clerk, request: Request, people: frozenset[PersonId]) -> list[_Count]:
    """Count how often each of *people* was asked within an hour, the busiest first."""
    configuration, since = clerk.core.configuration(), clerk.tx.now - _HOUR
    members = configuration.directory.members
    lists = {each for each in (request.terms.approvers, *_lists(configuration)) if people & members(each)}
    asked = await clerk.tx.requests.asked_since(since, sorted(lists))
    times = {who: sum(asked[each].count for each in asked if who in members(each)) for who in people}
    oldest = min((each.first for each in asked.values()), default=since)
    cap = configuration.caps.asks_per_person_and_hour
    return [
        _Count(
            name=_name(who),
            found=times[who],
            cap=cap,
            over=f"asks to {who} within an hour: {cap}, which is the cap",
            again=_until_forgotten(oldest, clerk.tx.now),
        )
        for who in sorted(times, key=lambda who: (-times[who], who))
    ]


def _name(who: PersonId) -> str:
    return f"person:{who}"


def _until_forgotten(oldest: datetime, now: datetime) -> timedelta:
    return max(oldest + _HOUR - now, timedelta(seconds=1))


def _lists(configuration: Configuration) -> Iterator[tuple[str, ...]]:
    for agent in configuration.agents.values():
        yield agent.questions.approvers
        for action_type in agent.actions.values():
            yield from (rule.terms.approvers for rule in action_type.policy.rules if rule.terms is not None)
