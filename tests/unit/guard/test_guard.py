"""Claims about the guard as a door: who gets in, what they are handed, and what the others hear."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from bot.http.body import Allowance
from bot.slack.ingress.guard import Guard, Limits
from bot.slack.signed_request import INGRESS_HEADER
from escalation.errors import InvalidConfiguration
from tests.unit.guard.kit import (
    CLICK,
    NOON,
    PATH,
    SECRET,
    Knock,
    MovableClock,
    Recorder,
    guard,
    knock,
    knock_at,
    scope_of,
)

INGRESS = INGRESS_HEADER.encode()


async def test_a_genuine_click_gets_in_whole() -> None:
    """What Slack signed reaches the listeners byte for byte, and their answer reaches Slack."""
    inside = Recorder()
    reply = await knock_at(guard(inside), knock())
    assert (reply.status, reply.body, reply.headers) == (200, b"ack", {b"x-from": b"inside"})
    assert inside.bodies == [CLICK]


async def test_a_click_in_pieces_gets_in_whole() -> None:
    """A body that arrives in pieces, without a stated length, is the same click."""
    inside = Recorder()
    request = replace(knock().without(b"content-length"), chunks=(CLICK[:7], b"", CLICK[7:]))
    assert (await knock_at(guard(inside), request)).status == 200
    assert inside.bodies == [CLICK]


async def test_listeners_learn_which_signed_request_they_hear() -> None:
    """The fingerprint, the SHA-256 of the signature, comes from the guard, never from the sender."""
    inside = Recorder()
    request = knock().having((INGRESS, b"0" * 64), (INGRESS.upper(), b"1" * 64))
    await knock_at(guard(inside), request)
    fingerprint = hashlib.sha256(request.value(b"x-slack-signature")).hexdigest()
    assert [value for name, value in inside.headers if name.lower() == INGRESS] == [fingerprint.encode()]


async def test_what_nobody_signed_stays_outside() -> None:
    """Query, cookies and switches of Bolt are not under the signature and are not handed on."""
    inside = Recorder()
    request = knock().having((b"x-slack-bolt-lazy-only", b"1"), (b"cookie", b"a=\xff"))
    await knock_at(guard(inside), replace(request, query=b"payload=%7B%7D&x=\xff"))
    assert inside.scopes[0]["query_string"] == b""
    assert {name for name, _ in inside.headers} == {
        b"content-type",
        b"x-slack-signature",
        b"x-slack-request-timestamp",
        INGRESS,
    }


async def test_slacks_retries_say_so() -> None:
    """The number and reason of a retry pass through."""
    inside = Recorder()
    retry = ((b"x-slack-retry-num", b"1"), (b"x-slack-retry-reason", b"http_timeout"))
    await knock_at(guard(inside), knock().having(*retry))
    assert set(retry) <= set(inside.headers)


async def test_a_replay_never_runs_a_listener_twice() -> None:
    """The same signed request again is refused, also when it is dressed differently."""
    inside = Recorder()
    door = guard(inside)
    first = knock()
    dressed = replace(first.having((b"x-slack-retry-num", b"1")), peer="198.51.100.1", query=b"again")
    assert (await knock_at(door, first)).status == 200
    assert [(await knock_at(door, again)).status for again in (first, dressed)] == [401, 401]
    assert len(inside.bodies) == 1


async def test_a_replay_is_known_while_the_first_still_runs() -> None:
    """A second copy that arrives before the first is answered is refused too."""
    running, finish = asyncio.Event(), asyncio.Event()
    inside = Recorder()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        running.set()
        await finish.wait()
        await inside(scope, receive, send)

    door = guard(slow)
    first = asyncio.create_task(knock_at(door, knock()))
    await running.wait()
    assert (await knock_at(door, knock())).status == 401
    finish.set()
    assert (await first).status == 200
    assert len(inside.bodies) == 1


async def test_of_many_copies_at_once_one_gets_in() -> None:
    """Fifty copies of one click, piecemeal and at the same time, run one listener."""
    inside = Recorder()
    door = guard(inside)
    copy = replace(knock(), chunks=(CLICK[:5], CLICK[5:]))
    replies = await asyncio.gather(*(knock_at(door, copy) for _ in range(50)))
    assert sorted(reply.status for reply in replies) == [200] + [401] * 49
    assert len(inside.bodies) == 1


async def test_a_replay_is_known_as_long_as_its_signature_counts() -> None:
    """A request dated five minutes ahead, replayed at its last instant, is still known."""
    clock, inside = MovableClock(), Recorder()
    door = guard(inside, clock=clock)
    ahead = knock(at=NOON + timedelta(minutes=5))
    assert (await knock_at(door, ahead)).status == 200
    clock.advance(timedelta(minutes=10))
    assert (await knock_at(door, knock(b"payload={}", at=clock.now()))).status == 200
    assert (await knock_at(door, ahead)).status == 401
    assert len(inside.bodies) == 2


async def test_age_is_judged_when_the_body_is_there() -> None:
    """Who keeps a genuine request half sent for minutes cannot bring it in later."""
    clock, inside = MovableClock(), Recorder()
    sent: list[Message] = []

    async def receive() -> Message:
        clock.advance(timedelta(seconds=301))
        return {"type": "http.request", "body": CLICK, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await guard(inside, clock=clock)(scope_of(knock()), receive, send)
    assert sent[0]["status"] == 401
    assert not inside.bodies


@pytest.mark.parametrize("path", ["/", "/slack/events/", "/slack/Events", "//slack/events", "/v1/requests"])
async def test_other_paths_are_not_there(path: str) -> None:
    """The guard opens at exactly the paths it was given."""
    inside = Recorder()
    assert (await knock_at(guard(inside), replace(knock(), path=path))).status == 404
    assert not inside.bodies


async def test_all_of_its_paths_lead_in() -> None:
    """A bot with several request URLs names them all."""
    inside = Recorder()
    door = Guard(inside, secret=SECRET, clock=MovableClock(), paths={PATH, "/slack/commands"})
    assert (await knock_at(door, replace(knock(), path="/slack/commands"))).status == 200


async def test_only_post_gets_in() -> None:
    """GET never changes state: any method but POST is told so."""
    inside = Recorder()
    reply = await knock_at(guard(inside), replace(knock(), method="GET"))
    assert (reply.status, reply.headers[b"allow"]) == (405, b"POST")
    assert not inside.bodies


@pytest.mark.parametrize(
    ("version", "status"), [("1.0", 200), ("1.1", 200), ("2", 200), ("0.9", 400), ("3.9", 400)]
)
async def test_only_known_versions_of_http_get_in(version: str, status: int) -> None:
    """What speaks HTTP/0.9 or a version nobody has written down is no client of ours."""
    assert (await knock_at(guard(Recorder()), replace(knock(), version=version))).status == status


async def test_a_refusal_says_little_and_hangs_up() -> None:
    """A refusal is one plain line, and the connection with its unread rest is given up."""
    reply = await knock_at(guard(Recorder()), knock().without(b"x-slack-signature"))
    assert (reply.status, reply.body) == (401, b"Unauthorized")
    assert reply.headers[b"connection"] == b"close"


async def never() -> Message:
    """Fail the test: nobody may ask for the body."""
    raise AssertionError


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (knock().saying(b"content-length", b"262145"), 413),
        (knock().without(b"x-slack-signature"), 401),
        (knock().saying(b"x-slack-signature", b"v0="), 400),
        (knock(media=b"text/plain"), 415),
    ],
)
async def test_what_the_headers_give_away_is_refused_unread(request_: Knock, status: int) -> None:
    """Of a request whose headers cannot be Slack's, not one byte of the body is read."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await guard(Recorder())(scope_of(request_), never, send)
    assert sent[0]["status"] == status


async def test_a_body_of_exactly_the_limit_gets_in() -> None:
    """The size limit is inclusive: 256 KiB are taken, one byte more is not, stated or streamed."""
    inside = Recorder()
    door = guard(inside)
    start = b"text="
    largest = start + b"x" * (256 * 1024 - len(start))
    assert (await knock_at(door, knock(largest))).status == 200
    too_large = knock(largest + b"x")
    assert (await knock_at(door, too_large)).status == 413
    assert (await knock_at(door, too_large.without(b"content-length"))).status == 413
    assert len(inside.bodies) == 1


async def test_a_slow_body_is_given_up() -> None:
    """A sender that stops in the middle of its body is refused after its time."""
    limits = Limits(body=Allowance(within=timedelta(milliseconds=20)))
    stuck = asyncio.Event()
    sent: list[Message] = []

    async def receive() -> Message:
        await stuck.wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await guard(Recorder(), limits=limits)(scope_of(knock()), receive, send)
    assert sent[0]["status"] == 400


async def test_a_signed_body_that_says_two_things_is_refused() -> None:
    """A body that Bolt could choke on is a 400 even when Slack signed it, and cannot be tried again."""
    inside = Recorder()
    door = guard(inside)
    broken = knock(b'payload={"a":1,"a":2}')
    assert [(await knock_at(door, broken)).status for _ in range(2)] == [400, 401]
    assert not inside.bodies


async def test_nothing_is_parsed_before_the_signature() -> None:
    """A broken body under a wrong signature is a forgery, not a syntax error: nobody looked inside."""
    forged = knock(b'{"a":', media=b"application/json", secret="another secret of Slack")
    assert (await knock_at(guard(Recorder()), forged)).status == 401


async def test_a_peer_that_is_refused_too_often_hears_429() -> None:
    """Beyond its share of refusals a peer hears 429 with Retry-After, and is no longer logged."""
    door = guard(Recorder(), limits=Limits(refusals_per_second=3))
    forged = knock(secret="another secret of Slack")
    with capture_logs() as logs:
        replies = [await knock_at(door, forged) for _ in range(10)]
    assert [reply.status for reply in replies] == [401] * 3 + [429] * 7
    assert replies[-1].headers[b"retry-after"] == b"1"
    assert len(logs) == 3


async def test_a_flood_keeps_no_genuine_click_out() -> None:
    """While forgeries through the same proxy hear 429, a signed click still gets in."""
    inside = Recorder()
    door = guard(inside, limits=Limits(refusals_per_second=1))
    for _ in range(10):
        await knock_at(door, knock(secret="another secret of Slack"))
    assert (await knock_at(door, knock())).status == 200
    assert inside.bodies == [CLICK]


async def test_peers_without_an_address_share_one_share() -> None:
    """Behind a local socket there is no address; the refusals are counted all the same."""
    door = guard(Recorder(), limits=Limits(refusals_per_second=1))
    nobody = replace(knock().without(b"x-slack-signature"), peer=None)
    assert [(await knock_at(door, nobody)).status for _ in range(2)] == [401, 429]


class Failing:
    """An app that fails at the given point: before its reply, with a 500, never replying, or after it."""

    def __init__(self, point: str) -> None:
        self._point = point

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._point == "silent":
            return
        if self._point in {"500", "after"}:
            status = 500 if self._point == "500" else 200
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b"U1 said a secret", "more_body": False})
        if self._point != "500":
            raise ValueError("U1 said a secret")


@pytest.mark.parametrize("point", ["before", "500", "silent"])
async def test_a_click_that_failed_on_our_side_is_visibly_not_taken(point: str) -> None:
    """When the listeners fail, Slack hears 503 without details, and the record says where."""
    with capture_logs() as logs:
        reply = await knock_at(guard(Failing(point)), knock())
    assert (reply.status, reply.body) == (503, b"Service Unavailable")
    assert [entry["event"] for entry in logs] == ["slack_request_failed"]


async def test_a_failure_after_the_answer_changes_no_answer() -> None:
    """What was acked stays acked; the failure that followed is logged with its type and place."""
    with capture_logs() as logs:
        reply = await knock_at(guard(Failing("after")), knock())
    assert reply.status == 200
    assert (logs[0]["event"], logs[0]["error"]) == ("slack_request_failed", "ValueError")
    assert "test_guard.py" in logs[0]["where"][-1]


async def test_a_stop_of_the_server_is_not_swallowed() -> None:
    """Cancellation passes through the guard: it is no failure of a listener."""

    async def stopped(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await knock_at(guard(stopped), knock())


async def test_no_log_holds_a_secret_a_signature_or_a_body() -> None:
    """Whatever happens at the door, its log lines hold neither our secret nor what people wrote."""
    body = b"payload=%7B%22text%22%3A%22planted-words%22%7D"
    genuine = knock(body)
    with capture_logs() as logs:
        for request in (
            genuine,
            genuine,
            knock(body, secret="another secret of Slack"),
            knock(body + b"&payload=", at=NOON),
            genuine.saying(b"x-slack-signature", b"planted-words"),
            replace(genuine, path="/planted-words"),
        ):
            await knock_at(guard(Failing("before")), request)
    written = repr(logs)
    assert len(logs) == 6
    for planted in (SECRET, "planted-words", "a secret", genuine.value(b"x-slack-signature").decode()[3:]):
        assert planted not in written


async def test_the_life_of_the_server_passes_through() -> None:
    """Start and stop of the server reach the app behind the guard."""
    seen: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def send(message: Message) -> None:
        seen.append(message["type"])

    await guard(inner)({"type": "lifespan"}, never, send)
    assert seen == ["lifespan"]


async def test_a_web_socket_is_closed() -> None:
    """Slack opens no web socket to us; who tries is turned away before the app."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    inside = Recorder()
    await guard(inside)({"type": "websocket", "path": PATH}, never, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert not inside.scopes


@pytest.mark.parametrize("secret", ["", " ", "\n" * 32, "short", " " * 20 + "short"])
def test_a_secret_that_cannot_be_slacks_is_refused_at_start(secret: str) -> None:
    """With an emptied or mistyped secret anybody could sign: such a guard is never built."""
    with pytest.raises(InvalidConfiguration):
        guard(Recorder(), secret=secret)


async def test_a_secret_with_a_line_end_is_the_secret() -> None:
    """A secret read from a file with its line end is the same secret."""
    assert (await knock_at(guard(Recorder(), secret=SECRET + "\n"), knock())).status == 200
