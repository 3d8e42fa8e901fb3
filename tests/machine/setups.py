"""The configurations that a history moves between: a few plain facts each, and the files that say them."""

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.config import Loaded, load
from bot.config.load import load_remembered
from escalation.ports import StoredConfiguration
from tests.scenario.rules import TODAY

SLA_MINUTES = 15
GRANT_MINUTES = 10
REPORT_MINUTES = 8
AGENTS = ("ledger", "travel")
ACTION = "ledger.post"
CHANNELS = {"managers": "C01FINANCE", "directors": "C02DIRECT", "alerts": "C03ALERTS", "spare": "C04SPARE"}
ACCOUNTS = {
    "salma": "U01SALMA",
    "khalid": "U02KHALID",
    "maryam": "U03MARYAM",
    "yusuf": "U04YUSUF",
    "nadia": "U05NADIA",
    "maryams_phone": "W07MARYAM",  # a second account of Maryam's
    "omar": "U06OMAR",  # nobody in andon.yaml
}
PERSONS = ("salma", "khalid", "maryam", "yusuf", "nadia")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Setup:
    """What people decided about agents, as far as histories vary it."""

    managers: tuple[str, ...] = ("salma", "khalid")
    directors: tuple[str, ...] = ("maryam", "yusuf")
    operators: tuple[str, ...] = ("nadia", "khalid")
    owner: str = "nadia"  #: Of both agents.
    function: str = "finance"  #: Of the agent ``ledger``; the other one's is ``trips``.
    small: str = "allow"  #: What the rule says about small amounts that the agent is sure of.
    limit: int = 5000  #: Below it managers decide, from there on directors.
    quorum: int = 1  #: Of the managers.
    edits: str = "author_may_approve"  #: What the managers' rule says of them.
    large: str = "ask"  #: What the rule for all the rest says; ``none``: there is no such rule.
    second_key: int = 2  #: How many directors it takes.
    both: bool = True  #: Whether there is the agent ``travel``.
    cap: int = 6  #: Of what waits of one agent; of one channel it is two more.
    asks: int = 8  #: To one person within an hour.

    def __repr__(self) -> str:
        """Return what differs from the first one, as Python."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        usual = {field.name: field.default for field in fields(self)}
        return f"Setup({', '.join(f'{k}={v!r}' for k, v in told.items() if usual[k] != v)})"


#: What every history begins with.
FIRST = Setup()

#: What a history may put in force: each a change that somebody makes on some day.
SETUPS: tuple[Setup, ...] = (
    FIRST,
    Setup(managers=("salma",)),
    Setup(managers=("khalid",)),
    Setup(managers=("khalid", "yusuf")),
    Setup(managers=("salma", "khalid", "maryam"), quorum=2, edits="another_person"),
    Setup(managers=("salma", "khalid", "maryam"), edits="another_person"),
    Setup(directors=("maryam", "yusuf", "khalid")),
    Setup(directors=("yusuf", "khalid")),
    Setup(quorum=2, edits="another_person"),
    Setup(edits="another_person"),
    Setup(edits="forbidden"),
    Setup(limit=500),
    Setup(limit=500, large="deny"),
    Setup(limit=9000),
    Setup(small="deny"),
    Setup(small="ask"),
    Setup(large="deny"),
    Setup(owner="salma"),
    Setup(operators=("nadia", "yusuf")),
    Setup(function="treasury"),
    Setup(function="treasury", limit=9000),
    Setup(both=False),
    Setup(cap=3, asks=4),
    Setup(cap=2, asks=3),
    Setup(large="none"),
    # Everybody is a director, and one is enough: an edit upwards meets no stricter rule but that of before.
    Setup(directors=("salma", "khalid", "yusuf"), second_key=1),
    Setup(directors=("salma", "khalid", "yusuf"), second_key=1, edits="another_person"),
    Setup(directors=("salma", "khalid", "yusuf"), second_key=1, edits="forbidden"),
)

_ANDON = """\
workspace: T01ANDON
people:
  salma: {{name: Salma, slack: [U01SALMA]}}
  khalid: {{name: Khalid, slack: [U02KHALID]}}
  maryam: {{name: Maryam, slack: [U03MARYAM, W07MARYAM]}}
  yusuf: {{name: Yusuf, slack: [U04YUSUF], notify: direct}}
  nadia: {{name: Nadia, slack: [U05NADIA]}}
teams:
  managers: {{members: {managers}, channel: C01FINANCE}}
  directors: {{members: {directors}, channel: C02DIRECT}}
operators: {operators}
alerts: {{channel: C03ALERTS, fallback: C04SPARE}}
times: {{sla: 15m, grant: 10m, report: 10m}}
caps: {{pending_per_agent: {cap}, pending_per_channel: {channel_cap}, asks_per_person_and_hour: {asks}}}
"""

_MANIFEST = """\
agent: {agent}
owner: {owner}
backup: yusuf
function: {function}
runbook: {agent}
autonomy: hitl
actions:
  ledger.post:
    schema:
      type: object
      additionalProperties: false
      required: [amount, memo]
      properties:
        amount: {{type: integer, minimum: 1, maximum: 100000}}
        memo: {{type: string, maxLength: 40}}
    reversible: true
    display: [amount, memo]
    on_timeout: do_not_act
    report: 8m
    rules:
      - name: small
        when: args.amount < 50 && confidence >= 0.9
        then: {small}
      - name: manager
        when: args.amount < {limit}
        then: ask
        approvers: [managers]
        quorum: {quorum}
        edits: {edits}
{large}
questions: {{approvers: [managers], on_timeout: no_answer}}
fallback: {{tool_error: ask, slow: "p95 > 30s: ask"}}
budget: {{currency: USD, monthly: 20, on_exhausted: stop}}
slo: {{latency_p95: 30s, accuracy: 0.97, cost_per_decision: 0.05}}
rollback: {{how: "runbook#roll-back", verified: 2026-11-01}}
breakers: {{errors: "5 in 10m", unknown: 1, escalation_rate: "3 sigma"}}
"""

_RUNBOOK = Path(__file__).resolve().parents[2] / "runbooks" / "bank-reconciliation.md"


@cache
def loaded(setup: Setup) -> Loaded:
    """Return *setup* as it is read from files."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "runbooks").mkdir()
        names = _names(setup)
        (root / "andon.yaml").write_text(_ANDON.format(**names), encoding="utf-8")
        for agent in AGENTS if setup.both else AGENTS[:1]:
            (root / "agents" / agent).mkdir(parents=True)
            function = setup.function if agent == AGENTS[0] else "trips"
            manifest = _MANIFEST.format(**names, agent=agent, function=function)
            (root / "agents" / agent / "manifest.yaml").write_text(manifest, encoding="utf-8")
            book = _RUNBOOK.read_text(encoding="utf-8").replace("[bank-reconciliation]", f"[{agent}]")
            book = book.replace("owner: nadia", f"owner: {setup.owner}")
            (root / "runbooks" / f"{agent}.md").write_text(book, encoding="utf-8")
        return load(root / "andon.yaml", today=TODAY)


@cache
def remembered(stored: StoredConfiguration) -> Loaded:
    """Return what a process loads from the database; each version once."""
    return load_remembered(stored)


def _names(setup: Setup) -> dict[str, object]:
    ask = "ask\n        approvers: [managers]\n        quorum: 1"
    large = (
        ""
        if setup.large == "none"
        else f"      - name: director\n        when: always\n        then: {setup.large}"
    )
    keys = f"\n        approvers: [directors]\n        quorum: {setup.second_key}"
    return {
        "managers": f"[{', '.join(setup.managers)}]",
        "directors": f"[{', '.join(setup.directors)}]",
        "operators": f"[{', '.join(setup.operators)}]",
        "owner": setup.owner,
        "small": ask if setup.small == "ask" else setup.small,
        "limit": setup.limit,
        "quorum": setup.quorum,
        "edits": setup.edits,
        "large": large + (keys if setup.large == "ask" else ""),
        "cap": setup.cap,
        "channel_cap": setup.cap + 2,
        "asks": setup.asks,
    }


def version_of(setup: Setup) -> str:
    """Return the version that *setup* is in force as."""
    return loaded(setup).configuration.version
