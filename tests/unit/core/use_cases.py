"""What the use cases do around the rules, in memory and in one step: look again, save, end what is held."""

from dataclasses import replace
from datetime import timedelta

from escalation import grant as grants
from escalation import request as requests
from escalation.action import Action, digest
from escalation.authority import Account, Authority, Terms
from escalation.grant import Claim, Grant, GrantState, Lapse, Revoke
from escalation.ids import DecisionId, IngressId, PersonId, RequestId
from escalation.ladder import Rung, ladder
from escalation.policy import Allow, Ask, Deny
from escalation.reason import Reason, Refused
from escalation.request import (
    AskAgain,
    Cancel,
    Climb,
    Decide,
    Decision,
    GiveUp,
    Kill,
    Question,
    Request,
    Ruling,
    State,
    Supersede,
    Verdict,
    Words,
)
from escalation.service.steps import judge
from escalation.switch import Scope, covering
from tests.unit.core.kit import BANK, KHALID, NOURA, OPERATOR, OWNER, SALMA
from tests.unit.core.rulebook import MEANING, QUESTIONS, Meaning
from tests.unit.core.world import World

#: Whose each account is, by hand. Salma has two; the last two belong to nobody.
WHOSE: dict[Account, PersonId | None] = {
    Account("T01", "U_SALMA"): SALMA,
    Account("T01", "U_SALMA_ADMIN"): SALMA,
    Account("T01", "U_KHALID"): KHALID,
    Account("T01", "U_NOURA"): NOURA,
    Account("T01", "U_OMAR"): OWNER,
    Account("T01", "U_FAHAD"): OPERATOR,
    Account("T01", "U_GUEST"): None,
    Account("T02", "U_SALMA"): None,
}


def nth_request(world: World, which: int) -> Request:
    """Return one of the requests: the newest are -1, -2, … of those that are open, if any is."""
    every = list(world.requests.values())
    pending = [request for request in every if not request.state.is_settled]
    known = pending if which < 0 and pending else every
    return known[which % len(known)]


def nth_grant(world: World, which: int) -> Grant:
    """Return one of the grants: the newest are -1, -2, … of those that time can end, if any is."""
    every = list(world.grants.values())
    running = [grant for grant in every if grant.next_due_at is not None]
    known = running if which < 0 and running else every
    return known[which % len(known)]


def person_of(world: World, account: Account) -> PersonId | None:
    """Return who clicked, as the directory says and the table by hand confirms."""
    found = world.configuration().directory.whose(account)
    person = None if WHOSE[account] in world.gone else WHOSE[account]
    assert (None if found is None else found.id) == person
    return person


def authority_over(world: World, request: Request) -> Authority:
    """Return who may decide *request* now, as the service computes it."""
    return judge.authority(world.configuration(), request)


def is_held(world: World, subject: Action | Question) -> bool:
    """Return whether a stop holds this agent doing *subject*, as the service looks it up."""
    agent = world.configuration().agents.get(BANK)
    function = "finance" if agent is None else agent.function
    type_ = subject.type if isinstance(subject, Action) else None
    scopes = covering(agent=BANK, function=function, action_type=type_)
    return any(where in scopes for where in world.stopped())


def draft(world: World, subject: Action | Question, *, of: Request | None = None) -> tuple[Request, Meaning]:
    """Return *subject* as the rules of today make it a request, and what they mean."""
    verdict = judge.judge(world.configuration().agents[BANK], subject, Words())
    meaning = MEANING[world.book] if isinstance(subject, Action) else QUESTIONS
    terms, state = Terms(approvers=(), quorum=1), State.PENDING
    match verdict:
        case Ask(terms=asked):
            terms = asked
        case Allow() if of is not None:
            # A person had a hand in it, so people decide: those who decided about the original.
            terms, meaning = of.terms, world.asked[of.id].meaning
        case Allow():
            state = State.APPROVED
        case Deny():
            state = State.REJECTED
    rule = verdict.rule if isinstance(verdict, Allow) else "people"
    return _new(world, subject, terms, state, rule=rule), meaning


def _new(world: World, subject: Action | Question, terms: Terms, state: State, *, rule: str) -> Request:
    configuration = world.configuration()
    named = subject.digest if isinstance(subject, Action) else digest({"question": subject.text})
    return Request(
        id=RequestId(f"req_{next(world.numbers)}"),
        tenant=configuration.tenant,
        agent=BANK,
        function="finance",
        owner=configuration.agents[BANK].owner,
        subject=subject,
        digest=named,
        words=Words(),
        ruling=Ruling(rule=rule, version=configuration.version),
        terms=terms,
        channel="C_TREASURY",
        ladder=ladder(world.now, configuration.times.sla, configuration.calendar),
        asked_at=world.now,
        key=None,
        state=state,
        settled_at=world.now if state.is_settled else None,
    )


def decide(
    world: World,
    request: Request,
    account: Account,
    said: tuple[Verdict, str | None],
    *,
    looked_at: str = "this",
) -> requests.Outcome:
    """Store the click, decide, and grant what is approved by it."""
    person = person_of(world, account)
    if person is None:
        return Refused(Reason.UNKNOWN_PERSON)
    verdict, text = said
    number = next(world.numbers)
    decision = Decision(
        id=DecisionId(f"dec_{number}"),
        person=person,
        verdict=verdict,
        digest=request.digest if looked_at == "this" else digest("something else"),
        at=world.now,
        ingress=IngressId(f"ing_{number}"),
        text=text,
    )
    world.clicks[decision.ingress] = (person, request.id)
    command = Decide(decision=decision, authority=authority_over(world, request))
    outcome = requests.apply(request, command, now=world.now)
    if isinstance(outcome, requests.Applied):
        world.save(outcome.request, cause="decide")
        if outcome.request.state.gives_authority:
            world.give_grant(outcome.request)
    return outcome


def succeed(
    world: World, request: Request, subject: Action | Question, by: PersonId | None
) -> Request | Refused:
    """Put *subject* in the place of *request*: an edit, or the same once more."""
    if by is None or world.book == "no such agent" or is_held(world, subject):
        return Refused(Reason.STOPPED)
    successor, meaning = draft(world, subject, of=request)
    if successor.state is not State.PENDING:
        return Refused(Reason.DENIED_BY_RULE)
    authority = authority_over(world, request)
    edited = subject is not request.subject
    command = (Supersede if edited else AskAgain)(by=by, successor=successor.id, authority=authority)
    outcome = requests.apply(request, command, now=world.now)
    if isinstance(outcome, Refused):
        return outcome
    edits = request.id if edited else request.edits
    successor = replace(successor, edits=edits, asks_again=None if edited else request.id)
    world.add(successor, meaning, cause="rule")
    world.save(outcome.request, cause="edit" if edited else "ask again")
    return successor


def claim_through_gate(world: World, grant: Grant, command: Claim) -> grants.Outcome:
    """Look at the switches and at the authority once more, then claim."""
    request = world.requests[grant.request]
    if is_held(world, request.subject):
        return Refused(Reason.STOPPED)
    again = grant.state is GrantState.CLAIMED and grant.attempt == command.attempt
    own = command.agent == grant.agent
    if own and not again and not judge.still_allowed(world.configuration(), request):
        assert not world.is_enough(request)
        revoked = grants.apply(grant, Revoke(), now=world.now)
        if isinstance(revoked, grants.Applied):
            world.save_grant(revoked.grant)
        return Refused(Reason.AUTHORITY_LAPSED)
    return grants.apply(grant, command, now=world.now)


def end_by(world: World, request: Request, command: Cancel | GiveUp | Kill, end: State) -> None:
    """Apply a command that ends whatever is pending, and approves nothing."""
    outcome = requests.apply(request, command, now=world.now)
    in_time = request.state is State.PENDING and world.now < request.deadline
    assert isinstance(outcome, requests.Applied) is in_time
    if isinstance(outcome, requests.Applied):
        assert outcome.request.state is end
        assert outcome.request.decisions == request.decisions
        world.save(outcome.request, cause=end.value)


def end_all_under(world: World, where: Scope) -> None:
    """End what a stop of *where* covers: what is pending, and what is granted and not claimed."""
    for request in list(world.requests.values()):
        type_ = request.subject.type if isinstance(request.subject, Action) else None
        held = covering(agent=request.agent, function=request.function, action_type=type_)
        assert (where in held) is (where in world.holding(request))
        if where in held and world.now >= request.deadline:
            pass_time(world, request)
        elif where in held and request.state is State.PENDING:
            end_by(world, request, Kill("stopped", at=world.now), State.KILLED)
    for grant in list(world.grants.values()):
        revoked = grants.apply(grant, Revoke(), now=world.now)
        assert isinstance(revoked, grants.Applied) is (grant.state is GrantState.GRANTED)
        if isinstance(revoked, grants.Applied) and where in world.holding(world.requests[grant.request]):
            world.save_grant(revoked.grant)


def pass_time(world: World, request: Request) -> None:
    """Let the clock look at *request*: a rung when it is due, at the deadline the end, and nothing early."""
    over = world.now >= request.deadline
    due = {Rung.ASKED: request.ladder.nudge_at, Rung.NUDGED: request.ladder.backup_at}.get(request.rung)
    if request.acknowledged_by is not None or due is None:
        due = request.deadline
    outcome = requests.apply(request, Climb(), now=world.now)
    assert isinstance(outcome, requests.Applied) is (world.now >= due and request.state is State.PENDING)
    if isinstance(outcome, requests.Applied):
        silent = State.UNDELIVERABLE if request.delivered_at is None else State.TIMED_OUT
        assert outcome.request.state is (silent if over else State.PENDING)
        assert outcome.request.rung is (Rung.DEFAULTED if over else Rung(request.rung + 1))
        world.save(outcome.request, cause="clock")


def lapse_one(world: World, grant: Grant) -> None:
    """Let the clock look at *grant*: time ends it when it is due, and never in success."""
    at = {
        GrantState.GRANTED: grant.expires_at,
        GrantState.CLAIMED: (grant.claimed_at or grant.granted_at) + timedelta(minutes=10),
    }.get(grant.state)
    outcome = grants.apply(grant, Lapse(), now=world.now)
    assert isinstance(outcome, grants.Applied) is (at is not None and world.now >= at)
    if isinstance(outcome, grants.Applied):
        unclaimed = grant.state is GrantState.GRANTED
        assert outcome.grant.state is (GrantState.EXPIRED if unclaimed else GrantState.UNKNOWN)
        world.save_grant(outcome.grant)
