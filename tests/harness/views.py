"""Requests to draw: a bank reconciliation's proposals and questions, and the people around them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from jsonschema import Draft202012Validator

from bot.wording.view import View
from escalation.action import Json, action, digest
from escalation.authority import Account, Authority, Directory, Person, Team, Terms
from escalation.configuration import ActionType, Agent, Misfit
from escalation.grant import Grant
from escalation.ids import AgentName, DecisionId, GrantId, IngressId, PersonId, RequestId
from escalation.ladder import Ladder
from escalation.policy import Condition, Policy, Rule, Then
from escalation.request import Decision, Evidence, Question, Request, Ruling, Verdict, Words

NOON = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)  #: Noon in Muscat, on a working day.
SALMA, KHALID, MARYAM, NADIA = (PersonId(name) for name in ("salma", "khalid", "maryam", "nadia"))
BANK = AgentName("bank-reconciliation")
REQUEST = RequestId("req_01JD000000000000000000000A")
ARGUMENTS: dict[str, Json] = {
    "account": "2100",
    "amount": "1250.00",
    "currency": "OMR",
    "memo": "Bank fee, October",
}
SCHEMA: dict[str, Json] = {
    "type": "object",
    "required": ["account", "amount", "currency"],
    "properties": {
        "account": {"type": "string", "pattern": "^[0-9]{4}$"},
        "amount": {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2}$"},
        "currency": {"type": "string", "enum": ["OMR", "USD", "EUR"]},
        "memo": {"type": "string", "maxLength": 200},
    },
    "additionalProperties": False,
}


def _person(id_: PersonId, name: str, user: str) -> Person:
    account = Account("T01ANDON", user)
    return Person(id=id_, name=name, accounts=frozenset({account}), time_zone="Asia/Muscat")


PEOPLE = (
    _person(SALMA, "Salma Al Harthi", "U01SALMA"),
    _person(KHALID, "Khalid Al Balushi", "U02KHALID"),
    _person(MARYAM, "Maryam Al Lawati", "U03MARYAM"),
    _person(NADIA, "Nadia Al Kindi", "U05NADIA"),
)
DIRECTORY = Directory(
    people={person.id: person for person in PEOPLE},
    teams={"finance": Team(name="finance", members=frozenset({SALMA, KHALID, NADIA}), channel="C01FINANCE")},
)


def action_type(
    schema: Mapping[str, Json] = SCHEMA, *, redact: frozenset[str] = frozenset(), reversible: bool = True
) -> ActionType:
    """Return ``ledger.post`` as the manifest describes it."""
    validator = Draft202012Validator(schema)

    def misfit(arguments: Mapping[str, Json]) -> Misfit | None:
        error = next(iter(validator.iter_errors(arguments)), None)
        return None if error is None else Misfit(path=error.json_path, problem=error.message)

    rule = Rule(
        name="manager",
        when=Condition("decimal(args.amount) < 5000"),
        then=Then.ASK,
        terms=Terms(approvers=("finance",), quorum=1),
    )
    return ActionType(
        type="ledger.post",
        schema=schema,
        misfit=misfit,
        reversible=reversible,
        display=("amount", "currency", "account"),
        redact=redact,
        policy=Policy(rules=(rule,)),
    )


def agent(type_: ActionType | None = None) -> Agent:
    """Return the bank reconciliation agent."""
    return Agent(
        name=BANK,
        function="finance",
        owner=NADIA,
        backup=MARYAM,
        runbook="bank-reconciliation",
        runbook_url="https://git.example/andon/runbooks/bank-reconciliation.md",
        actions={"ledger.post": type_ or action_type()},
        questions=Terms(approvers=("finance",), quorum=1),
        questions_channel=None,
    )


WORDS = Words(
    summary="Post the bank fee that has no matching entry",
    reasoning="Line 14 of the statement has no entry in the ledger.\nThe text says FEE.",
    confidence=0.81,
    evidence=(Evidence(title="statement line 14", url="https://bank.example/statements/14"),),
    workflow="close-2026-10",
)


def request(arguments: Mapping[str, Json] | None = None, **changes: Any) -> Request:
    """Return a pending proposal to post *arguments*, with *changes*."""
    subject = action("ledger.post", ARGUMENTS if arguments is None else arguments)
    asked = Request(
        id=REQUEST,
        tenant="T01ANDON",
        agent=BANK,
        function="finance",
        owner=NADIA,
        subject=subject,
        digest=subject.digest,
        words=WORDS,
        ruling=Ruling(rule="manager", version="9f86d081884c7d65"),
        terms=Terms(approvers=("finance",), quorum=1),
        channel="C01FINANCE",
        ladder=Ladder(
            nudge_at=NOON + timedelta(minutes=7, seconds=30),
            backup_at=NOON + timedelta(minutes=12),
            deadline=NOON + timedelta(minutes=15),
        ),
        asked_at=NOON,
        key="close:1",
        delivered_at=NOON + timedelta(seconds=1),
    )
    return replace(asked, **changes)


def question(*options: str, allow_text: bool = False, text: str = "Which order?", **changes: Any) -> Request:
    """Return a pending question."""
    asked = Question(text=text, options=options, allow_text=allow_text, tried="Looked in the order list.")
    named = digest({"question": text, "options": list(options)})
    return request(subject=asked, digest=named, **changes)


def decision(person: PersonId, verdict: Verdict, *, minutes: int = 3, text: str | None = None) -> Decision:
    """Return what *person* decided, *minutes* after it was asked."""
    return Decision(
        id=DecisionId(f"dec_{person}"),
        person=person,
        verdict=verdict,
        digest=request().digest,
        at=NOON + timedelta(minutes=minutes),
        ingress=IngressId(f"ing_{person}"),
        text=text,
    )


def grant(**changes: Any) -> Grant:
    """Return the grant of ``request()``."""
    given = Grant(
        id=GrantId("grt_01JD000000000000000000000B"),
        tenant="T01ANDON",
        request=REQUEST,
        agent=BANK,
        digest=request().digest,
        granted_at=NOON + timedelta(minutes=3),
        expires_at=NOON + timedelta(minutes=13),
        report_within=timedelta(minutes=10),
    )
    return replace(given, **changes)


def authority(asked: Request, *terms: Terms, denied: bool = False) -> Authority:
    """Return who may decide *asked*: by its own terms, and *terms* of today."""
    owners = frozenset({asked.owner, NADIA})
    return Authority(directory=DIRECTORY, terms=(asked.terms, *terms), owners=owners, denied=denied)


def view(asked: Request | None = None, **changes: Any) -> View:
    """Return what the card of *asked* is drawn from, three minutes after it was asked."""
    shown = asked or request()
    drawn = View(
        request=shown,
        agent=agent(),
        authority=authority(shown),
        directory=DIRECTORY,
        now=NOON + timedelta(minutes=3),
    )
    return replace(drawn, **changes)
