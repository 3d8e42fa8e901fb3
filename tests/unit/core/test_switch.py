"""The kill switch: what a stop covers, and who may let go of it."""

from dataclasses import replace

import pytest

from escalation.errors import InvalidConfiguration
from escalation.ids import AgentName, PersonId
from escalation.reason import Reason, Refused
from escalation.switch import (
    EVERYTHING,
    Applied,
    Scope,
    ScopeKind,
    Stop,
    Switch,
    covering,
    in_doubt,
    pull,
    release,
    scope,
)
from tests.unit.core.kit import BANK, NOON, OPERATOR, SALMA, STRANGER

NOBODY: frozenset[PersonId] = frozenset()
OPERATORS = frozenset({SALMA, OPERATOR})
RUNNING = Switch(scope=EVERYTHING)
STOPPED = replace(RUNNING, stop=Stop(by=SALMA, at=NOON, reason="wrong IBANs"), version=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all", EVERYTHING),
        ("  all ", EVERYTHING),
        ("agent:bank", Scope(ScopeKind.AGENT, "bank")),
        ("function:finance", Scope(ScopeKind.FUNCTION, "finance")),
        ("action:ledger.post", Scope(ScopeKind.ACTION, "ledger.post")),
        (" action:a:b ", Scope(ScopeKind.ACTION, "a:b")),
    ],
)
def test_a_scope_is_read_as_it_is_written(text: str, expected: Scope) -> None:
    """Each way of writing a scope means one scope, and writing that again gives the same text."""
    assert scope(text) == expected
    assert scope(str(expected)) == expected
    assert str(scope(text)) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "ALL",
        "all:",
        "all:bank",
        "agent",
        "agent:",
        "agent: ",
        "team:treasury",
        "everything",
        ":bank",
    ],
)
def test_what_is_no_scope_stops_nothing_by_guesswork(text: str) -> None:
    """A misspelt scope is refused with the ways to write one: a stop never covers less than was meant."""
    with pytest.raises(InvalidConfiguration, match="write all, agent:NAME, function:NAME or action:TYPE"):
        scope(text)


def test_four_stops_cover_an_action_and_three_a_question() -> None:
    """An agent is held by a stop of everything, its function, itself, or the type of what it does."""
    wide = {EVERYTHING, scope("function:finance"), scope(f"agent:{BANK}")}

    assert set(covering(agent=BANK, function="finance", action_type=None)) == wide
    held = covering(agent=BANK, function="finance", action_type="ledger.post")
    assert set(held) == wide | {scope("action:ledger.post")}


def test_the_same_name_in_another_kind_is_another_scope() -> None:
    """Stopping an agent called as a function is called does not stop the function."""
    held = covering(agent=AgentName("finance"), function="treasury", action_type=None)

    assert scope("agent:finance") in held
    assert scope("function:finance") not in held


def test_pulling_stops_and_says_who() -> None:
    """A stop is on the switch with its author, its instant and its reason."""
    stop = Stop(by=SALMA, at=NOON, reason="wrong IBANs")

    assert pull(RUNNING, stop) == Applied(Switch(scope=EVERYTHING, stop=stop, version=2))


def test_what_nobody_can_read_counts_as_stopped() -> None:
    """Where nobody can tell whether it was let go of, a switch is stopped, and by nobody whom we know."""
    doubtful = in_doubt(EVERYTHING, since=NOON, version=3)

    assert (doubtful.scope, doubtful.version) == (EVERYTHING, 3)
    assert doubtful.stop == Stop(by=PersonId("nobody"), at=NOON, reason="its switch cannot be read")


@pytest.mark.parametrize("by", [SALMA, OPERATOR])
def test_the_first_stop_stands(by: PersonId) -> None:
    """Stopping again changes nothing: else its author could become somebody who may resume it."""
    assert pull(STOPPED, Stop(by=by, at=NOON, reason="me too")) == Refused(
        Reason.ALREADY_STOPPED, f"by {SALMA}"
    )


def test_a_different_operator_resumes() -> None:
    """Two pairs of eyes: an operator who did not pull the stop may let go of it."""
    assert release(STOPPED, by=OPERATOR, operators=OPERATORS) == Applied(Switch(scope=EVERYTHING, version=3))


@pytest.mark.parametrize(
    ("switch", "by", "operators", "why"),
    [
        (STOPPED, SALMA, OPERATORS, Reason.SAME_PERSON_STOPPED),
        (STOPPED, STRANGER, OPERATORS, Reason.NOT_AN_OPERATOR),
        (STOPPED, SALMA, frozenset({OPERATOR}), Reason.NOT_AN_OPERATOR),
        (STOPPED, OPERATOR, NOBODY, Reason.NOT_AN_OPERATOR),  # an emptied list of operators is nobody
        (RUNNING, OPERATOR, OPERATORS, Reason.NOT_STOPPED),
    ],
)
def test_nobody_else_resumes(
    switch: Switch, by: PersonId, operators: frozenset[PersonId], why: Reason
) -> None:
    """The person who stopped it, and whoever is no operator, cannot let go of it."""
    assert release(switch, by=by, operators=operators) == Refused(why)
