"""What a gated function promises when people answer and the network holds."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from pydantic import JsonValue

from andon import (
    AlreadyRunning,
    Evidence,
    Expired,
    GrantState,
    Killed,
    Mismatch,
    NotAllowed,
    OutcomeUnknown,
    Rejected,
    Revoked,
    Stopped,
    TimedOut,
    Undeliverable,
    Unfit,
)
from andon.errors import Cancelled
from andon.testing import Script
from tests.unit.sdk.hostile import Hostile, consistently, lies, refuses
from tests.unit.sdk.ledger import CLAIM, GET, POST, PROPOSED, RUN, Book, client, post


async def test_approved_it_runs_once_and_reports() -> None:
    """An approved action is claimed, run once with its arguments, and reported with its result."""
    hostile, book = Hostile(Script().approve(POST)), Book()
    assert await post(book.gated(client(hostile))) == "entry 1"
    assert book.entries == [("2100", Decimal("1250.00"), "OMR", "bank fee")]
    reported = [(grant.state, grant.result) for grant in hostile.script.reported]
    assert reported == [(GrantState.SUCCEEDED, "entry 1")]
    assert [f"{request.method} {request.url.path}" for request in hostile.seen] == [
        "POST /v1/requests",
        "GET /v1/requests/req_1",
        "POST /v1/grants/grt_1/claim",
        "POST /v1/grants/grt_1/report",
    ]


async def test_the_claim_comes_before_the_effect() -> None:
    """When the effect runs, the bot already holds the claim."""
    andon = client(Script().approve(POST))
    states = []

    @andon.gated(POST)
    async def look(account: str) -> None:
        grant = (await andon.request("req_1")).grant
        states.append((account, grant and grant.state))

    await look("2100")
    assert states == [("2100", GrantState.CLAIMED)]


async def test_edited_it_runs_with_what_was_approved() -> None:
    """The function receives the edited arguments of the request that superseded ours, as its own types."""
    script, book = Script().edit(POST, amount="10.00"), Book()
    await post(book.gated(client(script)))
    assert book.entries == [("2100", Decimal("10.00"), "OMR", "bank fee")]
    assert [grant.id for grant in script.reported] == ["grt_2"]


@pytest.mark.parametrize("edit", [{"amount": "a lot"}, {"amount": 10}, {"surprise": "x"}, {"amount": None}])
async def test_an_edit_that_does_not_fit_runs_nothing(edit: dict[str, JsonValue]) -> None:
    """An edit the annotations refuse, or would read as something else, is refused before the claim."""
    hostile, book = Hostile(Script().edit(POST, **edit)), Book()
    with pytest.raises(Mismatch):
        await post(book.gated(client(hostile)))
    assert not book.entries
    assert not hostile.calls(CLAIM)


async def test_a_missing_argument_is_not_filled_with_a_default() -> None:
    """An approval without an argument is not completed from the function's defaults."""

    def without_amount(request: dict[str, Any]) -> None:
        del request["action"]["arguments"]["amount"]

    hostile = Hostile(Script().edit(POST)).on("GET /v1/requests/req_2", lies(consistently(without_amount)))
    ran = []

    @client(hostile).gated(POST)
    async def pay(account: str, amount: int = 5) -> None:
        ran.append((account, amount))

    with pytest.raises(Mismatch, match="amount"):
        await pay("2100")
    assert not ran
    assert not hostile.calls(CLAIM)


async def test_defaults_are_told() -> None:
    """A default is part of what runs, so people see it."""
    script = Script().approve(POST)

    @client(script).gated(POST)
    async def pay(account: str, /, amount: int = 5) -> int:
        return amount if account == "2100" else 0

    assert await pay("2100") == 5
    assert script.asked[0].arguments == {"account": "2100", "amount": 5}


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("rejected", Rejected),
        ("timed_out", TimedOut),
        ("undeliverable", Undeliverable),
        ("cancelled", Cancelled),
        ("killed", Killed),
    ],
)
async def test_every_no_is_typed(state: str, error: type[NotAllowed]) -> None:
    """Each no raises its own error, with the reason and what to do next; nothing runs."""

    def say(request: dict[str, Any]) -> None:
        request.update(state=state, reason="not today", what_to_do_next="Ask Salma.", grant=None)

    hostile, book = Hostile(Script().approve(POST)).on(GET, lies(say)), Book()
    with pytest.raises(error) as caught:
        await post(book.gated(client(hostile)))
    assert (caught.value.reason, caught.value.what_to_do_next) == ("not today", "Ask Salma.")
    assert caught.value.request.id == "req_1"
    assert not book.entries
    assert not hostile.calls(CLAIM)


@pytest.mark.parametrize(
    ("state", "error"),
    [("expired", Expired), ("revoked", Revoked), ("unknown", OutcomeUnknown)],
)
async def test_a_grant_that_is_no_longer_good_runs_nothing(state: str, error: type[Exception]) -> None:
    """An expired, revoked or unknown grant is never claimed."""

    def say(request: dict[str, Any]) -> None:
        request["grant"]["state"] = state

    hostile, book = Hostile(Script().approve(POST)).on(GET, lies(say)), Book()
    with pytest.raises(error):
        await post(book.gated(client(hostile)))
    assert not book.entries
    assert not hostile.calls(CLAIM)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("grant-expired", Expired),
        ("grant-revoked", Revoked),
        ("grant-claimed", OutcomeUnknown),
        ("digest-mismatch", Mismatch),
    ],
)
async def test_a_refused_claim_runs_nothing(name: str, error: type[Exception]) -> None:
    """Whatever the bot answers to the claim but yes, nothing runs and nothing is reported."""
    hostile, book = Hostile(Script().approve(POST)).on(CLAIM, refuses(name, 409)), Book()
    with pytest.raises(error):
        await post(book.gated(client(hostile)))
    assert not book.entries
    assert not hostile.script.reported


async def test_the_kill_switch_beats_an_approval() -> None:
    """A switch pulled between approval and claim stops the effect, and says where and why."""
    hostile, book = Hostile(Script().approve(POST)), Book()
    hostile.on(CLAIM, refuses("stopped", 423, scope="agent", reason="odd amounts"))
    with pytest.raises(Stopped) as caught:
        await post(book.gated(client(hostile)))
    assert (caught.value.scope, caught.value.reason) == ("agent", "odd amounts")
    assert not book.entries


async def test_a_failure_is_reported_and_raised() -> None:
    """An error of the effect reaches the caller as it is; the bot hears its kind and none of its words."""
    script, book = Script().approve(POST), Book(raises=ValueError("secret iban"))
    with pytest.raises(ValueError, match="secret iban"):
        await post(book.gated(client(script)))
    reported = [(grant.state, grant.result) for grant in script.reported]
    assert reported == [(GrantState.FAILED, {"error": "ValueError"})]


async def test_an_effect_may_say_that_it_cannot_tell() -> None:
    """A function that raises OutcomeUnknown is reported unknown, not failed."""
    script, book = Script().approve(POST), Book(raises=OutcomeUnknown("the ledger timed out"))
    with pytest.raises(OutcomeUnknown) as caught:
        await post(book.gated(client(script)))
    assert caught.value.request is not None
    assert [grant.state for grant in script.reported] == [GrantState.UNKNOWN]


async def test_the_words_reach_the_approver() -> None:
    """What asking() says is sent with the proposal, and the plain function keeps its own words."""
    script, book = Script().approve(POST).approve(POST), Book()
    gated = book.gated(client(script))
    seen = [Evidence(title="statement", url="https://bank.test/14")]
    because = gated.asking(summary="Post the fee", reasoning="line 14", confidence=0.81, evidence=seen)
    await post(because.asking(key="fee-14"))
    await post(gated)
    first, second = script.asked
    assert first.key == f"{RUN}:fee-14"
    assert first.payload == {
        "kind": "proposal",
        "action": {"type": POST, "arguments": PROPOSED},
        "summary": "Post the fee",
        "reasoning": "line 14",
        "confidence": 0.81,
        "evidence": [{"title": "statement", "url": "https://bank.test/14"}],
        "workflow": RUN,
        "trace": None,
    }
    assert second.payload["summary"] == "Post an entry to the ledger."
    assert second.payload["reasoning"] is None


async def test_a_function_without_words_is_told_by_its_name() -> None:
    """Without summary and docstring people read the function's name, never the action's type as its words."""
    script = Script().approve(POST)

    @client(script).gated(POST)
    async def pay_the_rent(account: str) -> str:
        return account

    await pay_the_rent("2100")
    assert script.asked[0].payload["summary"] == "Pay the rent"


async def test_the_same_action_under_way_is_refused() -> None:
    """A second identical call beside the first is refused; with its own key it is another action."""
    script = Script().approve(POST).approve(POST)
    andon = client(script)
    began, go = asyncio.Event(), asyncio.Event()
    ran = []

    @andon.gated(POST)
    async def pay(account: str) -> None:
        ran.append(account)
        began.set()
        await go.wait()

    first = asyncio.create_task(pay("2100"))
    await began.wait()
    with pytest.raises(AlreadyRunning, match="key="):
        await pay("2100")
    twin = asyncio.create_task(pay.asking(key="twin")("2100"))
    go.set()
    await asyncio.gather(first, twin)
    assert ran == ["2100", "2100"]


async def test_arguments_that_do_not_fit_ask_nobody() -> None:
    """A call that cannot be told exactly is refused before anything is sent."""
    script, book = Script().approve(POST), Book()
    gated = book.gated(client(script))
    with pytest.raises(Unfit):
        await gated("2100", Decimal("NaN"), "OMR", "x")
    with pytest.raises(TypeError):
        await gated("2100", Decimal(1), "OMR")  # type: ignore[call-arg]  # the point of the test
    with pytest.raises(Unfit, match="key="):
        await post(gated.asking(key="no spaces"))
    assert not script.asked


async def test_the_gate_cannot_be_unwrapped() -> None:
    """A gated function shows name, words and signature of the plain one, but not the plain one itself."""
    gated = Book().gated(client(Script()))
    assert (gated.__name__, gated.__doc__) == ("post", "Post an entry to the ledger.")
    assert list(gated.__signature__.parameters) == list(PROPOSED)
    assert not hasattr(gated, "__wrapped__")
    assert "ledger.post" in repr(gated)


async def test_only_async_functions_are_gated_here() -> None:
    """A plain function is refused when decorated, and told where it belongs."""
    with pytest.raises(TypeError, match=r"andon\.sync"):

        @client(Script()).gated(POST)  # type: ignore[arg-type]  # the point of the test
        def plain(account: str) -> str:
            return account
