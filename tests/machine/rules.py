"""What a configuration says about a request: worked out anew from plain facts, beside the code under test."""

from dataclasses import dataclass

from tests.machine.setups import AGENTS, PERSONS, Setup

#: Who may approve what they wrote themselves, from lenient to strict.
LENIENCE = ("author_may_approve", "another_person", "forbidden")


@dataclass(frozen=True, slots=True)
class Asked:
    """People decide: one of these teams, so many of it."""

    team: str
    quorum: int
    edits: str


def verdict(setup: Setup, amount: int | None, *, sure: bool) -> Asked | str:
    """Return who is asked about *amount* (None: about a question), or ``allow`` or ``deny``."""
    if amount is None:
        return Asked("managers", 1, LENIENCE[0])
    if amount < 50 and sure:
        return Asked("managers", 1, LENIENCE[0]) if setup.small == "ask" else setup.small
    if amount < setup.limit:
        return Asked("managers", setup.quorum, setup.edits)
    return Asked("directors", setup.second_key, LENIENCE[0]) if setup.large == "ask" else "deny"


def members(setup: Setup, team: str) -> frozenset[str]:
    """Return who is in *team*."""
    return frozenset({"managers": setup.managers, "directors": setup.directors}[team])


def function_of(setup: Setup, agent: str) -> str | None:
    """Return what *agent* works for; None if there is no such agent."""
    if agent == AGENTS[0]:
        return setup.function
    return "trips" if setup.both and agent == AGENTS[1] else None


def scopes(setup: Setup) -> frozenset[str]:
    """Return everything that can be stopped."""
    agents = AGENTS if setup.both else AGENTS[:1]
    own = {f"agent:{agent}" for agent in agents}
    return frozenset(
        {"all", "action:ledger.post"} | own | {f"function:{function_of(setup, a)}" for a in agents}
    )


def person_behind(account: str) -> str | None:
    """Return whose *account* it is."""
    person = "maryam" if account == "maryams_phone" else account
    return person if person in PERSONS else None


@dataclass(frozen=True, slots=True)
class Who:
    """Who may decide one request at one moment."""

    deciders: frozenset[str]
    approvers: frozenset[str]
    quorum: int
    denied: bool
    edits: str
    author_barred: bool
    owners: frozenset[str]

    def objects(self, person: str, *, to_reject: bool = False) -> str | None:
        """Return why *person* may not decide."""
        if person in self.owners:
            return "owner_may_not_decide"
        if person not in self.deciders:
            return "not_an_approver"
        return "rules_changed" if self.denied and not to_reject else None

    def enough(self, people: frozenset[str]) -> bool:
        """Return whether the approvals of *people* suffice."""
        return not self.denied and len(people & self.approvers) >= self.quorum
