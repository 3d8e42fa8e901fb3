"""What is asked and decided in every workload: the bank agent proposes a posting, and Salma approves it."""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus

from bot.slack.ingress.envelope import sign
from bot.slack.render.block_kit import action_ids
from deploy.demo.channels import FINANCE
from deploy.demo.people import SALMA
from deploy.demo.slack_app import APP_ID, SIGNING_SECRET, TEAM_ID
from escalation.authority import Account
from escalation.clock import SystemClock
from escalation.ids import AgentName
from escalation.request import Evidence, Words
from escalation.service.context import Click
from escalation.service.propose import Proposal, Propose

AGENT: Final = AgentName("bank-reconciliation")
#: Above the rule that allows small ones, below the one that asks two directors.
ARGUMENTS: Final = {
    "kind": "payment",
    "account": "Liabilities:Payables",
    "side": "debit",
    "against": "Assets:Bank:Operating",
    "amount": "1250.000",
    "currency": "OMR",
    "memo": "Qurum Hospitality SAOC, invoice 2026/0412",
    "booking_date": "2026-10-31",
    "value_date": "2026-10-31",
    "statement_ref": "CB-26100005",
    "ledger_ref": "",
    "instructed": "",
}
_TYPE = "ledger.post"
_SUMMARY = "Post 1 250.000 OMR to Qurum Hospitality SAOC"
_REASONING = "The statement has it, the ledger does not; the supplier and the amount match one open invoice."
_CONFIDENCE = 0.93
_EVIDENCE = "Invoice 2026/0412"
_numbers = itertools.count(1)


def key() -> str:
    """Return an idempotency key that was never used."""
    return f"bench-{next(_numbers)}"


def proposal() -> Propose:
    """Return a proposal as the agents' door hands it on."""
    return Propose(
        agent=AGENT,
        key=key(),
        subject=Proposal(type=_TYPE, arguments=ARGUMENTS),
        words=Words(
            summary=_SUMMARY,
            reasoning=_REASONING,
            confidence=_CONFIDENCE,
            evidence=(Evidence(title=_EVIDENCE),),
            workflow=None,
        ),
    )


def proposal_body() -> bytes:
    """Return the same proposal as an agent sends it."""
    said = {
        "kind": "proposal",
        "action": {"type": _TYPE, "arguments": ARGUMENTS},
        "summary": _SUMMARY,
        "reasoning": _REASONING,
        "confidence": _CONFIDENCE,
        "evidence": [{"title": _EVIDENCE}],
    }
    return json.dumps(said).encode()


def click() -> Click:
    """Return a click of Salma's on Approve as Slack's door hands it on."""
    fingerprint = hashlib.sha256(f"click {next(_numbers)}".encode()).hexdigest()
    return Click(
        account=Account(workspace=TEAM_ID, user=SALMA.id), fingerprint=fingerprint, what=action_ids.APPROVE
    )


@dataclass(frozen=True, slots=True)
class Clicks:
    """Makes Salma's clicks on Approve as Slack sends them: with the whole card, and signed."""

    before: bytes  #: The body, up to the first request id.
    between: tuple[bytes, ...]  #: What follows each of them.

    @classmethod
    def on(cls, card: Mapping[str, Any], request: str) -> "Clicks":
        """Return clicks on cards such as *card*, which was posted about *request*."""
        blocks: Sequence[Mapping[str, Any]] = card["blocks"]
        button = next(
            element
            for block in blocks
            for element in block.get("elements", ())
            if element.get("action_id") == action_ids.APPROVE
        )
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM_ID, "domain": "andon"},
            "user": {"id": SALMA.id, "username": SALMA.name, "team_id": TEAM_ID},
            "api_app_id": APP_ID,
            "trigger_id": "1.2.3",
            "container": {"type": "message", "message_ts": card["ts"], "channel_id": FINANCE.id},
            "channel": {"id": FINANCE.id, "name": FINANCE.name},
            "message": {"type": "message", **card},
            "response_url": "https://hooks.slack.example/none",
            "actions": [{**button, "block_id": "actions", "action_ts": "1.0"}],
        }
        body = f"payload={quote_plus(json.dumps(payload))}".encode()
        first, *others = body.split(request.encode())
        return cls(first, tuple(others))

    def approve(self, request: str) -> tuple[dict[str, str], bytes]:
        """Return the headers and the body of a click that approves *request*, signed now."""
        body = request.encode().join((self.before, *self.between))
        timestamp = b"%d" % SystemClock().now().timestamp()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": timestamp.decode(),
            "x-slack-signature": sign(timestamp, body, secret=SIGNING_SECRET.encode()).decode(),
        }
        return headers, body
