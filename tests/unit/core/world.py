"""Everything that one history changes, and the laws that every change and every moment has to keep."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from escalation import grant as grants
from escalation.action import Action, Digest
from escalation.configuration import Configuration
from escalation.grant import LEASE, Grant, GrantState
from escalation.ids import GrantId, IngressId, PersonId, RequestId
from escalation.ladder import Rung
from escalation.request import Request, State
from escalation.switch import Scope, Switch, scope
from tests.unit.core.kit import BANK, NOON, OWNER, TICK
from tests.unit.core.rulebook import MEANING, OPERATORS, QUESTIONS, Meaning, configuration

#: The stops that hold a proposal to post; a question is no action, so the last does not hold it.
HOLD_QUESTIONS = frozenset(map(scope, ("all", "function:finance", f"agent:{BANK}")))
HOLD_POSTINGS = HOLD_QUESTIONS | {scope("action:ledger.post")}
#: Stops of something else.
ELSEWHERE = frozenset(map(scope, ("agent:invoice-chaser", "function:sales", "action:mail.send")))

#: The only ways a grant can go.
GRANT_EDGES = {
    GrantState.GRANTED: {GrantState.CLAIMED, GrantState.EXPIRED, GrantState.REVOKED},
    GrantState.CLAIMED: {GrantState.SUCCEEDED, GrantState.FAILED, GrantState.UNKNOWN},
    GrantState.UNKNOWN: {GrantState.SUCCEEDED, GrantState.FAILED},
}
AFTER_ALL = datetime.max.replace(tzinfo=NOON.tzinfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How the rules stood when a request was asked."""

    meaning: Meaning
    owner: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An agent was told to go."""

    grant: GrantId
    digest: Digest
    at: datetime


@dataclass
class World:
    """The rows, the clock, and what the laws remember."""

    now: datetime = NOON
    book: str = "one of the team"
    owner: PersonId = OWNER
    gone: frozenset[PersonId] = frozenset()
    requests: dict[RequestId, Request] = field(default_factory=dict)
    grants: dict[GrantId, Grant] = field(default_factory=dict)
    switches: dict[Scope, Switch] = field(default_factory=dict)
    asked: dict[RequestId, Asked] = field(default_factory=dict)
    causes: dict[RequestId, str] = field(default_factory=dict)  #: What settled each request.
    ends: dict[RequestId, Request] = field(default_factory=dict)  #: Each as it was when it settled.
    clicks: dict[IngressId, tuple[PersonId, RequestId]] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def configuration(self) -> Configuration:
        """Return what is in force now."""
        found = configuration(self.book, self.owner, self.gone)
        self.versions.add(found.version)
        return found

    # --- what the laws say, from the rulebook's plain words alone ---

    def today(self, request: Request) -> Meaning:
        """Return what today's rules mean for *request*."""
        if self.book == "no such agent" or isinstance(request.subject, Action):
            return MEANING[self.book]
        return QUESTIONS

    def seats(self, request: Request) -> tuple[frozenset[PersonId], int]:
        """Return who may decide *request* now, and how many of them it takes."""
        asked, today = self.asked[request.id], self.today(request)
        who, quorum = asked.meaning.who, asked.meaning.quorum
        if today.says == "deny":
            return frozenset(), quorum
        if today.says == "ask":
            who, quorum = who & today.who, max(quorum, today.quorum)
        return who - {asked.owner, self.owner} - self.gone, quorum

    def is_enough(self, request: Request) -> bool:
        """Return whether people, or a rule alone, authorise *request* as things stand now."""
        if self.causes.get(request.id) == "rule":
            return self.today(request).says == "allow"
        who, quorum = self.seats(request)
        return len(who.intersection(request.approved_by)) >= quorum

    def may_decide(self, request: Request, person: PersonId | None) -> bool:
        """Return whether *person* may do anything about *request* now."""
        is_open = request.state is State.PENDING and self.now < request.deadline
        return is_open and person in self.seats(request)[0]

    def may_reject(self, request: Request, person: PersonId | None) -> bool:
        """Return whether *person* may say no: what the rules deny since, whoever was asked still may."""
        if self.today(request).says != "deny":
            return self.may_decide(request, person)
        asked = self.asked[request.id]
        owners = {asked.owner} if self.book == "no such agent" else {asked.owner, self.owner}
        is_open = request.state is State.PENDING and self.now < request.deadline
        return is_open and person in asked.meaning.who - owners - self.gone

    def holding(self, request: Request) -> frozenset[Scope]:
        """Return the scopes whose stop holds *request*."""
        return HOLD_POSTINGS if isinstance(request.subject, Action) else HOLD_QUESTIONS

    def stopped(self) -> set[Scope]:
        """Return what is stopped now."""
        return {where for where, switch in self.switches.items() if switch.stop is not None}

    def may_release(self, person: PersonId | None, where: Scope) -> bool:
        """Return whether *person* may let go of *where*."""
        switch = self.switches.get(where)
        stop = None if switch is None else switch.stop
        return stop is not None and person in OPERATORS - self.gone and person != stop.by

    # --- rows ---

    def add(self, request: Request, meaning: Meaning, *, cause: str) -> None:
        """Insert a request that was just asked; *cause* settled it if it is settled."""
        assert request.id not in self.requests
        self.asked[request.id] = Asked(meaning=meaning, owner=request.owner)
        self.requests[request.id] = request
        if request.state.is_settled:
            self._ended(request, cause)

    def save(self, new: Request, *, cause: str) -> None:
        """Write *new* over what it was, if that is an edge that exists."""
        old = self.requests[new.id]
        assert new.version == old.version + 1
        if old.state.is_settled:
            assert cause == "ask again"
            assert new == replace(old, follow=new.follow, version=new.version)
        else:
            assert (new.decisions[: len(old.decisions)], new.rung >= old.rung) == (old.decisions, True)
            assert new == self._as_asked(old, new)
        self.requests[new.id] = new
        if new.state is not old.state:
            self._ended(new, cause)

    def give_grant(self, request: Request) -> None:
        """Grant what was approved, as the service does."""
        times = self.configuration().times
        grant = Grant(
            id=GrantId(f"grt_{next(self.numbers)}"),
            tenant=request.tenant,
            request=request.id,
            agent=request.agent,
            digest=request.digest,
            granted_at=self.now,
            expires_at=self.now + times.grant,
            report_within=times.report,
        )
        self.grants[grant.id] = grant

    def save_grant(self, new: Grant) -> None:
        """Write *new* over what it was, if that is an edge that exists."""
        old = self.grants[new.id]
        assert new.version == old.version + 1
        assert new.state in GRANT_EDGES[old.state]
        kept = ("id", "tenant", "request", "agent", "digest", "granted_at", "expires_at", "report_within")
        assert all(getattr(new, name) == getattr(old, name) for name in kept)
        self.grants[new.id] = new

    def touch_grant(self, new: Grant) -> None:
        """Write *new*, which may differ in its lease and in what was said too late, and in nothing else."""
        old = self.grants[new.id]
        assert replace(new, lease_until=old.lease_until, late=old.late, version=old.version) == old
        assert new.version == old.version + (new != old)
        assert new.lease_until in {old.lease_until, self.now + LEASE}
        assert old.late in {None, new.late}
        self.grants[new.id] = new

    def boundaries(self) -> list[datetime]:
        """Return the instants to come at which something is due, and a microsecond either side of each."""
        due = [at for request in self.requests.values() for at in _instants(request)]
        for grant in self.grants.values():
            due += [grant.expires_at, (grant.claimed_at or grant.granted_at) + timedelta(minutes=10)]
            due += [] if grant.lease_until is None else [grant.lease_until]
        near = {at + offset for at in due for offset in (-TICK, timedelta(0), TICK)}
        return sorted(at for at in near if at > self.now)

    def _ended(self, request: Request, cause: str) -> None:
        assert request.id not in self.causes, "a request settles once"
        self.causes[request.id], self.ends[request.id] = cause, request

    @staticmethod
    def _as_asked(old: Request, new: Request) -> Request:
        # What was asked never changes; only these fields tell how it stands.
        return replace(
            old,
            state=new.state,
            version=new.version,
            rung=new.rung,
            delivered_at=new.delivered_at,
            acknowledged_by=new.acknowledged_by,
            decisions=new.decisions,
            settled_at=new.settled_at,
            reason=new.reason,
            answer=new.answer,
            follow=new.follow,
        )


def _instants(request: Request) -> tuple[datetime, ...]:
    return request.ladder.nudge_at, request.ladder.backup_at, request.deadline


# --- invariants: what holds at every moment ----------------------------------------------------------


def nothing_runs_without_authority(world: World) -> None:
    """I1, I9: each grant has one request that people or a rule approved; nothing else ever approves."""
    granted = [grant.request for grant in world.grants.values()]
    approved = [request for request in world.requests.values() if request.state.gives_authority]

    assert sorted(granted) == sorted(request.id for request in approved)
    for request in approved:
        asked = world.asked[request.id].meaning
        if world.causes[request.id] == "rule":
            assert (asked.says, request.decisions) == ("allow", ())
        else:
            assert world.causes[request.id] == "decide"
            assert len(set(request.approved_by) & asked.who) >= asked.quorum >= 1


def deciders_are_distinct_people(world: World) -> None:
    """I3, I5: nobody approves twice, no owner decides, and each decision stands on its own click."""
    used: set[IngressId] = set()
    for request in world.requests.values():
        assert len(set(request.approved_by)) == len(request.approved_by)
        for decision in request.decisions:
            assert decision.person != world.asked[request.id].owner
            assert decision.person in world.asked[request.id].meaning.who
            assert world.clicks[decision.ingress] == (decision.person, request.id)
            assert decision.ingress not in used
            used.add(decision.ingress)


def one_digest_all_the_way(world: World) -> None:
    """I4: decision, grant and effect name what was asked."""
    for request in world.requests.values():
        assert all(decision.digest == request.digest for decision in request.decisions)
    for grant in world.grants.values():
        assert grant.digest == world.requests[grant.request].digest
    for effect in world.effects:
        assert effect.digest == world.grants[effect.grant].digest


def what_is_settled_stays_settled(world: World) -> None:
    """I6, I12: of all that may end a request exactly one does, and a rejection is as final as the rest."""
    assert set(world.ends) == {id_ for id_, request in world.requests.items() if request.state.is_settled}
    for id_, end in world.ends.items():
        now = world.requests[id_]
        assert now == replace(end, follow=now.follow, version=now.version)
        refused = any(decision.verdict.value == "reject" for decision in end.decisions)
        assert not refused or end.state is State.REJECTED


def each_outcome_names_its_rules(world: World) -> None:
    """I8: every request names a version of the rules that was in force."""
    assert all(request.ruling.version in world.versions for request in world.requests.values())


def nothing_times_out_early_or_twice(world: World) -> None:
    """I10: only the clock times out, only from the deadline on; and from then on nobody decides."""
    for id_, end in world.ends.items():
        at = end.settled_at or AFTER_ALL
        if end.state is State.TIMED_OUT:
            assert (world.causes[id_], at >= end.deadline) == ("clock", True)
        if world.causes[id_] == "clock":
            assert end.state in {State.TIMED_OUT, State.UNDELIVERABLE}
            assert end.rung is Rung.DEFAULTED
        assert all(decision.at < end.deadline for decision in end.decisions)


def the_clock_looks_in_time(world: World) -> None:
    """I11: what is pending is due at its deadline at the latest; what is settled is never due."""
    for request in world.requests.values():
        if request.state.is_settled:
            assert request.next_due_at is None
        else:
            assert request.next_due_at is not None
            assert request.next_due_at in _instants(request)
            assert request.next_due_at <= request.deadline


def at_most_one_effect(world: World) -> None:
    """I14: one go per grant, before it expired, and only a claimed grant has one."""
    went = [effect.grant for effect in world.effects]
    never = {GrantState.GRANTED, GrantState.EXPIRED, GrantState.REVOKED}

    assert len(set(went)) == len(went)
    assert set(went) == {id_ for id_, grant in world.grants.items() if grant.state not in never}
    for effect in world.effects:
        grant = world.grants[effect.grant]
        assert grant.granted_at <= effect.at < grant.expires_at
        assert grant.claimed_at == effect.at


def a_stop_leaves_nothing_to_start(world: World) -> None:
    """I22: under a stop nothing is pending and nothing granted waits to be claimed."""
    stopped = world.stopped()
    for request in world.requests.values():
        assert request.state is not State.PENDING or not world.holding(request) & stopped
    for grant in world.grants.values():
        request = world.requests[grant.request]
        assert grant.state is not GrantState.GRANTED or not world.holding(request) & stopped


def whoever_waits_for_a_grant_hears(world: World) -> None:
    """A grant is due as long as time can end it, and a person is needed for the rest."""
    for grant in world.grants.values():
        runs = grant.state in {GrantState.GRANTED, GrantState.CLAIMED}
        assert (grant.next_due_at is not None) is runs
        lapsed = grants.apply(grant, grants.Lapse(), now=AFTER_ALL)
        assert isinstance(lapsed, grants.Applied) is runs


INVARIANTS = (
    nothing_runs_without_authority,
    deciders_are_distinct_people,
    one_digest_all_the_way,
    what_is_settled_stays_settled,
    each_outcome_names_its_rules,
    nothing_times_out_early_or_twice,
    the_clock_looks_in_time,
    at_most_one_effect,
    a_stop_leaves_nothing_to_start,
    whoever_waits_for_a_grant_hears,
)
