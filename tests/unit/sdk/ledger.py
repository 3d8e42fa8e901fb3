"""An agent with one dangerous function, and a book that shows how often it ran and with what."""

from dataclasses import dataclass, field
from decimal import Decimal

import httpx

from andon import Andon, Gated

POST = "ledger.post"
RUN = "close-2026-10"
KEY = "andon_" + "k" * 43
GET = "GET /v1/requests/req_[0-9]+"
CLAIM = "POST /v1/grants/grt_[0-9]+/claim"
REPORT = "POST /v1/grants/grt_[0-9]+/report"
PUT = "POST /v1/requests"
PROPOSED = {"account": "2100", "amount": "1250.00", "currency": "OMR", "memo": "bank fee"}


def client(transport: httpx.AsyncBaseTransport, *, patience: float = 0.5, timeout: float = 5.0) -> Andon:
    """Return a client on *transport*, of one run; patience and timeout in seconds, short for tests."""
    return Andon(
        "http://bot.test", KEY, workflow=RUN, transport=transport, patience=patience, timeout=timeout
    )


@dataclass(slots=True)
class Book:
    """What was posted, in order."""

    entries: list[tuple[str, Decimal, str, str]] = field(default_factory=list)
    raises: BaseException | None = None

    def gated(self, andon: Andon) -> Gated[[str, Decimal, str, str], str]:
        @andon.gated(POST)
        async def post(account: str, amount: Decimal, currency: str, memo: str) -> str:
            """Post an entry to the ledger."""
            self.entries.append((account, amount, currency, memo))
            if self.raises is not None:
                raise self.raises
            return f"entry {len(self.entries)}"

        return post


async def post(gated: Gated[[str, Decimal, str, str], str]) -> str:
    """Post the one entry all these tests are about."""
    return await gated("2100", Decimal("1250.00"), "OMR", "bank fee")
