"""Claims about the guard under attack: before an app that records, before a real Bolt, and under noise."""

import hashlib
import json
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.slack.ingress.guard import Limits
from tests.security.guard_forgeries import JSON, Attack, every_attack
from tests.unit.guard.kit import (
    CLICK,
    FORM,
    NOON,
    REFUSALS,
    SECRET,
    Knock,
    MovableClock,
    Recorder,
    guard,
    knock,
    knock_at,
)

ATTACKS = every_attack()
#: A wrong method or path is answered before anything is asked of the request.
ALLOWED = REFUSALS | {404, 405}


class Bolt:
    """A real Bolt app that would answer anything: it checks no signature of its own."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        app = AsyncApp(
            authorize=self._authorize,
            signing_secret=SECRET,
            process_before_response=True,
            request_verification_enabled=False,
        )
        app.middleware(self._hear)
        app.action("approve")(self._ack)
        app.command("/andon")(self._ack)
        self.app = AsyncSlackRequestHandler(app)

    @staticmethod
    async def _authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-none", bot_user_id="UB")

    async def _hear(self, req: AsyncBoltRequest, next: object) -> None:  # noqa: A002  # Bolt injects by this name
        assert callable(next)
        self.heard.append((req.raw_body, req.headers["x-andon-ingress"][0]))
        await next()

    @staticmethod
    async def _ack(ack: AsyncAck) -> None:
        await ack("done")


def test_the_attacks_are_many_and_each_has_a_name() -> None:
    """There are at least 300 different attacks, and none is listed twice."""
    names = [attack.name for attack in ATTACKS]
    assert len(names) == len(set(names)) >= 300


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_an_attack_hears_its_4xx_and_reaches_nobody(attack: Attack) -> None:
    """Each attack gets the status it deserves, and the app behind the guard is never called."""
    inside = Recorder()
    reply = await knock_at(guard(inside), attack.request)
    assert reply.status == attack.status
    assert reply.status in ALLOWED
    assert not inside.scopes


async def test_no_attack_reaches_bolt() -> None:
    """All attacks in a row against one guard before a real Bolt: each a 4xx, no listener runs."""
    bolt = Bolt()
    door = guard(bolt.app)
    for attack in ATTACKS:
        reply = await knock_at(door, attack.request)
        expected = {attack.status, 401} if attack.status == 400 else {attack.status}
        assert reply.status in expected, attack.name  # a signed body seen before is a replay by now
    assert not bolt.heard


def payload(**members: object) -> bytes:
    return f"payload={quote(json.dumps(members))}".encode()


APPROVE = payload(
    type="block_actions",
    user={"id": "U1", "team_id": "T1"},
    team={"id": "T1"},
    actions=[{"type": "button", "action_id": "approve", "block_id": "b", "value": "req_1", "action_ts": "1"}],
)
COMMAND = b"command=%2Fandon&text=&user_id=U1&team_id=T1&channel_id=C1&trigger_id=1.2.3"
CHALLENGE = (
    b'{"type":"url_verification","token":"t","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7"}'
)
#: Genuine requests as Slack sends them, and what they hear.
GENUINE = [
    (knock(APPROVE), 200),
    (knock(COMMAND), 200),
    (knock(CHALLENGE, media=JSON), 200),
    (knock(b"ssl_check=1&token=t"), 200),
]


@pytest.mark.parametrize(("request_", "status"), GENUINE)
async def test_what_slack_sends_reaches_bolt_once(request_: Knock, status: int) -> None:
    """A click, a command, a URL check and a TLS check are answered; the same once more is not."""
    bolt = Bolt()
    door = guard(bolt.app)
    assert (await knock_at(door, request_)).status == status
    heard = list(bolt.heard)
    assert (await knock_at(door, request_)).status == 401
    assert bolt.heard == heard


async def test_bolt_hears_the_fingerprint_of_the_click() -> None:
    """The listener finds the fingerprint of the signed request in its headers, whatever was sent there."""
    bolt = Bolt()
    request = knock(APPROVE).having((b"x-andon-ingress", b"0" * 64))
    await knock_at(guard(bolt.app), request)
    fingerprint = hashlib.sha256(request.value(b"x-slack-signature")).hexdigest()
    assert bolt.heard == [(APPROVE.decode(), fingerprint)]


async def test_a_stranger_cannot_switch_bolts_listeners_off() -> None:
    """Bolt skips the listener of a request that says "lazy only" in a header nobody signed; not here."""
    switches = ((b"x-slack-bolt-lazy-only", b"1"), (b"x-slack-bolt-lazy-function-name", b"x"))
    reply = await knock_at(guard(Bolt().app), knock(APPROVE).having(*switches))
    assert reply.body == b"done"


@pytest.mark.parametrize(
    "members",
    [
        {"type": "block_actions", "user": 5},
        {"type": "block_actions", "user": []},
        {"type": "block_actions", "team": 7},
        {"type": "block_actions", "authorizations": 7},
        {"type": "block_actions", "actions": []},
        {"type": "block_actions", "actions": 1},
        {"type": 1},
        {},
    ],
)
async def test_a_signed_payload_of_a_shape_unknown_to_bolt_is_not_taken(members: dict[str, object]) -> None:
    """A shape that Slack never sends may fail inside Bolt; its sender then hears 404 or 503, no details."""
    reply = await knock_at(guard(Bolt().app), knock(payload(**members)))
    assert reply.status in {404, 503}
    assert b"Error" not in reply.body


#: Slow to build, and without memory that matters to noise.
A_BOLT = Bolt()
HEADER_NAMES = st.sampled_from(
    [
        b"host",
        b"content-length",
        b"content-type",
        b"transfer-encoding",
        b"content-encoding",
        b"x-slack-signature",
        b"x-slack-request-timestamp",
        b"x-slack-retry-num",
        b"X-Slack-Signature",
        b"x-andon-ingress",
    ]
)
GENUINE_VALUES = [value for _, value in knock().headers]
HEADER_VALUES = st.one_of(st.sampled_from(GENUINE_VALUES), st.binary(max_size=80))
SOME_HEADERS = st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=12).map(tuple)
SOME_CHUNKS = st.lists(st.binary(max_size=200), min_size=1, max_size=4).map(tuple)
NOISE = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@given(headers=SOME_HEADERS, chunks=SOME_CHUNKS, cut_off=st.booleans())
@NOISE
async def test_noise_is_refused(
    headers: tuple[tuple[bytes, bytes], ...], chunks: tuple[bytes, ...], *, cut_off: bool
) -> None:
    """Whatever headers and bodies are thrown at the guard, it answers a 4xx and lets nobody in."""
    inside = Recorder()
    reply = await knock_at(guard(inside), Knock(headers=headers, chunks=chunks, cut_off=cut_off))
    assert reply.status in REFUSALS
    assert not inside.scopes


@given(edits=st.lists(st.tuples(st.integers(0, len(CLICK) - 1), st.integers(1, 255)), min_size=1, max_size=5))
@NOISE
async def test_a_changed_body_is_a_forgery(edits: list[tuple[int, int]]) -> None:
    """Any change of the signed bytes is a 401."""
    body = bytearray(CLICK)
    for place, difference in edits:
        body[place] ^= difference
    inside = Recorder()
    reply = await knock_at(guard(inside), knock().carrying(bytes(body)))
    assert reply.status == (200 if body == CLICK else 401)
    assert len(inside.scopes) == (body == CLICK)


@given(
    body=st.one_of(
        st.binary(max_size=300), st.text(max_size=100).map(lambda text: b"payload=" + text.encode())
    )
)
@NOISE
async def test_a_signed_body_of_noise_is_never_a_5xx(body: bytes) -> None:
    """Even if Slack signed noise, Bolt would not stumble: it is refused, or Bolt says 404."""
    for media in (JSON, FORM):
        reply = await knock_at(guard(A_BOLT.app), knock(body, media=media))
        assert reply.status in {200, 400, 404}


async def test_a_flood_from_many_addresses_takes_no_room() -> None:
    """The guard keeps a bounded number of peers, and no forgery at all, in mind."""
    door = guard(Recorder(), limits=Limits(peers=100))
    forged = knock(secret="not the secret")
    for number in range(5_000):
        await knock_at(door, replace(forged, peer=f"2001:db8::{number:x}"))
    assert len(door._refusals) <= 100
    assert len(door._replays) == 0


async def test_a_replay_after_a_failure_does_not_run_again() -> None:
    """A click whose listener failed was not taken; the same bytes again do not try their luck."""
    calls: list[str] = []

    async def failing(scope: object, receive: object, send: object) -> None:
        calls.append("called")
        raise RuntimeError

    door = guard(failing, clock=MovableClock(NOON))
    assert [(await knock_at(door, knock())).status for _ in range(2)] == [503, 401]
    assert calls == ["called"]
