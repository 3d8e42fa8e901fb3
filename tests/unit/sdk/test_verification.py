"""A bot that contradicts itself is not obeyed: nothing runs."""

from collections.abc import Callable
from typing import Any

import pytest

from andon import GrantState, Mismatch
from andon.testing import Script
from tests.unit.sdk.hostile import Hostile, consistently, lies, with_another_amount
from tests.unit.sdk.ledger import CLAIM, GET, POST, PUT, REPORT, Book, client, post

Change = Callable[[dict[str, Any]], None]


def _set(**members: object) -> Change:
    return lambda body: body.update(members)


def _in_grant(**members: object) -> Change:
    return lambda body: body["grant"].update(members)


def _another_type(request: dict[str, Any]) -> None:
    request["action"]["type"] = "ledger.delete"


@pytest.mark.parametrize(
    ("where", "change"),
    [
        pytest.param(PUT, with_another_amount, id="created with other arguments"),
        pytest.param(PUT, consistently(with_another_amount), id="created as another action"),
        pytest.param(PUT, consistently(_another_type), id="created as another type"),
        pytest.param(PUT, _set(kind="question"), id="created as a question"),
        pytest.param(GET, with_another_amount, id="approved with other arguments"),
        pytest.param(GET, consistently(with_another_amount), id="approved as another action"),
        pytest.param(GET, _set(id="req_9"), id="another request"),
        pytest.param(GET, _set(digest="sha256:00"), id="another digest"),
        pytest.param(GET, _in_grant(digest="sha256:00"), id="a grant for another digest"),
        pytest.param(GET, _set(grant=None), id="approved without a grant"),
        pytest.param(GET, _set(action=None), id="approved without an action"),
        pytest.param(GET, _set(state="answered"), id="an answer to a proposal"),
        pytest.param(GET, _set(state="superseded"), id="superseded by nothing"),
        pytest.param(GET, _set(state="blessed"), id="a state nobody knows"),
        pytest.param(GET, _set(state="superseded", follow="req_1"), id="superseded by itself"),
    ],
)
async def test_a_contradicting_request_is_never_claimed(where: str, change: Change) -> None:
    """A request that is not the one proposed, or not consistent with itself, is not claimed."""
    hostile, book = Hostile(Script().approve(POST)).on(where, lies(change)), Book()
    with pytest.raises(Mismatch):
        await post(book.gated(client(hostile)))
    assert not book.entries
    assert not hostile.calls(CLAIM)


async def test_a_bot_that_lies_consistently_is_not_believed() -> None:
    """A bot that answers every call about another action, with digests to match, is found out at once."""
    lie = lies(consistently(with_another_amount))
    hostile, book = Hostile(Script().approve(POST)).on(PUT, lie).on(GET, lie), Book()
    with pytest.raises(Mismatch, match="not the action that was proposed"):
        await post(book.gated(client(hostile)))
    assert not book.entries
    assert not hostile.calls(CLAIM)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(with_another_amount, id="other arguments"),
        pytest.param(_another_type, id="another type"),
        pytest.param(_in_grant(digest="sha256:00"), id="another digest"),
        pytest.param(_in_grant(id="grt_9"), id="another grant"),
        pytest.param(_in_grant(state="granted"), id="not claimed"),
    ],
)
async def test_a_contradicting_claim_runs_nothing(change: Change) -> None:
    """A claim for anything else than what was approved runs nothing, and the bot hears that nothing ran."""
    hostile, book = Hostile(Script().approve(POST)).on(CLAIM, lies(change)), Book()
    with pytest.raises(Mismatch):
        await post(book.gated(client(hostile)))
    assert not book.entries
    assert len(hostile.calls(REPORT)) == 1
    reported = [(grant.state, grant.result) for grant in hostile.script.reported]
    assert reported == [(GrantState.FAILED, {"error": "nothing ran"})]


async def test_the_claim_carries_the_digest_computed_here() -> None:
    """What is claimed is the digest of the arguments that will run."""
    hostile = Hostile(Script().edit(POST, amount="10.00"))
    await post(Book().gated(client(hostile)))
    approved = await client(hostile.script).request("req_2")
    (claim,) = hostile.calls(CLAIM)
    assert approved.digest.encode() in claim.content


@pytest.mark.parametrize("state", ["timed_out", "undeliverable", "rejected"])
async def test_only_an_edit_changes_the_action(state: str) -> None:
    """A request that follows without an edit asks for the same action, or it is refused."""
    hostile, book = Hostile(Script().edit(POST, amount="10.00")), Book()
    hostile.on("GET /v1/requests/req_1", lies(_set(state=state)))
    with pytest.raises(Mismatch, match="nobody edited"):
        await post(book.gated(client(hostile)))
    assert not book.entries


async def test_an_edit_cannot_change_the_type() -> None:
    """A request edited into another type of action does not run this function."""
    hostile, book = Hostile(Script().edit(POST, amount="10.00")), Book()
    hostile.on("GET /v1/requests/req_2", lies(consistently(_another_type)))
    with pytest.raises(Mismatch, match=r"not about ledger\.post"):
        await post(book.gated(client(hostile)))
    assert not book.entries
    assert not hostile.calls(CLAIM)


async def test_a_successor_of_another_kind_is_refused() -> None:
    """A proposal is never followed by a question, nor by a request other than it names."""
    for change in (_set(kind="question"), _set(id="req_3")):
        hostile, book = Hostile(Script().edit(POST, amount="10.00")), Book()
        hostile.on("GET /v1/requests/req_2", lies(change))
        with pytest.raises(Mismatch):
            await post(book.gated(client(hostile)))
        assert not book.entries


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_set(answer="PO-79"), id="none of the options"),
        pytest.param(_set(answer=None), id="no answer"),
        pytest.param(_set(state="approved"), id="an approval"),
    ],
)
async def test_an_answer_nobody_could_give_is_refused(change: Change) -> None:
    """An answer outside the options, without text allowed, is not passed on."""
    hostile = Hostile(Script().answer("PO-77")).on(GET, lies(change))
    with pytest.raises(Mismatch):
        await client(hostile).ask("Which order?", options=["PO-77", "PO-78"])
