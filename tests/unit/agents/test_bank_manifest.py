"""The manifest's promises: what the schema lets through, and which rule decides about it."""

import re
import shlex
from collections.abc import Mapping
from datetime import date

import pytest
import yaml
from bank_samples import AGENT, BANK, CHART, TRANSIT, approve, sample
from reconcile import cli
from reconcile.postings.posting import Kind
from reconcile.requests.classifier import RuleClassifier
from reconcile.requests.plan import plan
from reconcile.requests.proposer import Proposer

from bot.config.load import load
from escalation.action import Json
from escalation.ids import AgentName
from escalation.policy import Allow, Ask, Deny, Facts, evaluate

ROOT = AGENT.parents[1]
#: What the bot itself makes of manifest and runbook; loading refuses both when anything is wrong with them.
LOADED = load(ROOT / "andon.yaml", today=date(2026, 11, 2))
ACTION = LOADED.configuration.agents[AgentName("bank-reconciliation")].actions["ledger.post"]
MANIFEST = yaml.safe_load((AGENT / "manifest.yaml").read_text())
SCHEMA = MANIFEST["actions"]["ledger.post"]["schema"]
RUNBOOK = (ROOT / "runbooks" / "bank-reconciliation.md").read_text()

FEE = {
    "kind": "bank_fee",
    "account": "Expenses:Bank-Charges",
    "side": "debit",
    "against": BANK,
    "amount": "4.200",
    "currency": "OMR",
    "memo": "TT CHARGES",
    "booking_date": "2026-10-15",
    "value_date": "2026-10-15",
    "statement_ref": "FT262880005",
    "ledger_ref": "",
    "instructed": "",
}


def fits(**changes: Json) -> bool:
    """Say whether a small fee with *changes* fits the schema."""
    return ACTION.misfit({**FEE, **changes}) is None


def rule_for(confidence: float | None = 0.97, **changes: str) -> str:
    """Return what the manifest's rules say of a small fee with *changes*."""
    args = {**FEE, **changes}
    facts = Facts(
        args=args,
        confidence=confidence,
        agent="bank-reconciliation",
        function="finance",
        action="ledger.post",
    )
    match evaluate(ACTION.policy, facts):
        case Allow(rule=rule):
            return f"allow:{rule}"
        case Ask(rule=asking):
            return f"ask:{asking.name}"
        case Deny():
            return "deny"


def test_the_schema_is_complete() -> None:
    """The arguments' schema names every argument, requires each, and lets no other through."""
    assert SCHEMA["additionalProperties"] is False
    assert set(SCHEMA["required"]) == set(SCHEMA["properties"]) == set(FEE)
    assert fits()
    assert not fits(iban="OM290990000314159265358")
    assert ACTION.misfit({name: value for name, value in FEE.items() if name != "currency"}) is not None


@pytest.mark.parametrize(
    "amount",
    [
        "-4.200", "+4.200", "0", "0.0", "0.000", "00.500", "4.2001", "4.", ".5", "4e0", "1E1", "1,000.000",
        "4 200", " 4.200", "4.200 ", "4.200\n", "\n4.200", "NaN", "Infinity", "0x10", "٤.٢٠٠", "1234567890",
        "", 4.2, 4, None, True, ["4.200"],
    ],
)  # fmt: skip
def test_no_other_amount_gets_in(amount: Json) -> None:
    """An amount is a plain positive decimal in a string: no sign, exponent, zero or line feed."""
    assert not fits(amount=amount)


@pytest.mark.parametrize("amount", ["4.200", "4.2", "4", "0.001", "999999999.999"])
def test_a_person_may_write_an_amount_simply(amount: str) -> None:
    """Up to three decimals are accepted, so that an edit to ``100`` is no trap."""
    assert fits(amount=amount)


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "USD"}, {"currency": "omr"}, {"currency": "OMR\n"}, {"currency": None}, {"kind": "gift"},
        {"account": BANK}, {"account": "Equity:Opening-Balances"}, {"account": "Assets:Mine"},
        {"side": "both"}, {"against": "Assets:Receivables"}, {"memo": "a\nb"}, {"memo": "a\n"},
        {"memo": "\x1b[2J"}, {"memo": "x" * 141}, {"booking_date": "15.10.2026"},
        {"booking_date": "2026-10-15\n"}, {"statement_ref": ""}, {"statement_ref": "x\n"},
        {"instructed": "EUR -1.00 @ 0.42"}, {"instructed": "USD"},
    ],
)  # fmt: skip
def test_nothing_else_gets_in_either(change: Mapping[str, Json]) -> None:
    """Other currencies, accounts, kinds and control characters do not fit."""
    assert not fits(**change)


@pytest.mark.parametrize(
    ("amount", "confidence", "kind", "expected"),
    [
        ("0.001", 0.97, "bank_fee", "allow:small"),
        ("49.999", 0.95, "bank_fee", "allow:small"),
        ("49.999", 0.9499, "bank_fee", "ask:manager"),
        ("49.999", None, "bank_fee", "ask:manager"),
        ("50.000", 0.99, "bank_fee", "ask:manager"),
        ("50", 0.99, "interest", "ask:manager"),
        ("49.999", 0.99, "receipt", "ask:manager"),
        ("49.999", 0.99, "reversal", "ask:manager"),
        ("49.999", 0.99, "duplicate", "ask:manager"),
        ("4999.999", 0.10, "receipt", "ask:manager"),
        ("5000", 0.99, "receipt", "ask:director"),
        ("5000.000", 0.99, "bank_fee", "ask:director"),
        ("999999999.999", 0.99, "receipt", "ask:director"),
    ],
)
def test_the_thresholds_are_exact(amount: str, confidence: float | None, kind: str, expected: str) -> None:
    """Below 50, sure, and a charge, interest or a rest: alone; below 5,000: a manager; else directors."""
    assert rule_for(confidence, amount=amount, kind=kind) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "-4.200"},
        {"amount": "0"},
        {"currency": "USD"},
        {"currency": "KWD", "amount": "1"},
        {"kind": "gift"},
    ],
)
def test_the_rules_hold_without_the_schema_too(change: Mapping[str, str]) -> None:
    """Even if the schema let it through, a sign, a zero or another currency is never allowed alone."""
    assert not rule_for(0.99, **change).startswith("allow")


def test_two_directors_decide_from_five_thousand() -> None:
    """The last rule has no condition, so nothing falls past it, and it needs two."""
    last = ACTION.policy.rules[-1]
    assert last.terms is not None
    assert (last.when, last.terms.approvers, last.terms.quorum) == (None, ("directors",), 2)


def test_silence_never_acts() -> None:
    """A timeout does not act, and a question without an answer stays without one."""
    assert MANIFEST["actions"]["ledger.post"]["on_timeout"] == "do_not_act"
    assert MANIFEST["questions"]["on_timeout"] == "no_answer"


def test_manifest_chart_and_code_name_the_same_things() -> None:
    """The schema's accounts are the chart's, its kinds the code's, and the card's order names arguments."""
    properties = SCHEMA["properties"]
    assert tuple(properties["account"]["enum"]) == CHART.postable
    assert properties["against"]["enum"] == [BANK, TRANSIT]
    assert properties["kind"]["enum"] == [kind.value for kind in Kind]
    assert set(ACTION.display) | ACTION.redact <= set(properties)


@pytest.mark.parametrize("name", ["small", "2026-10"])
def test_everything_the_agent_proposes_fits(name: str) -> None:
    """Each proposal of the shipped months fits the schema as it is sent."""
    month = sample(name)
    proposer = Proposer(CHART, RuleClassifier(CHART, month.ledger), currency="OMR")
    for proposal in plan(month, (), proposer).proposals:
        assert approve(proposal) == "yes"
        sent = {key: str(value) for key, value in proposal.posting.arguments().items()}
        assert ACTION.misfit(sent) is None


def test_the_small_month_meets_every_rule() -> None:
    """The demo's month has an action for each rule: one alone, three for a manager, one for two directors."""
    month = sample("small")
    proposer = Proposer(CHART, RuleClassifier(CHART, month.ledger), currency="OMR")
    said = [
        rule_for(one.confidence, **{key: str(value) for key, value in one.posting.arguments().items()})
        for one in plan(month, (), proposer).proposals
    ]
    assert sorted(said) == ["allow:small", "ask:director", *["ask:manager"] * 3]


def test_the_runbook_has_what_an_on_call_engineer_needs() -> None:
    """Its front matter and its sections are complete, and its owner is the manifest's."""
    front, body = re.fullmatch(r"---\n(.*?)\n---\n(.*)", RUNBOOK, re.DOTALL).groups()  # type: ignore[union-attr]  # a runbook has front matter
    meta = yaml.safe_load(front)
    assert set(meta) == {"title", "agents", "owner", "on_call", "verified", "rollback"}
    assert (meta["agents"], meta["owner"]) == ([MANIFEST["agent"]], MANIFEST["owner"])
    assert meta["verified"] == MANIFEST["rollback"]["verified"]
    assert re.findall(r"^## (.*)$", body, re.MULTILINE) == [
        "What it does",
        "When it pages you",
        "First five minutes",
        "Stop it",
        "Roll back",
        "Who to wake",
        "Known failures",
    ]


def test_the_runbooks_commands_are_real() -> None:
    """Every command of the agent in runbook and README is accepted by its own option parser."""
    text = (RUNBOOK + (AGENT / "README.md").read_text()).replace("\\\n", " ")
    commands = re.findall(r"^\s*python agents/bank_reconciliation( .*)$", text, re.MULTILINE)
    assert len(commands) >= 4
    for command in commands:
        words = shlex.split(command)
        if words[0] == "reverse":
            cli.reverse_options().parse_args(words[1:])
        else:
            options = cli.close_options().parse_args(words)
            assert (ROOT / options.statement).exists() or "export" in str(options.statement)
