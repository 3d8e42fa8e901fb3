"""Rules that a configuration may hold one after the other, and in plain words what each of them means."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Literal, TypeAlias

from escalation.configuration import ActionType, Agent, Configuration, Times
from escalation.ids import PersonId
from escalation.policy import Condition, Policy, Rule, Then
from tests.unit.core.kit import BANK, KHALID, NOURA, OPERATOR, OWNER, SALMA, terms, without

Says: TypeAlias = Literal["allow", "ask", "deny"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a rulebook means, written down by hand: the tests' own word against the code's."""

    says: Says
    who: frozenset[PersonId] = frozenset()
    quorum: int = 1


TEAM = frozenset({SALMA, KHALID, NOURA, OWNER})
OPERATORS = frozenset({OPERATOR, SALMA})
MEANING: dict[str, Meaning] = {
    "one of the team": Meaning("ask", TEAM, 1),
    "two of the team": Meaning("ask", TEAM, 2),
    "three of the team": Meaning("ask", TEAM, 3),
    "the board or Khalid": Meaning("ask", frozenset({NOURA, OPERATOR, KHALID}), 1),
    "alone": Meaning("allow"),
    "never": Meaning("deny"),
    "mistyped": Meaning("deny"),
    "names nobody": Meaning("deny"),
    "needs nobody": Meaning("deny"),
    "lost": Meaning("deny"),
    "no such agent": Meaning("deny"),
}
QUESTIONS = Meaning("ask", TEAM, 1)


def _ask(*approvers: str, quorum: int = 1, when: str | None = None) -> tuple[Rule, ...]:
    condition = None if when is None else Condition(when)
    return (Rule(name="people", when=condition, then=Then.ASK, terms=terms(*approvers, quorum=quorum)),)


_RULES: dict[str, tuple[Rule, ...]] = {
    "one of the team": _ask("treasury"),
    "two of the team": _ask("treasury", quorum=2, when="decimal(args.amount) < 1000000.0"),
    "three of the team": _ask("treasury", quorum=3),
    "the board or Khalid": _ask("board", "khalid"),
    "alone": (Rule(name="small", when=Condition("decimal(args.amount) >= 0.0"), then=Then.ALLOW),),
    "never": (Rule(name="never", when=None, then=Then.DENY),),
    # What cannot be evaluated ends there: the rule behind it would let everything through.
    "mistyped": (
        *_ask("treasury", when="decimal(args.amuont) < 1000000.0"),
        Rule(name="the rest", when=None, then=Then.ALLOW),
    ),
    "names nobody": _ask(),
    "needs nobody": _ask("treasury", quorum=0),
    "lost": (),
    "no such agent": (),
}


@cache
def configuration(book: str, owner: PersonId, gone: frozenset[PersonId]) -> Configuration:
    """Return the configuration with the rules of *book*, after *gone* left."""
    posting = ActionType(
        type="ledger.post",
        schema={},
        misfit=lambda _: None,
        reversible=True,
        display=(),
        redact=frozenset(),
        policy=Policy(rules=_RULES[book]),
    )
    bank = Agent(
        name=BANK,
        function="finance",
        owner=owner,
        backup=NOURA,
        runbook="bank",
        runbook_url=None,
        actions={posting.type: posting},
        questions=terms("treasury"),
        questions_channel=None,
    )
    return Configuration(
        version=f"{book}, {owner}, without {sorted(gone)}",
        tenant="T01",
        directory=without(*gone),
        operators=("fahad", "salma"),
        agents={} if book == "no such agent" else {BANK: bank},
        alerts_channel="C_ALERTS",
        audit_channel=None,
        times=Times(sla=timedelta(minutes=15), grant=timedelta(minutes=10), report=timedelta(minutes=10)),
    )
