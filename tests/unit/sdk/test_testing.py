"""The script keeps the bot's contract, so that an agent tested with it meets the same rules in service."""

import subprocess
import sys

import httpx
import pytest

from andon import Andon, GrantState, Outcome, Rejected, Stopped
from andon.errors import (
    AlreadyReported,
    AwaitingPerson,
    DigestMismatch,
    GrantClaimed,
    KeyMissing,
    Malformed,
    NotClaimed,
    NotFound,
    Problem,
    problem,
)
from andon.testing import Script
from tests.unit.sdk.ledger import POST, PROPOSED, RUN


async def test_nothing_is_allowed_by_default() -> None:
    """Whatever the script does not allow is rejected; a line is used once, in order."""
    andon = Andon(workflow=RUN, offline=Script().approve("other").approve(POST).reject(POST, reason="twice"))
    states = [(await andon.propose(POST, PROPOSED, summary="s", key=f"k{n}")) for n in range(3)]
    assert [request.state for request in states] == ["approved", "rejected", "rejected"]
    assert [request.reason for request in states[1:]] == ["twice", "the script does not allow this"]
    with pytest.raises(Rejected):
        await andon.ask("Which?", options=["a"])


async def test_it_tells_what_was_asked() -> None:
    """A test can read what the agent asked, by type and arguments."""
    script = Script()
    await Andon(workflow=RUN, offline=script).propose(POST, PROPOSED, summary="s", key="k")
    (asked,) = script.asked
    assert (asked.action_type, asked.arguments, asked.key) == (POST, PROPOSED, f"{RUN}:k")
    with pytest.raises(Rejected):
        await Andon(workflow=RUN, offline=script).ask("Which?", options=["a"])
    assert (script.asked[1].action_type, script.asked[1].arguments) == (None, None)


async def test_the_switch() -> None:
    """While stopped nothing is asked and nothing claimed; afterwards things go on."""
    script = Script().approve(POST)
    andon = Andon(workflow=RUN, offline=script)
    request = await andon.propose(POST, PROPOSED, summary="s", key="k")
    assert request.grant is not None
    script.stop(reason="drill")
    with pytest.raises(Stopped, match="drill"):
        await andon.claim(request.grant.id, request.digest)
    with pytest.raises(Stopped):
        await andon.propose(POST, PROPOSED, summary="s", key="l")
    script.go_on()
    assert (await andon.claim(request.grant.id, request.digest)).grant.state is GrantState.CLAIMED


async def test_grants_are_good_once() -> None:
    """One attempt claims, with the right digest, and reports one outcome."""
    andon = Andon(workflow=RUN, offline=Script().approve(POST))
    request = await andon.propose(POST, PROPOSED, summary="s")
    assert request.grant is not None
    grant = request.grant.id
    with pytest.raises(NotClaimed):
        await andon.report(grant, Outcome.SUCCEEDED)
    with pytest.raises(DigestMismatch):
        await andon.claim(grant, "sha256:00")
    await andon.claim(grant, request.digest, attempt="one")
    with pytest.raises(GrantClaimed):
        await andon.claim(grant, request.digest, attempt="two")
    await andon.report(grant, Outcome.SUCCEEDED, result=1)
    await andon.report(grant, Outcome.SUCCEEDED, result=1)
    with pytest.raises(AlreadyReported):
        await andon.report(grant, Outcome.FAILED)
    with pytest.raises(GrantClaimed):
        await andon.claim(grant, request.digest, attempt="one")


async def test_an_unknown_outcome_waits_for_a_person() -> None:
    """After unknown, the agent can say nothing more."""
    andon = Andon(workflow=RUN, offline=Script().approve(POST))
    request = await andon.propose(POST, PROPOSED, summary="s")
    assert request.grant is not None
    await andon.claim(request.grant.id, request.digest)
    await andon.report(request.grant.id, Outcome.UNKNOWN)
    with pytest.raises(AwaitingPerson):
        await andon.report(request.grant.id, Outcome.SUCCEEDED)


@pytest.mark.parametrize(
    ("method", "path", "content", "headers", "error"),
    [
        ("POST", "/v1/requests", "{}", {}, KeyMissing),
        ("POST", "/v1/requests", '{"a":1,"a":2}', {"Idempotency-Key": "k"}, Malformed),
        ("POST", "/v1/requests", "[]", {"Idempotency-Key": "k"}, Malformed),
        ("POST", "/v1/requests", "{}", {"Idempotency-Key": "k"}, Problem),
        ("POST", "/v1/requests", '{"kind":"question"}', {"Idempotency-Key": "k"}, Problem),
        ("GET", "/v1/requests/req_9", "", {}, NotFound),
        ("POST", "/v1/grants/grt_9/claim", "{}", {}, NotFound),
        ("GET", "/v1/nothing", "", {}, NotFound),
    ],
)
async def test_a_malformed_call_is_refused(
    method: str, path: str, content: str, headers: dict[str, str], error: type[Problem]
) -> None:
    """Calls outside the contract get the contract's problem."""
    async with httpx.AsyncClient(transport=Script(), base_url="http://bot.test") as http:
        response = await http.request(
            method, path, content=content, headers={"Authorization": "Bearer x", **headers}
        )
        assert isinstance(problem(response.status_code, response.json()), error)
        assert response.headers["content-type"] == "application/problem+json"
        assert (await http.request(method, path)).status_code == 401


def test_an_agent_in_service_loads_no_fakes() -> None:
    """Importing both clients does not import `andon.testing`."""
    loaded = "import sys, andon, andon.sync; print([name for name in sys.modules if 'andon.testing' in name])"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
