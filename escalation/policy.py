"""
Which rule has the say: an action is allowed, asked about, or denied.

The first rule whose condition holds decides. No rule, a condition that cannot be evaluated, or
one that yields anything but true or false: denied. Mistyping a condition, or losing all the
rules, can therefore never widen what is allowed.

Conditions are CEL over ``args`` (the arguments), ``confidence`` (0 to 1; 0 when the agent does
not say), ``agent``, ``business_function`` and ``action`` (the type). ``decimal(x)`` reads an exact decimal
from a string or a number, to compare it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from functools import cache, partial
from typing import TypeAlias

from escalation import cel_library as cel
from escalation.action import Json
from escalation.authority import Terms
from escalation.errors import InvalidConfiguration

# CEL reserves the word "function".
_VARIABLES = frozenset({"args", "confidence", "agent", "business_function", "action"})
_ARITHMETIC = frozenset({"_+_", "_-_", "_*_", "_/_", "_%_", "-_"})
_FUNCTIONS = _ARITHMETIC | {
    *("!_", "_&&_", "_||_", "_?_:_", "_[_]", "@in", "@not_strictly_false"),
    *("_<_", "_<=_", "_>_", "_>=_", "_==_", "_!=_"),
    *("size", "contains", "startsWith", "endsWith", "matches", "lowerAscii", "upperAscii"),
    *("int", "uint", "double", "string", "bool", "decimal"),
}
#: A double tells every decimal of this many digits from every other, and keeps their order.
_EXACT_DIGITS = 15
#: How a decimal is written. Decimal() itself would also read ``1_000``, blanks and other scripts' digits,
#: and whatever runs the action may read those as another number.
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class Then(Enum):
    """What a rule says."""

    ALLOW = "allow"  #: Runs without asking; recorded.
    ASK = "ask"  #: People decide.
    DENY = "deny"  #: Never runs; the agent is told which rule and why.


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a rule may look at."""

    args: Mapping[str, Json]
    confidence: float | None
    agent: str
    function: str
    action: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled CEL expression."""

    source: str
    _program: cel.Program = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            program = cel.compile(self.source)
        except ValueError as error:
            raise InvalidConfiguration(f"{self.source!r} is no CEL expression: {error}") from error
        _check(self.source, program)
        object.__setattr__(self, "_program", program)

    @property
    def variables(self) -> Sequence[str]:
        """The names that it looks at."""
        return self._program.variables()

    def holds(self, facts: Facts) -> bool:
        """Return whether it holds for *facts*; raise ``CannotEvaluate`` in any doubt."""
        return self.holds_in(_context(facts))

    def holds_in(self, context: cel.Context) -> bool:
        """Return whether it holds for the facts in *context*; raise ``CannotEvaluate`` in any doubt."""
        # What an expression can raise is the evaluator's business (KeyError, TypeError,
        # RuntimeError, ZeroDivisionError, …); each of them means: we do not know.
        try:
            result = self._program.execute(context)
        except Exception as error:
            raise CannotEvaluate(_first_line(error)) from error
        if not isinstance(result, bool):
            raise CannotEvaluate(f"yields {type(result).__name__}, not true or false")
        return result


class CannotEvaluate(Exception):
    """A condition has no answer for these facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the policy."""

    name: str
    when: Condition | None  #: No condition: always.
    then: Then
    terms: Terms | None = None  #: For ``ask``: who, and how many.
    sla: timedelta | None = None  #: For ``ask``: within what time.
    channel: str | None = None  #: For ``ask``: where, if not where the first team named is asked.


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of one action type, in order."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """It may run without asking."""

    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """People decide, on these terms."""

    rule: Rule
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """It may not run."""

    rule: str
    why: str


Verdict: TypeAlias = Allow | Ask | Deny


def evaluate(policy: Policy, facts: Facts) -> Verdict:
    """Return what *policy* says of *facts*."""
    # To convert the facts costs more than to evaluate a rule: once for all rules, and only if one looks.
    context = cache(partial(_context, facts))
    for rule in policy.rules:
        try:
            applies = rule.when is None or rule.when.holds_in(context())
        except CannotEvaluate as error:
            return Deny(rule=rule.name, why=f"rule {rule.name!r} could not be evaluated: {error}")
        if applies:
            return _say(rule)
    return Deny(rule="(none)", why="no rule matched, and what no rule allows is denied")


def _say(rule: Rule) -> Verdict:
    if rule.then is Then.ALLOW:
        return Allow(rule=rule.name)
    if rule.then is Then.ASK and rule.terms is not None and rule.terms.approvers and rule.terms.quorum >= 1:
        return Ask(rule=rule, terms=rule.terms)
    if rule.then is Then.ASK:
        return Deny(rule=rule.name, why=f"rule {rule.name!r} names nobody to ask")
    return Deny(rule=rule.name, why=f"rule {rule.name!r} denies it")


def decimal(value: object) -> float:
    """Return *value* so that CEL compares it exactly: a finite decimal of at most 15 digits.

    CEL knows no decimals, only doubles. Up to 15 significant digits a double keeps decimals apart
    and in order, so comparing is exact; beyond that ``49.9999999999999999`` would be 50, and is
    refused instead. Adding and multiplying would round, and is refused when a rule is loaded.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"decimal() takes a string or a number, not {type(value).__name__}")
    text = str(value)
    if _NUMBER.fullmatch(text) is None:
        # Never the value: the manifest may hide it, and this reaches the record and a log.
        raise ValueError('decimal() cannot read this value; it reads texts such as "12.50"')
    # The digits are counted in the text: Decimal.normalize() would round to 28 of them first.
    digits, _, exponent = text.lstrip("+-").lower().partition("e")
    significant = digits.replace(".", "").strip("0")
    if len(significant) > _EXACT_DIGITS or len(exponent) > 4 or abs(Decimal(text).adjusted()) > _EXACT_DIGITS:
        raise ValueError(f"decimal() compares {_EXACT_DIGITS} digits exactly; this value has more")
    return float(text)


def _check(source: str, program: cel.Program) -> None:
    unknown = set(program.functions()) - _FUNCTIONS
    if unknown:
        raise InvalidConfiguration(f"{source!r} calls {min(unknown)!r}, which rules do not know")
    if "decimal" in program.functions() and _ARITHMETIC & set(program.functions()):
        raise InvalidConfiguration(f"{source!r} calculates with decimals; compare them only")
    free = set(program.variables()) - _VARIABLES
    # A comprehension's own variable is listed too; telling them apart is the evaluator's work.
    if free and "@not_strictly_false" not in program.functions():
        known = ", ".join(sorted(_VARIABLES))
        raise InvalidConfiguration(f"{source!r} uses {min(free)!r}; rules know {known}")


def _context(facts: Facts) -> cel.Context:
    variables = {
        "args": facts.args,
        "confidence": 0.0 if facts.confidence is None else float(facts.confidence),
        "agent": facts.agent,
        "business_function": facts.function,
        "action": facts.action,
    }
    try:
        return cel.Context(variables, {"decimal": decimal})
    except Exception as error:
        raise CannotEvaluate(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
