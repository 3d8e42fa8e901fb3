"""What is seen of the service from outside, and what the truth says would be seen: the two are compared."""

from collections.abc import Iterable
from typing import TypeAlias

from escalation.grant import Grant
from escalation.ports import Page
from escalation.request import Request, Verdict
from tests.machine.cases import Case, Permit
from tests.machine.house import House
from tests.machine.setups import version_of
from tests.machine.truth import Truth

#: What stands under each name: a request, a grant, a stop, or what a process works by.
Picture: TypeAlias = dict[str, dict[str, object]]


class Unexplained(AssertionError):
    """Something is there that nobody asked for."""


async def seen(house: House) -> Picture:
    """Return how everything stands in the database."""
    async with house.store.read() as tx:
        requests = list(await tx.requests.page(Page(limit=1000)))
        grants = await tx.grants.among([request.id for request in requests])
        stopped = await tx.switches.stopped()
        sweeps = await tx.sweeps.unfinished(100)
        in_force = (await tx.fence.read()).version
    _name(house, requests, grants.values())
    found: Picture = {house.labels[request.id]: _request(house, request) for request in requests}
    for grant in grants.values():
        found[f"grant of {house.labels[grant.request]}"] = _grant(grant)
    for switch in stopped:
        assert switch.stop is not None
        found[f"stop of {switch.scope}"] = {"by": switch.stop.by, "at": switch.stop.at}
    for sweep in sweeps:
        found[f"sweep of {sweep.scope}"] = {}
    found["in force"] = {"version": in_force}
    for number, life in enumerate(house.lives):
        found[f"core {number}"] = {"version": life.held.configuration().version}
    return found


def foreseen(truth: Truth) -> Picture:
    """Return how everything has to stand."""
    found: Picture = {label: _case(case) for label, case in truth.cases.items()}
    for label, case in truth.cases.items():
        if case.permit is not None:
            found[f"grant of {label}"] = _permit(case, case.permit)
    for scope, (by, at) in truth.stops.items():
        found[f"stop of {scope}"] = {"by": by, "at": at}
    for scope in truth.sweeping:
        found[f"sweep of {scope}"] = {}
    found["in force"] = {"version": version_of(truth.setup)}
    for number, held in enumerate(truth.held):
        found[f"core {number}"] = {"version": version_of(held)}
    return found


def differences(told: Picture, found: Picture) -> list[str]:
    """Return where *found* is not as *told*, a line each."""
    lines = []
    for name in sorted(told.keys() | found.keys()):
        if name not in found:
            lines.append(f"{name} is not there; it should be {told[name]}")
        elif name not in told:
            lines.append(f"{name} should not be there; it is {found[name]}")
        else:
            lines += [
                f"{name}: {what} is {found[name].get(what)!r}; it should be {due!r}"
                for what, due in told[name].items()
                if found[name].get(what) != due
            ]
    return lines


def _name(house: House, requests: Iterable[Request], grants: Iterable[Grant]) -> None:
    """Find the label of each request that is new: by what it says of itself."""
    for request in sorted(requests, key=lambda each: each.id):
        if request.id in house.labels:
            continue
        origin = request.asks_again or request.edits
        told = house.expected.get(
            f"after {house.labels[origin]}" if origin else f"{request.agent}/{request.key}"
        )
        if told is None:
            raise Unexplained(f"nobody asked {request.id}: {request.subject}")
        house.labels[request.id], house.requests[told] = told, request.id
        house.digests[told] = request.digest
    for grant in grants:
        house.grants[house.labels[grant.request]] = grant.id


def _request(house: House, request: Request) -> dict[str, object]:
    return {
        "state": request.state.value,
        "approved": [d.person for d in request.decisions if d.verdict is Verdict.APPROVE],
        "decided": len(request.decisions),
        "digest": request.digest,
        "agent": request.agent,
        "function": request.function,
        "owner": request.owner,
        "asked_at": request.asked_at,
        "deadline": request.deadline,
        "settled_at": request.settled_at,
        "approvers": request.terms.approvers,
        "quorum": request.terms.quorum,
        "edits": request.terms.edits.value,
        "version": request.ruling.version,
        "author": request.author,
        "edited": None if request.edits is None else house.labels[request.edits],
        "repeats": None if request.asks_again is None else house.labels[request.asks_again],
        "follow": None if request.follow is None else house.labels.get(request.follow),
        "acknowledged": request.acknowledged_by,
        "rung": int(request.rung),
        "answer": request.answer,
        "delivered": request.delivered_at is not None,
    }


def _case(case: Case) -> dict[str, object]:
    return {
        "state": case.state,
        "approved": case.approved,
        "decided": case.decided,
        "digest": case.digest,
        "agent": case.agent,
        "function": case.function,
        "owner": case.owner,
        "asked_at": case.asked_at,
        "deadline": case.deadline,
        "settled_at": case.settled_at,
        "approvers": () if case.team is None else (case.team,),
        "quorum": case.quorum,
        "edits": case.edits,
        "version": version_of(case.setup),
        "author": case.author,
        "edited": case.edited,
        "repeats": case.repeats,
        "follow": case.follow,
        "acknowledged": case.acked,
        "rung": case.rung,
        "answer": case.answer,
        "delivered": case.delivered,
    }


def _grant(grant: Grant) -> dict[str, object]:
    return {
        "state": grant.state.value,
        "digest": grant.digest,
        "agent": grant.agent,
        "granted_at": grant.granted_at,
        "due": grant.next_due_at,
        "attempt": grant.attempt,
        "claimed_at": grant.claimed_at,
        "lease": grant.lease_until,
        "late": None if grant.late is None else grant.late.report.value,
        "resolved_by": grant.resolved_by,
    }


def _permit(case: Case, permit: Permit) -> dict[str, object]:
    return {
        "state": permit.state,
        "digest": case.digest,
        "agent": case.agent,
        "granted_at": permit.at,
        "due": permit.due,
        "attempt": permit.attempt,
        "claimed_at": permit.claimed_at,
        "lease": permit.lease,
        "late": permit.late,
        "resolved_by": permit.resolved_by,
    }
