"""
What may be true: a second account of requests, grants and stops, kept in plain values beside the service.

It shares no code with what it judges. Each ``does_…`` takes one thing that somebody did, notes what it has
to come to, and returns the answer that is due: ``ok``, ``again`` for what was done before, or a reason.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.machine import rules
from tests.machine.cases import OPTIONS, Case, Permit, over_cap
from tests.machine.rules import LENIENCE, Asked, Who, function_of, person_behind, verdict
from tests.machine.setups import ACTION, Setup

LEASE = timedelta(seconds=30)
OK, AGAIN = "ok", "again"
_SPENT = {
    "claimed": "grant_claimed",
    "succeeded": "grant_claimed",
    "failed": "grant_claimed",
    "unknown": "awaiting_person",
    "expired": "grant_expired",
    "revoked": "grant_revoked",
}


@dataclass(slots=True)
class Truth:
    """Everything that has to hold."""

    now: datetime
    setup: Setup  #: In force.
    held: list[Setup]  #: What each core works by.
    cases: dict[str, Case] = field(default_factory=dict)
    stops: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    sweeping: set[str] = field(default_factory=set)
    clicks: set[str] = field(default_factory=set)
    refusals: int = 0  #: Of people's clicks.
    known_setups: set[Setup] = field(default_factory=set)
    known_scopes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.known_setups.add(self.setup)
        self.known_scopes |= rules.scopes(self.setup)

    def copy(self) -> "Truth":
        """Return another one, as true."""
        return deepcopy(self)

    # --- what time and stops do to whoever is touched ---------------------------------------------

    def follows(self, core: int) -> Setup:
        """Note that *core* works by what is in force, as whoever decides does; return that."""
        self.held[core] = self.setup
        return self.setup

    def scopes_over(self, setup: Setup, case: Case) -> set[str]:
        """Return every stop that would hold *case*."""
        today = function_of(setup, case.agent)
        found = {"all", f"agent:{case.agent}", f"function:{case.function}"}
        found |= {f"function:{today}"} if today else set()
        return found | ({f"action:{ACTION}"} if case.amount is not None else set())

    def stopped(self, scopes: set[str]) -> bool:
        """Return whether one of *scopes* is stopped."""
        return any(scope in self.stops for scope in scopes)

    def touch(self, setup: Setup, case: Case) -> None:
        """Settle *case* if its time is over or it was stopped, by a process that works by *setup*."""
        if case.state != "pending":
            return
        over = self.scopes_over(setup, case)
        at = [when for scope, (_, when) in self.stops.items() if scope in over]
        if at and min(at) < case.deadline:
            self.end(case, "killed")
        elif self.now >= case.deadline:
            case.rung = 3
            self.end(case, "timed_out" if case.delivered else "undeliverable")

    def end(self, case: Case, state: str) -> None:
        """Settle *case*; nothing ever changes it again but its follow-up."""
        case.state, case.settled_at = state, self.now

    def who(self, setup: Setup, case: Case) -> Who:
        """Return who may decide *case* under *setup*: the terms it was asked under, and today's."""
        terms = [Asked(case.team or "managers", case.quorum, case.edits)]
        nobody, denied = case.team is None, function_of(setup, case.agent) is None
        if not denied and case.setup != setup:
            today = verdict(setup, case.amount, sure=case.sure)
            if isinstance(today, Asked):
                terms.append(today)
            denied = today == "deny"
        owners = frozenset(
            {case.owner} | (set() if function_of(setup, case.agent) is None else {setup.owner})
        )
        deciders = frozenset.intersection(*(rules.members(setup, each.team) for each in terms)) - owners
        deciders = frozenset() if nobody else deciders
        quorum = max(each.quorum for each in terms)
        edits = max((each.edits for each in terms), key=LENIENCE.index)
        barred = case.author is not None and (quorum > 1 or edits != LENIENCE[0])
        approvers = deciders - ({case.author or ""} if barred else set())
        if case.author is not None and edits == LENIENCE[2]:
            approvers = frozenset()
        return Who(deciders, approvers, quorum, denied, edits, barred, owners)

    # --- agents -----------------------------------------------------------------------------------

    def does_ask(self, core: int, case: Case) -> str:
        """An agent proposes or asks: *case* says what, and gets its terms here."""
        setup = self.follows(core)
        known = next((c for c in self.cases.values() if (c.agent, c.key) == (case.agent, case.key)), None)
        if known is not None:
            return AGAIN if known.digest == case.digest else "key_reused"
        function = function_of(setup, case.agent)
        if function is None:
            return "unknown_agent" if case.amount is None else "unknown_action_type"
        case.function, case.owner, case.setup, case.asked_at = function, setup.owner, setup, self.now
        if self.stopped(self.scopes_over(setup, case)):
            return "stopped"
        ruled = verdict(setup, case.amount, sure=case.sure)
        if isinstance(ruled, Asked):
            case.team, case.quorum, case.edits = ruled.team, ruled.quorum, ruled.edits
            if over_cap(setup, self.cases.values(), case, self.who(setup, case).approvers):
                return "over_cap"
        else:
            self.end(case, "approved" if ruled == "allow" else "rejected")
            case.permit = Permit(at=self.now) if ruled == "allow" else None
        self.cases[case.label] = case
        return OK

    def does_cancel(self, core: int, label: str, agent: str) -> str:
        """An agent takes its request back: not behind the fence, so by what this core holds."""
        case = self.cases[label]
        if case.agent != agent:
            return "unknown_request"
        self.touch(self.held[core], case)
        if case.state != "pending":
            return "already_settled"
        self.end(case, "cancelled")
        return OK

    def still_allowed(self, setup: Setup, case: Case) -> bool:
        """Return whether what *case* was approved for may run under *setup*."""
        if case.decided:
            return self.who(setup, case).enough(frozenset(case.approved))
        if function_of(setup, case.agent) is None:
            return False
        return case.setup == setup or verdict(setup, case.amount, sure=case.sure) == "allow"

    def does_claim(self, core: int, label: str, *, agent: str, attempt: str, right: bool) -> str:
        """An agent is about to act; *right*: on exactly what was approved."""
        setup, case = self.follows(core), self.cases[label]
        permit = case.permit
        if permit is None or case.agent != agent:
            return "unknown_grant"
        if self.stopped(self.scopes_over(setup, case)):
            return "stopped"
        if permit.state == "claimed" and permit.attempt == attempt:
            return self._held_on(permit) if right else "digest_mismatch"
        if not self.still_allowed(setup, case):
            if permit.state != "granted":
                return _SPENT[permit.state]
            permit.state = "revoked"
            return "authority_lapsed"
        if not right:
            return "digest_mismatch"
        if permit.state != "granted":
            return _SPENT[permit.state]
        if permit.due is None or self.now >= permit.due:
            return "grant_expired"
        permit.state, permit.attempt, permit.claimed_at = "claimed", attempt, self.now
        permit.lease = self.now + LEASE
        return OK

    def _held_on(self, permit: Permit) -> str:
        if permit.due is None or self.now >= permit.due:
            return "awaiting_person"
        if permit.lease is None or self.now >= permit.lease - LEASE + LEASE / 6:
            permit.lease = self.now + LEASE
        return OK

    def does_beat(self, label: str, *, agent: str, attempt: str) -> str:
        """An attempt says that it is alive."""
        case = self.cases[label]
        permit = case.permit
        if permit is None or case.agent != agent:
            return "unknown_grant"
        if permit.state == "claimed" and permit.attempt == attempt:
            return self._held_on(permit)
        return "not_claimed" if permit.state == "granted" else _SPENT[permit.state]

    def does_report(self, label: str, *, agent: str, outcome: str, attempt: str | None) -> str:
        """An agent says what happened."""
        case = self.cases[label]
        permit = case.permit
        if permit is None or case.agent != agent:
            return "unknown_grant"
        bystander = attempt is not None and attempt != permit.attempt
        if permit.state == "claimed":
            alive = permit.lease is not None and self.now < permit.lease
            if bystander and (outcome != "unknown" or alive):
                return "grant_claimed"
            permit.state = outcome
            return OK
        if permit.state == outcome and permit.resolved_by is None:
            return OK
        contradicts = permit.resolved_by is not None and outcome not in {permit.state, "unknown"}
        if permit.state == "unknown" or contradicts:
            if not bystander and permit.late is None:
                permit.late = outcome
            return "already_reported" if contradicts else "awaiting_person"
        return "already_reported" if permit.state in {"succeeded", "failed"} else "not_claimed"

    # --- people -----------------------------------------------------------------------------------

    def clicks_in(self, account: str, click: str) -> str | None:
        """Note the *click*; return ``again``, or why it does not count, or nothing."""
        if click in self.clicks:
            return AGAIN
        self.clicks.add(click)
        return "unknown_person" if person_behind(account) is None else None

    def does_decide(self, core: int, label: str, *, account: str, click: str, choice: str) -> str:
        """A person approves, rejects (in silence) or answers."""
        setup, case = self.follows(core), self.cases[label]
        first = self.clicks_in(account, click)
        if first == "unknown_person":
            return first
        self.touch(setup, case)
        if first is not None:
            return first
        person = person_behind(account) or ""
        if case.state != "pending":
            return "already_settled"
        rejects = choice in {"reject", "reject in silence"}
        if (why := self.who(setup, case).objects(person, to_reject=rejects)) is not None:
            return why
        if choice == "approve":
            return self._approve(setup, case, person)
        if rejects:
            if choice == "reject in silence":
                return "reason_missing"
            case.decided += 1
            self.end(case, "rejected")
            return OK
        return self._answer(case, choice)

    def _approve(self, setup: Setup, case: Case, person: str) -> str:
        who = self.who(setup, case)
        if case.amount is None:
            return "not_a_proposal"
        if person in case.approved:
            return "already_decided_by_you"
        if person not in who.approvers:
            barred = who.author_barred and person == case.author
            return "author_may_not_approve" if barred else "edits_forbidden"
        case.approved.append(person)
        case.decided += 1
        if who.enough(frozenset(case.approved)):
            self.end(case, "approved" if case.edited is None else "approved_with_edits")
            case.permit = Permit(at=self.now)
        return OK

    def _answer(self, case: Case, choice: str) -> str:
        if case.amount is not None:
            return "not_a_question"
        said = {"first": OPTIONS[0], "second": OPTIONS[1], "third": None}.get(choice, "In my own words")
        if said is None or (said not in OPTIONS and not case.free_text):
            return "not_an_option"
        case.decided += 1
        case.answer = said
        self.end(case, "answered")
        return OK

    def does_edit(self, core: int, label: str, new: str, *, account: str, click: str, amount: int) -> str:
        """A person approves the action with another *amount*: that is the new case."""
        setup, case = self.follows(core), self.cases[label]
        if (first := self.clicks_in(account, click)) is not None:
            return first
        self.touch(setup, case)
        person, who = person_behind(account) or "", self.who(setup, case)
        if case.state != "pending":
            return "already_settled"
        if (why := who.objects(person)) is not None:
            return why
        if case.amount is None:
            return "not_a_proposal"
        if who.edits == LENIENCE[2]:
            return "edits_forbidden"
        if amount == case.amount:
            return "nothing_edited"
        after = self._successor(setup, case, new, amount=amount, author=person, strict=who.edits)
        if isinstance(after, str):
            return after
        after.edited = label
        self.end(case, "superseded")
        case.follow, self.cases[new] = new, after
        mine = self.who(setup, after)
        if person in mine.approvers:
            self._approve(setup, after, person)
        return OK

    def _successor(
        self, setup: Setup, case: Case, new: str, *, amount: int | None, author: str | None, strict: str
    ) -> Case | str:
        sure = case.sure and author == case.author  # what the agent was sure of was its own amount
        sure = sure if amount == case.amount else False
        ruled = verdict(setup, amount, sure=sure)
        if ruled == "deny":
            return "denied_by_rule"
        terms = ruled if isinstance(ruled, Asked) else Asked(case.team or "", case.quorum, strict)
        edits = terms.edits
        if isinstance(ruled, Asked) and author is not None:
            before = rules.members(setup, case.team or "managers")
            edits = max(strict, ruled.edits, key=LENIENCE.index)
            wider = before <= rules.members(setup, ruled.team) and ruled.quorum <= case.quorum
            if edits == LENIENCE[0] and not wider:
                edits = LENIENCE[1]
        if author is not None and edits == LENIENCE[2]:
            return "edits_forbidden"
        return Case(
            label=new,
            agent=case.agent,
            function=function_of(setup, case.agent) or "",
            owner=setup.owner,
            amount=amount,
            free_text=case.free_text,
            sure=sure,
            team=terms.team,
            quorum=terms.quorum,
            edits=edits,
            setup=setup,
            asked_at=self.now,
            author=author,
        )

    def does_ask_again(self, core: int, label: str, new: str, *, account: str, click: str) -> str:
        """A person who came too late has it asked once more."""
        setup, case = self.follows(core), self.cases[label]
        if (first := self.clicks_in(account, click)) is not None:
            return first
        self.touch(setup, case)
        if case.state not in {"timed_out", "undeliverable"}:
            return "not_askable_again"
        if case.follow is not None:
            return "already_asked_again"
        if (why := self.who(setup, case).objects(person_behind(account) or "")) is not None:
            return why
        today = {"all", f"agent:{case.agent}", f"function:{function_of(setup, case.agent)}"}
        if self.stopped(today | ({f"action:{ACTION}"} if case.amount is not None else set())):
            return "stopped"
        after = self._successor(setup, case, new, amount=case.amount, author=case.author, strict=case.edits)
        if isinstance(after, str):
            return after
        after.edited, after.repeats = case.edited, label
        case.follow, self.cases[new] = new, after
        return OK

    def does_acknowledge(self, core: int, label: str, *, account: str, click: str) -> str:
        """A person is looking at it."""
        setup, case = self.follows(core), self.cases[label]
        first = self.clicks_in(account, click)
        if first == "unknown_person":
            return first
        self.touch(setup, case)
        if first is not None:
            return first
        person = person_behind(account) or ""
        if case.state != "pending":
            return "already_settled"
        if (why := self.who(setup, case).objects(person)) is not None:
            return why
        if case.acked:
            return "already_acknowledged"
        case.acked = person
        return OK

    def does_resolve(self, core: int, label: str, *, account: str, click: str, outcome: str) -> str:
        """A person found out what happened."""
        setup, case = self.follows(core), self.cases[label]
        if (first := self.clicks_in(account, click)) is not None:
            return first
        person, permit = person_behind(account) or "", case.permit
        if permit is None:
            return "unknown_grant"
        owner = {setup.owner} if function_of(setup, case.agent) is not None else set()
        if person not in owner | set(setup.operators):
            return "not_an_operator"
        if permit.state != "unknown":
            return "not_unknown"
        permit.state, permit.resolved_by = outcome, person
        return OK

    def does_stop(self, core: int, scope: str, *, account: str, click: str) -> str:
        """Somebody pulls the cord: at once, whatever configuration this core works by."""
        if person_behind(account) is None:
            self.follows(core)  # who is unknown here may be new
        first = self.clicks_in(account, click)
        if first == "unknown_person":
            return first
        if scope not in self.known_scopes | rules.scopes(self.held[core]):
            return "unknown_scope"
        if first is not None:
            return first
        if scope in self.stops:
            return "already_stopped"
        self.stops[scope] = (person_behind(account) or "", self.now)
        self.sweeping.add(scope)
        return OK

    def does_resume(self, core: int, scope: str, *, account: str, click: str) -> str:
        """A different operator lets go."""
        setup, first = self.follows(core), self.clicks_in(account, click)
        if first == "unknown_person":
            return first
        if scope not in self.known_scopes:
            return "unknown_scope"
        if first is not None:
            return first
        if scope not in self.stops:
            return "not_stopped"
        person = person_behind(account) or ""
        if person not in setup.operators:
            return "not_an_operator"
        if person == self.stops[scope][0]:
            return "same_person_stopped"
        if scope.startswith("function:") and self.anything_left(setup, scope):
            # Its agent came to work for the function after the sweep was through: that goes again.
            self.sweeping.add(scope)
        if scope in self.sweeping:
            return "still_ending"
        del self.stops[scope]
        return OK

    # --- operators and the engine -----------------------------------------------------------------

    def does_configure(self, setup: Setup) -> str:
        """Somebody puts *setup* in force; no core works by it until it hears of it."""
        self.known_setups.add(setup)
        self.known_scopes |= rules.scopes(setup)
        self.setup = setup
        return OK

    def does_restart(self, core: int, files: Setup) -> str:
        """*core* is begun anew with *files*, which count only if they are in force or new."""
        if files not in self.known_setups:
            self.does_configure(files)
        self.follows(core)
        return OK

    def does_clockwork(self, core: int) -> str:
        """The engine of *core* takes every rung that is due, and lets grants lapse."""
        setup = self.held[core]
        for case in self.cases.values():
            while case.state == "pending" and case.due <= self.now:
                if self.stopped(self.scopes_over(setup, case)):
                    self.touch(setup, case)
                    break
                if self.now >= case.deadline:
                    self.touch(setup, case)
                else:
                    case.rung = 3 if case.acked else case.rung + 1
            permit = case.permit
            while permit is not None and permit.due is not None and permit.due <= self.now:
                permit.state = "expired" if permit.state == "granted" else "unknown"
        return OK

    def does_sweep(self, core: int) -> str:
        """The engine of *core* ends what waited under the stops."""
        while sum(self._sweeps(core, scope) for scope in sorted(self.sweeping)):
            pass
        return OK

    def _sweeps(self, core: int, scope: str) -> bool:
        # By what this core holds; that nothing is left is found by what is in force, as whoever decides.
        if self.anything_left(self.held[core], scope):
            for case in self.cases.values():
                if scope in self.scopes_over(self.held[core], case):
                    self.touch(self.held[core], case)
                    if case.permit is not None and case.permit.state == "granted":
                        case.permit.state = "revoked"
            return True
        if self.anything_left(self.follows(core), scope):
            return False
        self.sweeping.remove(scope)
        return True

    def anything_left(self, setup: Setup, scope: str) -> bool:
        """Return whether something waits under the stop of *scope*."""
        return any(
            case.state == "pending" or (case.permit is not None and case.permit.state == "granted")
            for case in self.cases.values()
            if scope in self.scopes_over(setup, case)
        )
