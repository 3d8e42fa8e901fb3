"""A small installation on disk whose files a test may change, and what the loader says of it."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from bot.config import ConfigurationProblems, Loaded, load

TODAY = date(2026, 11, 21)

ANDON = """\
workspace: T01ANDON
people:
  salma:
    name: Salma
    slack: [U01SALMA]
    time_zone: Asia/Muscat
  khalid: {name: Khalid, slack: [U02KHALID, W02KHALID]}
  maryam: {name: Maryam, slack: [U03MARYAM]}
  nadia: {name: Nadia, slack: [U05NADIA]}
teams:
  managers:
    members: [salma, khalid]
    channel: C01FINANCE
  directors: {members: [maryam, khalid], channel: G02DIRECT}
operators: [nadia, directors]
alerts: {channel: C03ALERTS}
audit: {channel: C04AUDIT}
times: {sla: 1h30m, grant: 90s, report: 20m}
plain_times: true
runbook_url: https://wiki.example/{name}
"""

MANIFEST = """\
agent: payer
owner: nadia
backup: khalid
function: finance
runbook: payer
autonomy: hitl
actions:
  payment.send:
    schema:
      type: object
      additionalProperties: false
      required: [amount, memo, urgent]
      properties:
        amount:
          type: string
          pattern: '^[0-9]{1,9}$'
        memo:
          type: string
          maxLength: 80
        urgent:
          type: boolean
    reversible: false
    display: [amount]
    redact: [memo]
    on_timeout: do_not_act
    rules:
      - name: small
        when: decimal(args.amount) < 50 && confidence >= 0.95
        then: allow
      - name: large
        when: decimal(args.amount) < 5000
        then: ask
        approvers: [managers, maryam]
        quorum: 2
        sla: 10m
        channel: C09LARGE
      - name: rest
        when: always
        then: deny
questions:
  approvers: [managers]
  channel: C08ASK
  on_timeout: no_answer
fallback: {tool_error: ask, slow: "p95 > 30s: ask"}
budget: {currency: USD, monthly: 200, on_exhausted: stop}
slo: {latency_p95: 30s, accuracy: 0.97, cost_per_decision: 0.05}
rollback: {how: "runbook#roll-back", verified: 2026-11-01}
breakers: {errors: "5 in 10m", unknown: 1, escalation_rate: "3 sigma"}
"""

RUNBOOK = """\
---
title: Payments
agents: [payer]
owner: nadia
on_call: [nadia, directors]
verified: 2026-11-01
rollback: payer undo
---

# Payments

## What it does

Pays. See [the other one](other.md), [the web](https://example.org) and [below](#stop-it).

## When it pages you

Never.

## First five minutes

```sh
## Not a heading, and [not a link](nowhere.md)
```

## Stop it

`/andon stop agent:payer`

## Roll back

Undo.

## Who to wake

Nadia.

## Known failures

None.
"""

SHIPPED = {
    "andon.yaml": ANDON,
    "agents/payer/manifest.yaml": MANIFEST,
    "runbooks/payer.md": RUNBOOK,
    "runbooks/other.md": "",
}
#: Short names for the tables.
FILES = {"andon": "andon.yaml", "manifest": "agents/payer/manifest.yaml", "runbook": "runbooks/payer.md"}


@dataclass(frozen=True, slots=True)
class Site:
    """An installation in a folder of its own."""

    root: Path

    def write(self, name: str, text: str | bytes) -> None:
        """Put *text* into the file called *name*."""
        path = self.root / FILES.get(name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def change(self, name: str, old: str, new: str) -> None:
        """Put *new* where *old* stands, which it has to do once."""
        text = (self.root / FILES.get(name, name)).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def load(self, today: date = TODAY) -> Loaded:
        """Return what is loaded, or raise ``ConfigurationProblems``."""
        return load(self.root / "andon.yaml", today=today)

    def problems(self, today: date = TODAY) -> list[str]:
        """Return every problem, as printed, seen from the folder."""
        try:
            found = self.load(today).warnings
        except ConfigurationProblems as problems:
            found = problems.problems
        return [str(problem).replace(f"{self.root}/", "") for problem in found]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return the small installation; nothing is wrong with it."""
    made = Site(tmp_path)
    for name, text in SHIPPED.items():
        made.write(name, text)
    return made
