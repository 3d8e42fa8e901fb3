"""
Histories of requests, grants, stops and changing rules, with the law of each command beside it.

The machine does around the rules what the use cases do: it looks at the switch before a claim, asks
once more whether the approvals suffice, and ends what a stop covers. What it expects comes from the
rulebook's plain words, not from the code. Time moves to the boundaries: a microsecond before each
instant that matters, onto it, and a microsecond past it. HYPOTHESIS_PROFILE=prove makes it thorough.
"""

import os
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from escalation import grant as grants
from escalation import request as requests
from escalation import switch as switches
from escalation.action import Action, action, digest
from escalation.authority import Account
from escalation.grant import Beat, Claim, Grant, GrantState, Report, Resolve, Tell
from escalation.ids import AgentName, PersonId
from escalation.reason import Reason
from escalation.request import (
    Acknowledge,
    Cancel,
    ConfirmDelivery,
    GiveUp,
    Question,
    Request,
    State,
    Verdict,
)
from escalation.switch import Scope, Stop, Switch
from tests.unit.core.kit import (
    BANK,
    DIRECTORY,
    KHALID,
    NOURA,
    OPERATOR,
    OTHER_AGENT,
    OWNER,
    POSTING,
    QUESTION,
    SALMA,
    TICK,
    refusal,
)
from tests.unit.core.rulebook import MEANING, OPERATORS, QUESTIONS
from tests.unit.core.use_cases import (
    WHOSE,
    authority_over,
    claim_through_gate,
    decide,
    draft,
    end_all_under,
    end_by,
    is_held,
    lapse_one,
    nth_grant,
    nth_request,
    pass_time,
    person_of,
    succeed,
)
from tests.unit.core.world import ELSEWHERE, HOLD_POSTINGS, INVARIANTS, Effect, World

#: The newest that are open, most of the time; or the first of all.
WHICH = st.sampled_from([-1, -1, -1, -2, -2, 0, 1])
SALMAS, SALMAS_OTHER, KHALIDS, NOURAS, _, FAHADS = list(WHOSE)[:6]
#: Everybody, and the approvers once more: else most histories would end before anything ran.
WHO = st.sampled_from([*WHOSE, SALMAS, KHALIDS, NOURAS])
ASKING = st.sampled_from([book for book, meaning in MEANING.items() if meaning.says != "deny"])
BOOKS = st.sampled_from([*sorted(MEANING), *["one of the team", "two of the team", "three of the team"] * 2])
SCOPES = st.sampled_from([*sorted(HOLD_POSTINGS, key=str), *sorted(ELSEWHERE, key=str) * 3])
AGENTS = st.sampled_from([BANK, BANK, BANK, OTHER_AGENT])
ATTEMPTS = st.sampled_from(["try-1", "try-1", "try-2"])
#: Most things happen at once; some a microsecond before what ends it, right then, or a microsecond after.
WHEN = st.sampled_from([*[None] * 10, -TICK, timedelta(0), timedelta(0), TICK])
SUBJECTS = st.sampled_from([POSTING, POSTING, QUESTION])
LOOKED_AT = st.sampled_from(["this", "this", "this", "something else"])

QUESTION_DIGEST = digest({"question": QUESTION.text})  #: Of something else.

some_request = precondition(lambda machine: bool(machine.world.requests))
some_grant = precondition(lambda machine: bool(machine.world.grants))


class RequestMachine(RuleBasedStateMachine):
    """One history."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    # --- the agent ---

    @initialize(book=ASKING, subject=SUBJECTS, steps=st.integers(-1, 6))
    def begin(self, book: str, subject: Action | Question, steps: int) -> None:
        """A history begins with rules and something asked under them, and some have got on already."""
        self.world.book = book
        self.ask(subject)
        if steps % 2:
            self.deliver(-1)
        if steps < 0:
            self.world.now = nth_request(self.world, -1).deadline
            self.tick()
            self.ask(subject)
        for account in (SALMAS, KHALIDS, NOURAS)[: max(steps, 0)]:
            self.approve(-1, account, "this", None)
        if steps > 4 and self.world.grants:
            self.claim(-1, BANK, "this", "try-1", None)
        if steps > 5 and self.world.grants:
            self.report(-1, BANK, None, Report.UNKNOWN)

    @precondition(lambda machine: len(machine.world.requests) < 12)
    @rule(subjects=st.lists(SUBJECTS, min_size=1, max_size=3))
    def ask_several(self, subjects: list[Action | Question]) -> None:
        """An agent asks, more than one thing at a time."""
        for subject in subjects:
            self.ask(subject)

    def ask(self, subject: Action | Question) -> None:
        """An agent asks: what the rules deny, and what a stop holds, never waits for anybody (I7, I21)."""
        world = self.world
        if world.book == "no such agent" or is_held(self.world, subject):
            return
        asked, meaning = draft(world, subject)
        states = {"allow": State.APPROVED, "ask": State.PENDING, "deny": State.REJECTED}
        assert meaning == (QUESTIONS if isinstance(subject, Question) else MEANING[world.book])
        assert asked.state is states[meaning.says]
        world.add(asked, meaning, cause="rule")
        if asked.state.gives_authority:
            world.give_grant(asked)

    @some_grant
    @rule(which=WHICH, agent=AGENTS, looked_at=LOOKED_AT, attempt=ATTEMPTS, when=WHEN)
    def claim(
        self, which: int, agent: AgentName, looked_at: str, attempt: str, when: timedelta | None
    ) -> None:
        """A go is given once: own agent, same bytes, in time, not stopped, still enough (I2, I14, I21)."""
        world, grant = self.world, nth_grant(self.world, which)
        request = world.requests[grant.request]
        self.wait(grant, when)
        named = request.digest if looked_at == "this" else QUESTION_DIGEST
        fits = agent == BANK and looked_at == "this" and not world.holding(request) & world.stopped()
        first = (
            grant.state is GrantState.GRANTED and world.now < grant.expires_at and world.is_enough(request)
        )
        again = grant.state is GrantState.CLAIMED and grant.attempt == attempt
        again = again and (grant.next_due_at or world.now) > world.now

        outcome = claim_through_gate(self.world, grant, Claim(agent=agent, digest=named, attempt=attempt))

        assert isinstance(outcome, grants.Applied) is (fits and (first or again))
        if isinstance(outcome, grants.Applied) and again:
            world.touch_grant(outcome.grant)
        elif isinstance(outcome, grants.Applied):
            world.save_grant(outcome.grant)
            world.effects.append(Effect(grant=grant.id, digest=named, at=world.now))

    @some_grant
    @rule(which=WHICH, agent=AGENTS, attempt=ATTEMPTS, when=WHEN)
    def heartbeat(self, which: int, agent: AgentName, attempt: str, when: timedelta | None) -> None:
        """The attempt that claimed holds its claim until it is time to report; that time stays as it is."""
        world, grant = self.world, nth_grant(self.world, which)
        self.wait(grant, when)
        mine = grant.state is GrantState.CLAIMED and (agent, attempt) == (grant.agent, grant.attempt)
        outcome = grants.apply(grant, Beat(agent=agent, attempt=attempt), now=world.now)

        assert isinstance(outcome, grants.Applied) is (mine and world.now < (grant.next_due_at or world.now))
        if isinstance(outcome, grants.Applied):
            assert outcome.grant.next_due_at == grant.next_due_at
            assert outcome.grant.is_held(world.now)
            world.touch_grant(outcome.grant)

    @some_grant
    @rule(which=WHICH, agent=AGENTS, attempt=st.one_of(st.none(), ATTEMPTS), report=st.sampled_from(Report))
    def report(self, which: int, agent: AgentName, attempt: str | None, report: Report) -> None:
        """Who claimed says what happened, once; another attempt gives up what is not held, and no more."""
        world, grant = self.world, nth_grant(self.world, which)
        outcome = grants.apply(grant, Tell(agent=agent, report=report, attempt=attempt), now=world.now)
        same = grant.state.value == report.value and grant.resolved_by is None
        claimed, mine = grant.state is GrantState.CLAIMED, attempt in {None, grant.attempt}
        given_up = report is Report.UNKNOWN and world.now >= (grant.lease_until or world.now)
        found_out = grant.resolved_by is not None and report is not Report.UNKNOWN
        open_ = grant.state is GrantState.UNKNOWN or (found_out and grant.state.value != report.value)
        late = open_ and mine and grant.late is None
        takes = same or late or (claimed and (mine or given_up))

        assert isinstance(outcome, grants.Applied) is (agent == grant.agent and takes)
        if isinstance(outcome, grants.Applied) and claimed:
            assert outcome.grant.state.value == report.value
            world.save_grant(outcome.grant)
        elif isinstance(outcome, grants.Applied):
            world.touch_grant(outcome.grant)
            assert late or outcome.grant == grant

    # --- people ---

    @some_request
    @rule(which=WHICH, account=WHO, looked_at=LOOKED_AT, when=WHEN)
    def approve(self, which: int, account: Account, looked_at: str, when: timedelta | None) -> None:
        """A yes counts for who may decide, about these bytes, once each; enough approve (I2, I3, I4)."""
        world, request, person = self.world, nth_request(self.world, which), person_of(self.world, account)
        self.wait(request, when)
        fits = looked_at == "this" and isinstance(request.subject, Action)
        new = person not in request.approved_by
        counts = fits and new and world.may_decide(request, person)
        who, quorum = world.seats(request)

        outcome = decide(self.world, request, account, (Verdict.APPROVE, None), looked_at=looked_at)

        assert isinstance(outcome, requests.Applied) is counts
        if isinstance(outcome, requests.Applied):
            enough = len(who.intersection(outcome.request.approved_by)) >= quorum
            assert outcome.request.state.gives_authority is enough
            assert (outcome.request.state is State.APPROVED_WITH_EDITS) is (enough and bool(request.edits))

    @some_request
    @rule(which=WHICH)
    def approve_together(self, which: int) -> None:
        """One after the other says yes; whose yes comes too late is told so."""
        request = nth_request(self.world, which)
        place = list(self.world.requests).index(request.id)
        for account in (SALMAS, SALMAS_OTHER, KHALIDS, NOURAS):
            self.approve(place, account, "this", None)

    @some_request
    @rule(which=WHICH, account=WHO, text=st.sampled_from(["wrong IBAN", "wrong IBAN", " ", None]), when=WHEN)
    def reject(self, which: int, account: Account, text: str | None, when: timedelta | None) -> None:
        """One no of who may decide, with a reason, ends it for good (I6)."""
        request, person = nth_request(self.world, which), person_of(self.world, account)
        self.wait(request, when)
        counts = self.world.may_reject(request, person) and text == "wrong IBAN"

        outcome = decide(self.world, request, account, (Verdict.REJECT, text))

        assert isinstance(outcome, requests.Applied) is counts
        if isinstance(outcome, requests.Applied):
            assert (outcome.request.state, outcome.request.reason) == (State.REJECTED, "wrong IBAN")

    @some_request
    @rule(which=WHICH, account=WHO, text=st.sampled_from(["4400", "4401", "9999", None]), when=WHEN)
    def answer(self, which: int, account: Account, text: str | None, when: timedelta | None) -> None:
        """A question takes one of its options from who may decide; an answer authorises nothing."""
        request, person = nth_request(self.world, which), person_of(self.world, account)
        self.wait(request, when)
        fits = isinstance(request.subject, Question) and text in {"4400", "4401"}

        outcome = decide(self.world, request, account, (Verdict.ANSWER, text))

        assert isinstance(outcome, requests.Applied) is (fits and self.world.may_decide(request, person))
        if isinstance(outcome, requests.Applied):
            assert (outcome.request.state, outcome.request.answer) == (State.ANSWERED, text)

    @some_request
    @rule(which=WHICH, account=WHO, when=WHEN)
    def acknowledge(self, which: int, account: Account, when: timedelta | None) -> None:
        """The first who may decide says that they look; that moves neither state nor deadline."""
        request, person = nth_request(self.world, which), person_of(self.world, account)
        self.wait(request, when)
        first = self.world.may_decide(request, person) and request.acknowledged_by is None
        command = Acknowledge(by=person or PersonId("nobody"), authority=authority_over(self.world, request))

        outcome = requests.apply(request, command, now=self.world.now)

        assert isinstance(outcome, requests.Applied) is first
        if isinstance(outcome, requests.Applied):
            assert outcome.request.state is State.PENDING
            assert outcome.request.next_due_at == outcome.request.deadline == request.deadline
            self.world.save(outcome.request, cause="acknowledge")

    @some_request
    @rule(which=WHICH, account=WHO, amount=st.sampled_from(["49.90", "49.91", "7.00"]))
    def edit(self, which: int, account: Account, amount: str) -> None:
        """Who may decide may ask for other bytes instead; today's rules judge these anew."""
        world, request, person = self.world, nth_request(self.world, which), person_of(self.world, account)
        edited = action("ledger.post", {"amount": amount, "account": "4400"})
        if not isinstance(request.subject, Action) or edited.digest == request.digest:
            return
        may = world.may_decide(request, person)
        outcome = succeed(self.world, request, edited, person)
        assert isinstance(outcome, Request) is may
        if not isinstance(outcome, Request):
            return
        assert world.requests[request.id].state is State.SUPERSEDED
        assert world.requests[request.id].edited_by == person
        if world.may_decide(outcome, person):
            self.approve(-1, account, "this", None)

    @some_request
    @rule(which=WHICH, account=WHO)
    def ask_again(self, which: int, account: Account) -> None:
        """Who may decide may have an unanswered request asked once more, with a new deadline."""
        world, request, person = self.world, nth_request(self.world, which), person_of(self.world, account)
        unanswered = request.state in {State.TIMED_OUT, State.UNDELIVERABLE} and request.follow is None
        may = unanswered and person in world.seats(request)[0]

        outcome = succeed(self.world, request, request.subject, person)

        free = world.today(request).says != "deny" and not is_held(self.world, request.subject)
        assert isinstance(outcome, Request) is (may and free)
        if isinstance(outcome, Request):
            assert (outcome.state, outcome.decisions) == (State.PENDING, ())
            assert outcome.deadline == world.now + timedelta(minutes=15)
            asked = world.requests[request.id]
            assert refusal(succeed(world, asked, asked.subject, person)) is Reason.ALREADY_ASKED_AGAIN

    @some_grant
    @rule(which=WHICH, by=st.sampled_from([OWNER, OPERATOR]), report=st.sampled_from(Report))
    def resolve(self, which: int, by: PersonId, report: Report) -> None:
        """Only what is unknown is resolved, and only into something known."""
        grant = nth_grant(self.world, which)
        unknown = grant.state is GrantState.UNKNOWN and report is not Report.UNKNOWN

        outcome = grants.apply(grant, Resolve(by=by, report=report), now=self.world.now)

        assert isinstance(outcome, grants.Applied) is unknown
        if isinstance(outcome, grants.Applied):
            assert (outcome.grant.state.value, outcome.grant.resolved_by) == (report.value, by)
            self.world.save_grant(outcome.grant)

    @rule(account=WHO, where=SCOPES)
    def stop(self, account: Account, where: Scope) -> None:
        """Anybody we know stops; what it covers ends in the same moment, whatever was approved (I22)."""
        world, person = self.world, person_of(self.world, account)
        if person is None:
            return
        running = where not in world.stopped()
        old = world.switches.get(where, Switch(scope=where))

        outcome = switches.pull(old, Stop(by=person, at=world.now, reason="wrong IBANs"))

        assert isinstance(outcome, switches.Applied) is running
        if isinstance(outcome, switches.Applied):
            world.switches[where] = outcome.switch
            end_all_under(self.world, where)

    @precondition(lambda machine: bool(machine.world.switches))
    @rule(account=st.sampled_from([*WHOSE, *[SALMAS, FAHADS] * 4]), which=WHICH)
    def resume(self, account: Account, which: int) -> None:
        """A stop is let go of by an operator who did not pull it, and by nobody else (I21)."""
        world, person = self.world, person_of(self.world, account)
        known = sorted(world.stopped(), key=str) or list(world.switches)
        where = known[which % len(known)]
        may = world.may_release(person, where)
        configuration = world.configuration()
        operators = configuration.directory.members(configuration.operators)
        old = world.switches[where]

        outcome = switches.release(old, by=person or PersonId("nobody"), operators=operators)

        assert isinstance(outcome, switches.Applied) is may
        if isinstance(outcome, switches.Applied):
            assert outcome.switch.version == old.version + 1
            world.switches[where] = outcome.switch

    @rule(
        book=st.none() | BOOKS,
        owner=st.sampled_from([OWNER, OWNER, KHALID]),
        gone=st.sampled_from([None, None, SALMA, KHALID, NOURA, OPERATOR]),
    )
    def change_the_rules(self, book: str | None, owner: PersonId, gone: PersonId | None) -> None:
        """Rules change, people leave, an agent is handed over: nothing that was asked gets easier (I8)."""
        world = self.world
        world.book, world.owner = book or world.book, owner
        world.gone = frozenset() if gone is None else frozenset({gone})
        for request in world.requests.values():
            authority, asked = authority_over(world, request), world.asked[request.id]
            assert authority.approvers <= asked.meaning.who - {asked.owner}
            assert authority.quorum >= asked.meaning.quorum

    # --- the courier and the clock ---

    @some_request
    @rule(which=WHICH)
    def deliver(self, which: int) -> None:
        """Slack confirms the card: that is noted the first time, and settles nothing."""
        request = nth_request(self.world, which)
        outcome = requests.apply(request, ConfirmDelivery(), now=self.world.now)
        in_time = request.state is State.PENDING and self.world.now < request.deadline
        assert isinstance(outcome, requests.Applied) is in_time
        if isinstance(outcome, requests.Applied):
            assert outcome.request.delivered_at == (request.delivered_at or self.world.now)
            self.world.save(outcome.request, cause="courier")

    @some_request
    @rule(which=WHICH, end=st.sampled_from(["the agent", "Slack"]))
    def take_away(self, which: int, end: str) -> None:
        """The agent takes it back, or its card can never be posted: nobody agreed to anything."""
        request = nth_request(self.world, which)
        if end == "Slack":
            end_by(self.world, request, GiveUp("channel_not_found"), State.UNDELIVERABLE)
        else:
            end_by(self.world, request, Cancel("found it"), State.CANCELLED)

    @rule()
    def tick(self) -> None:
        """The clock takes what is due, one rung at a time, and nothing that is not (I9, I10, I11)."""
        for _ in range(3):
            for request in list(self.world.requests.values()):
                pass_time(self.world, request)
        for grant in list(self.world.grants.values()):
            lapse_one(self.world, grant)
        rows: list[Request | Grant] = [*self.world.requests.values(), *self.world.grants.values()]
        assert all(row.next_due_at is None or row.next_due_at > self.world.now for row in rows)

    @precondition(lambda machine: bool(machine.world.boundaries()))
    @rule(step=st.integers(0, 11))
    def let_time_pass(self, step: int) -> None:
        """Time moves to one of the next instants that matter."""
        ahead = self.world.boundaries()
        self.world.now = ahead[min(step, len(ahead) - 1)]

    def wait(self, for_: Request | Grant, when: timedelta | None) -> None:
        """Let time pass until *when* before or after the end of *for_*, while that is open."""
        is_open = for_.state in {State.PENDING, GrantState.GRANTED}
        until = for_.deadline if isinstance(for_, Request) else for_.expires_at
        if when is not None and is_open:
            self.world.now = max(self.world.now, until + when)

    @invariant()
    def every_law_holds(self) -> None:
        """All of them, after each step."""
        for law in INVARIANTS:
            law(self.world)


THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "prove"

pytestmark = pytest.mark.timeout(7200 if THOROUGH else 300)

TestRequestMachine = RequestMachine.TestCase
TestRequestMachine.settings = settings(
    max_examples=20_000 if THOROUGH else 200,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def test_the_machine_knows_the_people_of_the_directory() -> None:
    """The table of accounts, written by hand, has every account of everybody, and two of nobody."""
    known = {account: person.id for person in DIRECTORY.people.values() for account in person.accounts}

    assert {account: person for account, person in WHOSE.items() if person is not None} == known
    assert DIRECTORY.people.keys() >= OPERATORS
