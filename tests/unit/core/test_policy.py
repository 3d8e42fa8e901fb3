"""Which rule has the say, and that doubt is never permission."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from escalation.action import Json
from escalation.errors import InvalidConfiguration
from escalation.policy import (
    Allow,
    Ask,
    CannotEvaluate,
    Condition,
    Deny,
    Facts,
    Policy,
    Rule,
    Then,
    decimal,
    evaluate,
)
from tests.unit.core.kit import terms


def facts(args: Mapping[str, Json] | None = None, *, confidence: float | None = 0.9) -> Facts:
    return Facts(
        args={"amount": "49.90"} if args is None else args,
        confidence=confidence,
        agent="bank-reconciliation",
        function="finance",
        action="ledger.post",
    )


def rule(name: str, when: str | None, then: Then, *approvers: str, quorum: int = 1) -> Rule:
    return Rule(
        name=name,
        when=None if when is None else Condition(when),
        then=then,
        terms=terms(*approvers, quorum=quorum) if then is Then.ASK else None,
        sla=timedelta(minutes=15) if then is Then.ASK else None,
    )


SMALL = rule("small", "decimal(args.amount) < 50.0", Then.ALLOW)
MIDDLE = rule("middle", "decimal(args.amount) < 5000.0", Then.ASK, "treasury")
LARGE = rule("large", "decimal(args.amount) < 100000.0", Then.ASK, "treasury", quorum=2)
NEVER = rule("never", None, Then.DENY)
POLICY = Policy(rules=(SMALL, MIDDLE, LARGE, NEVER))


@pytest.mark.parametrize(
    ("amount", "name"),
    [
        ("0", "small"),
        ("-100", "small"),
        ("49.99", "small"),
        ("49.9999999999999", "small"),  # 15 digits
        ("50", "middle"),
        ("50.00", "middle"),
        (50, "middle"),
        (49.99, "small"),
        ("4999.99", "middle"),
        ("5000.00", "large"),
        ("99999.99", "large"),
        ("100000", "never"),
    ],
)
def test_the_first_rule_that_holds_decides(amount: Json, name: str) -> None:
    """Rules are tried in order: below 50 it runs, below 5,000 one decides, below 100,000 two, else nobody."""
    expected = {
        "small": Allow(rule="small"),
        "middle": Ask(rule=MIDDLE, terms=terms("treasury")),
        "large": Ask(rule=LARGE, terms=terms("treasury", quorum=2)),
        "never": Deny(rule="never", why="rule 'never' denies it"),
    }

    assert evaluate(POLICY, facts({"amount": amount})) == expected[name]


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"Amount": "10"},
        {"amount": None},
        {"amount": True},
        {"amount": "ten"},
        {"amount": ""},
        {"amount": "NaN"},
        {"amount": "-Infinity"},
        {"amount": []},
        {"amount": {"value": 1}},
        {"amount": "49.99999999999999"},  # 16 digits: a double cannot tell them apart any more
        {"amount": "1_0"},
        {"amount": " 10"},
        {"amount": "10\n"},
        {"amount": "１0"},
        {"amount": "0x10"},
        {"amount": "1e"},
        {"amount": ".5"},
        {"amount": "5."},
        {"amount": "1e-400"},  # a double would say 0
    ],
)
def test_a_rule_without_an_answer_denies(args: dict[str, Json]) -> None:
    """What the first rule cannot evaluate is denied there and then: no later rule is asked."""
    verdict = evaluate(Policy(rules=(SMALL, rule("anything", None, Then.ALLOW))), facts(args))

    assert isinstance(verdict, Deny)
    assert verdict.rule == "small"
    assert verdict.why.startswith("rule 'small' could not be evaluated: ")


def test_no_rule_denies() -> None:
    """What no rule allows is denied: an emptied policy allows nothing."""
    silence = Deny(rule="(none)", why="no rule matched, and what no rule allows is denied")

    assert evaluate(Policy(rules=()), facts()) == silence
    assert evaluate(Policy(rules=(SMALL, MIDDLE)), facts({"amount": "5000"})) == silence


@pytest.mark.parametrize(
    "emptied",
    [
        replace(MIDDLE, terms=None),
        replace(MIDDLE, terms=terms()),
        replace(MIDDLE, terms=terms("treasury", quorum=0)),
        replace(MIDDLE, terms=terms("treasury", quorum=-1)),
        replace(MIDDLE, terms=terms(quorum=2)),
    ],
)
def test_asking_nobody_denies(emptied: Rule) -> None:
    """A rule that asks, but names nobody or needs nobody, never lets anything through."""
    assert evaluate(Policy(rules=(emptied, rule("rest", None, Then.ALLOW))), facts()) == Deny(
        rule="middle", why="rule 'middle' names nobody to ask"
    )


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("true", "yes"),
        ("args.amount == '49.90'", "yes"),
        ("decimal(args.amount) == 49.9", "yes"),
        ("agent == 'bank-reconciliation' && business_function == 'finance'", "yes"),
        ("action == 'ledger.post'", "yes"),
        ("action.startsWith('mail.')", "no"),
        ("confidence >= 0.9", "yes"),
        ("confidence > 0.9", "no"),
        ("has(args.iban)", "no"),
        ("!has(args.iban) || args.iban.startsWith('SA')", "yes"),
        ("'amount' in args", "yes"),
        ("size(args) == 1", "yes"),
        ("args.amount.matches('^[0-9.]+$') ? true : false", "yes"),
        ("[1, 2].all(x, x > 0)", "yes"),
        ("['4400', '4401'].exists(known, known == args.amount)", "no"),
    ],
)
def test_a_condition_sees_the_facts(condition: str, holds: str) -> None:
    """Arguments, confidence, agent, function and type of action are what a rule may look at."""
    assert Condition(condition).holds(facts()) is (holds == "yes")


def test_no_confidence_is_no_confidence() -> None:
    """An agent that does not say how sure it is counts as not sure at all."""
    assert Condition("confidence < 0.001").holds(facts(confidence=None))
    assert not Condition("confidence > 0.0").holds(facts(confidence=None))


def test_every_line_can_be_compared() -> None:
    """A rule over a list looks at each member, and one bad member is enough."""
    small = Condition("args.lines.all(line, decimal(line.amount) < 50.0)")

    assert small.holds(facts({"lines": [{"amount": "49.99"}, {"amount": "0.01"}]}))
    assert not small.holds(facts({"lines": [{"amount": "0.01"}, {"amount": "50.00"}]}))
    with pytest.raises(CannotEvaluate):
        small.holds(facts({"lines": [{"amount": "0.01"}, {"amont": "50.00"}]}))


@pytest.mark.parametrize(
    ("condition", "args"),
    [
        ("args.amount < 50", {"amount": "49"}),  # a string is no number
        ("args.amount + 1 < 50", {"amount": "1"}),
        ("args.n / 0 > 1", {"n": 1}),
        ("args.n * 9223372036854775807 > 1", {"n": 2}),  # beyond 64 bits
        ("args.a.b.c == 1", {"a": {"b": 1}}),
        ("args.list[7] == 1", {"list": [1]}),
        ("args.a && true", {"a": "true"}),
        ("int(args.a) < 50", {"a": "4x"}),
        ("args.a", {"a": 1}),  # yields an integer
        ("args.a", {"a": "true"}),
        ("args.a", {"a": None}),
        ("args", {}),
        ("agent", {}),
        ("[1].all(x, misspelt > 0)", {}),  # what is unknown inside a comprehension shows when it runs
    ],
)
def test_anything_but_true_or_false_is_doubt(condition: str, args: dict[str, Json]) -> None:
    """An error of the evaluator, or a value that is neither true nor false, is no answer."""
    with pytest.raises(CannotEvaluate) as caught:
        Condition(condition).holds(facts(args))

    assert str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 200


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("", "is no CEL expression"),
        ("args.amount <", "is no CEL expression"),
        ("args.amount < 50 then allow", "is no CEL expression"),
        ("now() > 0", "calls 'now', which rules do not know"),
        ("duration('1h') > duration('1m')", "calls 'duration', which rules do not know"),
        ("amount < 50", "uses 'amount'; rules know action, agent, args, business_function, confidence"),
        ("arg.amount < 50", "uses 'arg'; rules know"),
        ("function == 'finance'", "is no CEL expression"),  # CEL keeps this word for itself
        ("decimal(args.a) + 0.1 < 0.3", "calculates with decimals; compare them only"),
        ("decimal(args.a) * 1.2 < 50.0", "calculates with decimals; compare them only"),
        ("-decimal(args.a) < 50.0", "calculates with decimals; compare them only"),
    ],
)
def test_a_condition_that_makes_no_sense_is_not_loaded(condition: str, problem: str) -> None:
    """A typo shows when the rules are loaded, with what is wrong, not when money moves."""
    with pytest.raises(InvalidConfiguration) as caught:
        Condition(condition)

    assert str(caught.value).startswith(f"{condition!r} ")
    assert problem in str(caught.value)


def test_a_condition_is_its_source() -> None:
    """Two conditions that read alike are alike, so that rules can be compared."""
    assert Condition("args.a == 1") == Condition("args.a == 1")
    assert Condition("args.a == 1") != Condition("args.a == 2")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("0", 0.0),
        ("-0", 0.0),
        ("+7.5", 7.5),
        ("0050.00", 50.0),
        ("50." + "0" * 60, 50.0),  # zeros at the end are no digits that count
        ("999999999999.99", 999999999999.99),  # 14 digits
        ("1234567890.12345", 1234567890.12345),  # 15
        ("123456789012345", 123456789012345.0),  # 15
        ("1" + "0" * 15, 1e15),
        ("1e15", 1e15),
        ("1E-15", 1e-15),
        ("1.5e+3", 1500.0),
        (7, 7.0),
        (0.1, 0.1),
        (-2.5e-3, -0.0025),
    ],
)
def test_a_decimal_is_read_exactly(value: object, read: float) -> None:
    """Up to 15 digits, of a string or a number, there is no rounding that a comparison could see."""
    assert decimal(value) == read


@pytest.mark.parametrize(
    "value",
    [
        "1234567890.123456",  # 16 digits
        "1234567890123456",
        "49.999999999999999",  # 17: as a double it would be 50
        "49." + "9" * 40,  # 42: would be 50 also after rounding to 28
        "50." + "0" * 40 + "1",  # 43: more than 50, and would be 50
        "9" * 5000,
        "1e16",
        "1e-16",
        "1e9999999",
        "1e" + "9" * 50,
        10**16,
        0.1 + 0.2,  # 0.30000000000000004 has 17 digits
        *("", "abc", "1,5", "1_000", " 1", "1 ", "1\n", "１", "٣", "--1", "1e", ".5", "5.", "0x1F", "1/2"),
        *("nan", "NaN", "inf", "-Infinity", float("nan"), float("inf")),
    ],
)
def test_what_is_not_exact_is_not_read(value: object) -> None:
    """Too many digits, or a spelling that another reader could read otherwise, is refused, never rounded."""
    with pytest.raises(ValueError, match=r"^decimal\(\) "):
        decimal(value)


@pytest.mark.parametrize("value", [True, False, None, [], {}, b"1", Decimal(1)])
def test_what_is_no_number_is_not_read(value: object) -> None:
    """Only strings and numbers are read; true is not 1."""
    with pytest.raises(TypeError, match="takes a string or a number"):
        decimal(value)


exact = st.builds(
    lambda digits, places: f"{Decimal(digits).scaleb(-places):f}",
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.integers(0, 14),
)


@settings(deadline=None)
@given(exact, exact)
def test_decimals_keep_their_order(one: str, other: str) -> None:
    """Comparing what is read says the same as comparing the decimals that were written."""
    assert (decimal(one) < decimal(other)) is (Decimal(one) < Decimal(other))
    assert (decimal(one) == decimal(other)) is (Decimal(one) == Decimal(other))


@settings(deadline=None)
@given(st.text("0123456789.-+eE_ ", max_size=40))
def test_a_decimal_is_exact_or_refused(text: str) -> None:
    """Whatever is written: either the double that is read prints the same number, or it is refused."""
    try:
        read = decimal(text)
    except ValueError:
        return
    assert Decimal(repr(read)) == Decimal(text)


any_rule = st.builds(
    rule,
    st.sampled_from(["one", "two"]),
    st.sampled_from([None, "true", "false", "decimal(args.amount) < 50.0", "decimal(args.amount) >= 50.0"]),
    st.sampled_from(Then),
    st.just("treasury"),
    quorum=st.integers(1, 2),
)
any_policy = st.builds(lambda rules: Policy(rules=tuple(rules)), st.lists(any_rule, min_size=1, max_size=4))
amounts = st.sampled_from(["0", "49.99", "50", "77"])


@settings(deadline=None)
@given(policy=any_policy, at=st.integers(0, 3), amount=amounts)
def test_a_mistyped_condition_never_widens(policy: Policy, at: int, amount: str) -> None:
    """If a condition stops making sense, each action is judged as before, or denied."""
    assume(at < len(policy.rules))
    rules = list(policy.rules)
    rules[at] = replace(rules[at], when=Condition("decimal(args.amuont) < 50.0"))
    before = evaluate(policy, facts({"amount": amount}))
    after = evaluate(Policy(rules=tuple(rules)), facts({"amount": amount}))

    assert isinstance(after, Deny) or after == before


@settings(deadline=None)
@given(policy=any_policy, at=st.integers(0, 3), amount=amounts)
def test_emptied_terms_never_widen(policy: Policy, at: int, amount: str) -> None:
    """If a rule loses its approvers or its quorum, each action is judged as before, or denied."""
    assume(at < len(policy.rules))
    before = evaluate(policy, facts({"amount": amount}))
    for lost in (None, terms(), terms("treasury", quorum=0)):
        rules = list(policy.rules)
        rules[at] = replace(rules[at], terms=lost)
        after = evaluate(Policy(rules=tuple(rules)), facts({"amount": amount}))
        assert isinstance(after, Deny) or after == before


@settings(deadline=None)
@given(policy=any_policy, keep=st.integers(0, 3), amount=amounts)
def test_a_policy_cut_short_never_widens(policy: Policy, keep: int, amount: str) -> None:
    """If the end of the rules is lost, each action is judged as before, or denied."""
    before = evaluate(policy, facts({"amount": amount}))
    after = evaluate(Policy(rules=policy.rules[:keep]), facts({"amount": amount}))

    assert isinstance(after, Deny) or after == before


@pytest.mark.parametrize("value", ["hunter2", "1" * 40, "12,50"])
def test_what_cannot_be_compared_is_not_quoted(value: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The value may be one that the manifest hides: neither the reason nor a log says it."""
    policy = Policy(rules=(rule("small", 'decimal(args.amount) < decimal("5")', Then.ALLOW),))
    verdict = evaluate(policy, facts({"amount": value}))

    assert isinstance(verdict, Deny)
    assert "decimal()" in verdict.why
    assert value not in f"{verdict.why}{capfd.readouterr()}"


def test_facts_that_cannot_be_taken_are_denied() -> None:
    """Arguments that the evaluator cannot read never match a rule that allows."""
    unreadable: Mapping[str, Json] = {"amount": {1, 2}}  # type: ignore[dict-item]  # what no JSON can hold
    verdict = evaluate(POLICY, facts(unreadable))

    assert isinstance(verdict, Deny)
    assert verdict.why.startswith("rule 'small' could not be evaluated: ")
