"""Whatever is deleted, emptied or mistyped in the shipped configuration: nothing becomes approvable by it."""

import copy
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.config import ConfigurationProblems, load
from escalation.action import Json
from escalation.authority import Account, Authority, Terms
from escalation.configuration import Agent, Configuration
from escalation.ids import AgentName
from escalation.policy import Allow, Ask, Deny, Facts, evaluate

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 11, 21)
MANIFEST = "agents/bank_reconciliation/manifest.yaml"
AGENT, ACTION = AgentName("bank-reconciliation"), "ledger.post"
RUNBOOK = "runbooks/bank-reconciliation.md"

AMOUNTS: tuple[Json, ...] = (
    *("0.001", "49.999", "50", "50.000", "4999.999", "5000", "999999999.999"),
    *("0", "-1", "1e3", "1000000000", "50\n", "٤٩", "", "abc", " 7"),
    *(7, -7, 7.5, True, None, [], {}),
)
CONFIDENCES = (None, 0.0, 0.94, 0.95, 1.0)
ARGUMENTS: dict[str, Json] = {
    "kind": "bank_fee",
    "account": "Expenses:Bank-Charges",
    "side": "debit",
    "against": "Assets:Bank:Operating",
    "amount": "1.000",
    "currency": "OMR",
    "memo": "Fee",
    "booking_date": "2026-10-31",
    "value_date": "2026-10-31",
    "statement_ref": "FT1",
    "ledger_ref": "",
    "instructed": "",
}
#: Each of these in place of, or beside, the honest argument: what a lost limit would let through.
ODD: tuple[dict[str, Json], ...] = (
    {},
    {"kind": "payment"},
    {"kind": "gift"},
    {"kind": 7},
    {"currency": "USD"},
    {"currency": ""},
    {"account": "Assets:Cash"},
    {"side": "both"},
    {"against": "Assets:Cash"},
    {"memo": 7},
    {"statement_ref": ["FT1"]},
    {"booking_date": "soon"},
    {"extra": "1"},
)
ACCOUNTS = tuple(
    Account(team, user)
    for team in ("T01ANDON", "T02OTHER")
    for user in ("U01SALMA", "U02KHALID", "U03MARYAM", "U04YUSUF", "U05NADIA", "U06OMAR")
)
CROWDS = ((), *combinations(ACCOUNTS, 1), *combinations(ACCOUNTS, 2), ACCOUNTS)

Key = tuple[str | int, ...]
Crowd = tuple[Account, ...]
Thing = tuple[Any, ...]  #: What could be approved; last, the accounts by which.


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change of one file's values."""

    file: str
    key: Key
    kind: str  #: Deleted, emptied or mistyped.
    name: str
    values: Any  #: All of the file's values, after the change.


@cache
def shipped(file: str) -> Any:
    """Return the values of *file* as it is shipped; of a runbook its front matter."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return yaml.safe_load(text.split("---\n")[1] if file.endswith(".md") else text)


def keys(values: Any, path: Key = ()) -> Iterator[Key]:
    """Yield the path of every key, and of every item of a list."""
    if isinstance(values, dict | list):
        for key, child in values.items() if isinstance(values, dict) else enumerate(values):
            yield (*path, key)
            yield from keys(child, (*path, key))


def at(values: Any, path: Key) -> Any:
    for part in path:
        values = values[part]
    return values


def mutations(file: str) -> Iterator[Mutation]:
    """Yield *file* with each key deleted, emptied and mistyped, one change at a time."""
    for key in keys(shipped(file)):
        for kind, name, values in _changes(file, key):
            yield Mutation(file, key, kind, name, values)


def _changes(file: str, key: Key) -> Iterator[tuple[str, str, Any]]:
    old, last = at(shipped(file), key), key[-1]
    for kind, values in (("emptied", _empty(old)), ("mistyped", _mistyped(old))):
        for value in values:
            yield kind, f"= {value!r}", _with(file, key, partial(_put, key=last, value=value))
    yield "deleted", "gone", _with(file, key, lambda around: around.__delitem__(last))
    if isinstance(last, str):
        yield (
            "mistyped",
            f"called {last}x",
            _with(file, key, lambda around: _rename(around, last, f"{last}x")),
        )


def _empty(old: object) -> tuple[object, ...]:
    empty: dict[type, tuple[object, ...]] = {dict: ({},), list: ([],), str: ("",)}
    return (*empty.get(type(old), ()), None)


def _mistyped(old: object) -> tuple[object, ...]:
    # A word without its end may be another word: 0.9 for 0.95. Nothing in a file tells that from a decision.
    words = (f"{old}x", old[1:]) if isinstance(old, str) else ()
    others = [other for other in (7, "x", ["x"], {"x": "x"}) if type(other) is not type(old)]
    return (*words, *others[:2])


def _with(file: str, key: Key, change: Callable[[Any], None]) -> Any:
    values = copy.deepcopy(shipped(file))
    change(at(values, key[:-1]))
    return values


def _put(around: Any, *, key: str | int, value: object) -> None:
    around[key] = value


def _rename(around: dict[str, Any], old: str, new: str) -> None:
    renamed = {new if name == old else name: value for name, value in around.items()}
    around.clear()
    around.update(renamed)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the shipped files."""
    root = tmp_path_factory.mktemp("shipped")
    for file in ("andon.yaml", MANIFEST, RUNBOOK):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, root / file)
    return root


def load_with(site: Path, mutation: Mutation) -> Configuration | None:
    """Return the configuration with *mutation* in it, or nothing where it is refused; put the file back."""
    path = site / mutation.file
    before = path.read_bytes()
    text = yaml.dump(mutation.values, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    if mutation.file.endswith(".md"):
        text = f"---\n{text}---\n{before.decode().split('---', 2)[2]}"
    path.write_text(text, encoding="utf-8")
    try:
        return load(site / "andon.yaml", today=TODAY).configuration
    except ConfigurationProblems:
        return None
    finally:
        path.write_bytes(before)


def approvable(configuration: Configuration) -> set[Thing]:
    """Return everything that the agent could get approved: what, how sure it is, and by which accounts."""
    agent = configuration.agents.get(AGENT)
    if agent is None:
        return set()
    answers = {("answer", crowd) for crowd in _sufficient(configuration, agent, agent.questions)}
    return answers | {
        (*case, crowd)
        for case, arguments in cases()
        for crowd in _who(configuration, agent, arguments, confidence=case[-1])
    }


@cache
def cases() -> tuple[tuple[tuple[object, float | None], Mapping[str, Json]], ...]:
    """Return what may be asked: the honest arguments with each amount and each oddity, and without each."""
    varied = [ARGUMENTS | {"amount": amount} for amount in AMOUNTS]
    varied += [ARGUMENTS | odd for odd in ODD]
    varied += [{name: value for name, value in ARGUMENTS.items() if name != gone} for gone in ARGUMENTS]
    return tuple(((repr(it), confidence), it) for it in varied for confidence in CONFIDENCES)


def _who(
    configuration: Configuration, agent: Agent, arguments: Mapping[str, Json], *, confidence: Any
) -> Iterable[Crowd]:
    action = agent.actions.get(ACTION)
    if action is None or action.misfit(arguments) is not None:
        return ()
    facts = Facts(
        args=arguments, confidence=confidence, agent=agent.name, function=agent.function, action=ACTION
    )
    match evaluate(action.policy, facts):
        case Allow():
            return CROWDS
        case Ask(terms=terms):
            return _sufficient(configuration, agent, terms)
        case Deny():
            return ()


def _sufficient(configuration: Configuration, agent: Agent, terms: Terms) -> list[Crowd]:
    authority = Authority(directory=configuration.directory, terms=(terms,), owners=frozenset({agent.owner}))
    return [crowd for crowd in CROWDS if authority.suffices(_people(configuration, crowd))]


def _people(configuration: Configuration, crowd: Crowd) -> list[Any]:
    found = (configuration.directory.whose(account) for account in crowd)
    return [person.id for person in found if person is not None]


def resumable(configuration: Configuration) -> frozenset[Account]:
    """Return the accounts that may resume what was stopped."""
    operators = configuration.directory.members(configuration.operators)
    return frozenset(
        account for account in ACCOUNTS for id_ in _people(configuration, (account,)) if id_ in operators
    )


@pytest.mark.parametrize("kind", ["deleted", "emptied", "mistyped"])
@pytest.mark.parametrize("file", ["andon.yaml", MANIFEST, RUNBOOK])
@pytest.mark.timeout(900)  # hundreds of configurations, each tried with every crowd
def test_no_slip_makes_anything_approvable(site: Path, file: str, kind: str) -> None:
    """Each key deleted, emptied or mistyped is refused, or approves and resumes nothing more than before."""
    honest = load(site / "andon.yaml", today=TODAY).configuration
    before, operators = approvable(honest), resumable(honest)
    slips = [slip for slip in mutations(file) if slip.kind == kind and not _is_whole_rule(slip)]
    assert len(slips) > 5

    refused = 0
    for slip in slips:
        configuration = load_with(site, slip)
        if configuration is None:
            refused += 1
            continue
        assert approvable(configuration) <= before, (slip.key, slip.name)
        assert resumable(configuration) <= operators, (slip.key, slip.name)
    assert refused > len(slips) / 4


def test_a_lost_rule_lets_nothing_run_alone(site: Path) -> None:
    """What a lost rule had the say over is asked of others or denied; nothing new runs without asking."""
    honest = load(site / "andon.yaml", today=TODAY).configuration
    lost = [slip for slip in mutations(MANIFEST) if _is_whole_rule(slip) and slip.kind == "deleted"]
    assert len(lost) == 3

    for slip in lost:
        configuration = load_with(site, slip)
        assert configuration is not None
        assert {thing[:-1] for thing in approvable(configuration)} <= {
            thing[:-1] for thing in approvable(honest)
        }
        assert alone(configuration) <= alone(honest)


def test_the_grid_tells_configurations_apart(site: Path) -> None:
    """What the honest configuration approves: a fee alone, more with a manager, most with two directors."""
    honest = load(site / "andon.yaml", today=TODAY).configuration
    salma, khalid, maryam, yusuf, nadia, omar, *_ = ACCOUNTS

    assert who(honest, "49.999", 0.95) == set(CROWDS)
    assert (salma,) in who(honest, "49.999", 0.94)
    assert who(honest, "4999.999", None) == {crowd for crowd in CROWDS if {salma, khalid} & {*crowd}}
    assert who(honest, "5000", 1.0) == {crowd for crowd in CROWDS if {maryam, yusuf} <= {*crowd}}
    assert not {crowd for crowd in who(honest, "5000", 1.0) if {*crowd} <= {salma, nadia, omar}}
    assert who(honest, "-1", 1.0) == set()
    assert who(honest, "50\n", 1.0) == set()


def who(configuration: Configuration, amount: str, confidence: float | None) -> set[Crowd]:
    """Return the crowds that can approve a fee of *amount*."""
    asked = repr(ARGUMENTS | {"amount": amount})
    return {thing[-1] for thing in approvable(configuration) if thing[:-1] == (asked, confidence)}


def alone(configuration: Configuration) -> set[Thing]:
    """Return what runs without being asked: what nobody at all can approve."""
    return {thing for thing in approvable(configuration) if not thing[-1]}


def _is_whole_rule(slip: Mutation) -> bool:
    return slip.file == MANIFEST and slip.key[-2:-1] == ("rules",)
