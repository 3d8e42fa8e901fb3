"""What tests of the rules share: a few people, one proposal, one question, and a noon to count from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from escalation import request as requests
from escalation.action import Action, action, digest
from escalation.authority import Account, Authority, Directory, Person, Team, Terms
from escalation.calendar import ALWAYS_OPEN
from escalation.ids import AgentName, DecisionId, IngressId, PersonId, RequestId
from escalation.ladder import ladder
from escalation.reason import Reason, Refused
from escalation.request import Decide, Decision, Question, Request, Ruling, Verdict, Words

#: The smallest step of time.
TICK = timedelta.resolution
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
#: Of a request asked at noon under an SLA of 15 minutes: 15 min x 1/2, x 4/5, x 1.
NUDGE = datetime(2026, 11, 20, 12, 7, 30, tzinfo=UTC)
BACKUP = datetime(2026, 11, 20, 12, 12, 0, tzinfo=UTC)
DEADLINE = datetime(2026, 11, 20, 12, 15, 0, tzinfo=UTC)

SALMA, KHALID, NOURA = PersonId("salma"), PersonId("khalid"), PersonId("noura")
OWNER = PersonId("omar")
OPERATOR = PersonId("fahad")
STRANGER = PersonId("stranger")  #: Nobody in the directory.

BANK = AgentName("bank-reconciliation")
OTHER_AGENT = AgentName("invoice-chaser")


def person(id_: PersonId, *users: str) -> Person:
    accounts = frozenset(Account("T01", user) for user in users or (f"U_{id_.upper()}",))
    return Person(id=id_, name=id_.title(), accounts=accounts)


#: Salma has two accounts. The owner is in the team too: that must not help him.
PEOPLE = {
    SALMA: person(SALMA, "U_SALMA", "U_SALMA_ADMIN"),
    **{id_: person(id_) for id_ in (KHALID, NOURA, OWNER, OPERATOR)},
}
TREASURY = Team(name="treasury", members=frozenset({SALMA, KHALID, NOURA, OWNER}), channel="C_TREASURY")
BOARD = Team(name="board", members=frozenset({NOURA, OPERATOR}), channel="C_BOARD")
DIRECTORY = Directory(people=PEOPLE, teams={"treasury": TREASURY, "board": BOARD})


def without(*gone: PersonId) -> Directory:
    """Return the directory after *gone* left; the teams still name them."""
    return replace(DIRECTORY, people={id_: who for id_, who in PEOPLE.items() if id_ not in gone})


def terms(*approvers: str, quorum: int = 1) -> Terms:
    return Terms(approvers=approvers, quorum=quorum)


def authority(
    *of: Terms, directory: Directory = DIRECTORY, owners: tuple[PersonId, ...] = (OWNER,)
) -> Authority:
    return Authority(directory=directory, terms=of or (terms("treasury"),), owners=frozenset(owners))


ONE = authority()
TWO = authority(terms("treasury", quorum=2))

POSTING: Action = action("ledger.post", {"amount": "49.90", "account": "4400"})
QUESTION = Question(text="Which account?", options=("4400", "4401"), allow_text=False)


def asked(subject: Action | Question = POSTING) -> Request:
    """Return a request as it stands at noon, when it was asked."""
    named = subject.digest if isinstance(subject, Action) else digest({"question": subject.text})
    return Request(
        id=RequestId("req_1"),
        tenant="T01",
        agent=BANK,
        function="finance",
        owner=OWNER,
        subject=subject,
        digest=named,
        words=Words(summary="Post 49.90 to 4400"),
        ruling=Ruling(rule="people decide", version="v1"),
        terms=terms("treasury"),
        channel="C_TREASURY",
        ladder=ladder(NOON, timedelta(minutes=15), ALWAYS_OPEN),
        asked_at=NOON,
        key="line-7",
    )


def decide(
    request: Request, by: PersonId, verdict: Verdict = Verdict.APPROVE, *, text: str | None = None
) -> Decision:
    """Return what *by* decides about *request* as it stands."""
    number = len(request.decisions) + 1
    return Decision(
        id=DecisionId(f"dec_{number}"),
        person=by,
        verdict=verdict,
        digest=request.digest,
        at=NOON,
        ingress=IngressId(f"ing_{number}"),
        text=text,
    )


def approve(by: PersonId, under: Authority = ONE, *, request: Request | None = None) -> Decide:
    return Decide(decision=decide(request or asked(), by), authority=under)


def applied(outcome: requests.Outcome) -> Request:
    """Return the request as *outcome* left it."""
    assert isinstance(outcome, requests.Applied), outcome
    return outcome.request


def refusal(outcome: object) -> Reason:
    """Return why *outcome* changed nothing."""
    assert isinstance(outcome, Refused), outcome
    return outcome.reason
