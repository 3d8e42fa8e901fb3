"""
A small Slack in one process: it keeps what the bot posts, refuses what Slack would refuse, and fails on cue.

It is an ASGI app, so slack_sdk reaches it over real HTTP (``fake_http.serve``) and httpx without any.
Its people (``person``) look at what was posted and click; their clicks go to the bot as signed requests.
"""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from escalation.clock import Clock
from tests.harness.block_kit import message_problems, view_problems
from tests.harness.fake_faults import (
    AcceptThenError,
    AcceptThenSilence,
    Duplicated,
    Fault,
    Lost,
    RateLimited,
    Refuses,
    ServerError,
    Slow,
)
from tests.harness.fake_http import Json, arguments_of, body_of, reply, token_of, until_gone

if TYPE_CHECKING:
    from tests.harness.fake_person import FakePerson

TEAM = "T01ANDON"
BOT_USER = "U0ANDON"
BOT_TOKEN = "xoxb-fake-andon"
#: Slack forgets a trigger after this long.
TRIGGER_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the bot answered to a signed request."""

    status: int
    body: bytes = b""

    @property
    def json(self) -> Json:
        found: Json = json.loads(self.body) if self.body.strip().startswith(b"{") else {}
        return found


Post = Callable[[str, Mapping[str, str], bytes], Awaitable[Answer]]


@dataclass(slots=True, kw_only=True)
class Posted:
    """A message as it stands; the bot may change it."""

    channel: str
    ts: str
    text: str
    blocks: list[Json]
    thread: str | None = None
    only_for: str | None = None  #: The user who alone sees it.
    edits: int = 0
    metadata: Json = field(default_factory=dict)

    def says(self, words: str) -> bool:
        return words in self.text or words in json.dumps(self.blocks, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the Web API."""

    method: str
    arguments: Json
    error: str | None  #: What it answered, if not ok.


@dataclass(slots=True, kw_only=True)
class FakeSlack:
    """One workspace. *people* and *channels* map what prose calls them to Slack's ids."""

    clock: Clock
    people: Mapping[str, str]
    channels: Mapping[str, str]
    signing_secret: str
    post: Post | None = None  #: Where the bot takes signed requests.
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    messages: list[Posted] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    homes: dict[str, Json] = field(default_factory=dict)
    modals: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    triggers: dict[str, tuple[str, float]] = field(default_factory=dict)
    _faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    _count: int = 0

    def person(self, name: str) -> "FakePerson":
        """Return whoever prose calls *name*."""
        from tests.harness.fake_person import FakePerson

        return FakePerson(slack=self, name=name, user=self.people[name])

    def fails(self, method: str, *faults: Fault) -> None:
        """Let the next calls of *method* meet *faults*, one each, in order."""
        self._faults[method].extend(faults)

    def channel_id(self, name: str) -> str:
        """Return the id of what prose calls *name*: a channel, an id, or ``@somebody``."""
        return f"D{self.people[name[1:]]}" if name.startswith("@") else self.channels.get(name, name)

    def in_channel(self, name: str) -> list[Posted]:
        """Return what everybody in the channel sees, oldest first."""
        id_ = self.channel_id(name)
        return [posted for posted in self.messages if posted.channel == id_ and posted.only_for is None]

    def next_id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count:08d}"

    def trigger(self, user: str) -> str:
        """Return a new trigger id: good for one view of *user*'s, for three seconds."""
        trigger = self.next_id("trigger.")
        self.triggers[trigger] = (user, self.clock.now().timestamp())
        return trigger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one call of the Web API, as an ASGI app."""
        if scope["type"] != "http":
            return
        arguments = arguments_of(scope, await body_of(receive))
        method = str(scope["path"]).removeprefix("/api/")
        faults = self._faults[method]
        fault = faults.popleft() if faults else None
        answer = await self._answer(scope, method, arguments, fault)
        if isinstance(fault, AcceptThenSilence):
            await until_gone(receive)
            return
        headers = {"retry-after": str(fault.after)} if isinstance(fault, RateLimited) else {}
        status = {RateLimited: 429, ServerError: 500, AcceptThenError: 500}.get(type(fault), 200)
        await reply(send, status, answer, headers)

    async def answers(self, method: str, arguments: Json) -> Json:
        """Take one call of the Web API that came another way than HTTP; it meets no faults."""
        return await self._answer({"headers": []}, method, {"token": BOT_TOKEN, **arguments}, None)

    async def _answer(self, scope: Scope, method: str, arguments: Json, fault: Fault | None) -> Json:
        match fault:
            case RateLimited():
                answer: Json = {"ok": False, "error": "ratelimited"}
            case ServerError():
                answer = {"ok": False, "error": "internal_error"}
            case Refuses(error=error):
                answer = {"ok": False, "error": error}
            case Slow(seconds=seconds):
                await asyncio.sleep(seconds)
                answer = self._do(scope, method, arguments)
            case Duplicated():
                self._do(scope, method, arguments)
                answer = self._do(scope, method, arguments)
            case Lost():
                before = list(self.messages)
                answer = self._do(scope, method, arguments)
                self.messages[:] = before
            case _:
                answer = self._do(scope, method, arguments)
        self.calls.append(Call(method=method, arguments=arguments, error=answer.get("error")))
        return answer

    def _do(self, scope: Scope, method: str, arguments: Json) -> Json:
        if token_of(scope, arguments) != BOT_TOKEN:
            return {"ok": False, "error": "invalid_auth"}
        handler = _METHODS.get(method)
        return {"ok": False, "error": "unknown_method"} if handler is None else handler(self, arguments)

    def knows(self, channel: str) -> bool:
        users = self.people.values()
        return channel in self.channels.values() or channel in {f"D{user}" for user in users}

    def keep(self, arguments: Json, *, only_for: str | None = None) -> Json:
        """Keep a message, or return why Slack would not."""
        channel = str(arguments.get("channel"))
        if not self.knows(channel):
            return {"ok": False, "error": "channel_not_found"}
        if problem := _message_problem(arguments):
            return problem
        ts = f"{int(self.clock.now().timestamp())}.{self.next_id('')[-6:]}"
        posted = Posted(
            channel=channel,
            ts=ts,
            text=arguments["text"],
            blocks=list(arguments.get("blocks") or []),
            thread=arguments.get("thread_ts"),
            only_for=only_for,
            metadata=dict(arguments.get("metadata") or {}),
        )
        self.messages.append(posted)
        return {"ok": True, "channel": channel, "ts": ts, "message": {"ts": ts, "text": posted.text}}


def _post_message(slack: FakeSlack, arguments: Json) -> Json:
    return slack.keep(arguments)


def _post_ephemeral(slack: FakeSlack, arguments: Json) -> Json:
    if arguments.get("user") not in slack.people.values():
        return {"ok": False, "error": "user_not_in_channel"}
    kept = slack.keep(arguments, only_for=str(arguments["user"]))
    return {"ok": True, "message_ts": kept["ts"]} if kept["ok"] else kept


def _update(slack: FakeSlack, arguments: Json) -> Json:
    where = (arguments.get("channel"), arguments.get("ts"))
    found = next((m for m in slack.messages if (m.channel, m.ts) == where and m.only_for is None), None)
    if found is None:
        return {"ok": False, "error": "message_not_found"}
    if problem := _message_problem(arguments):
        return problem
    found.text, found.blocks = arguments["text"], list(arguments.get("blocks") or [])
    found.edits += 1
    found.metadata = dict(arguments.get("metadata") or found.metadata)
    return {"ok": True, "channel": found.channel, "ts": found.ts}


def _history(slack: FakeSlack, arguments: Json) -> Json:
    channel, thread = str(arguments.get("channel")), arguments.get("ts")
    if not slack.knows(channel):
        return {"ok": False, "error": "channel_not_found"}
    told = [
        {"ts": m.ts, "text": m.text, **({"metadata": m.metadata} if _is_on(arguments) else {})}
        for m in reversed(slack.messages)
        if (m.channel, m.only_for) == (channel, None)
        and (m.thread is None if thread is None else thread in {m.ts, m.thread})
        and float(m.ts) > float(arguments.get("oldest") or 0)
    ]
    first, size = int(arguments.get("cursor") or 0), int(arguments.get("limit") or 100)
    more = str(first + size) if first + size < len(told) else ""
    cursor = {"response_metadata": {"next_cursor": more}}
    return {"ok": True, "messages": told[first : first + size], "has_more": bool(more), **cursor}


def _is_on(arguments: Json) -> bool:
    return str(arguments.get("include_all_metadata")).lower() in {"1", "true"}


def _permalink(_: FakeSlack, arguments: Json) -> Json:
    where = f"{arguments['channel']}/p{str(arguments['message_ts']).replace('.', '')}"
    return {"ok": True, "permalink": f"https://andon.slack.example/archives/{where}"}


def _open_conversation(slack: FakeSlack, arguments: Json) -> Json:
    users = arguments.get("users", "")
    user = str(users[0] if isinstance(users, list) else str(users).split(",")[0])
    if user not in slack.people.values():
        return {"ok": False, "error": "user_not_found"}
    return {"ok": True, "channel": {"id": f"D{user}"}}


def _open_view(slack: FakeSlack, arguments: Json) -> Json:
    user, since = slack.triggers.pop(str(arguments.get("trigger_id")), ("", 0.0))
    if not user:
        return {"ok": False, "error": "invalid_trigger_id"}
    if slack.clock.now().timestamp() - since > TRIGGER_SECONDS:
        return {"ok": False, "error": "expired_trigger_id"}
    if problem := _view_problem(arguments):
        return problem
    opened = {**arguments["view"], "id": slack.next_id("V")}
    slack.modals[user] = [opened]
    return {"ok": True, "view": opened}


def _update_view(slack: FakeSlack, arguments: Json) -> Json:
    if problem := _view_problem(arguments):
        return problem
    for stack in slack.modals.values():
        for index, shown in enumerate(stack):
            if shown["id"] == arguments.get("view_id"):
                stack[index] = {**arguments["view"], "id": shown["id"]}
                return {"ok": True, "view": stack[index]}
    return {"ok": False, "error": "not_found"}


def _publish(slack: FakeSlack, arguments: Json) -> Json:
    if problem := _view_problem(arguments):
        return problem
    slack.homes[str(arguments.get("user_id"))] = arguments["view"]
    return {"ok": True, "view": arguments["view"]}


def _identify(_: FakeSlack, __: Json) -> Json:
    who = {"team": "Andon", "team_id": TEAM, "user": "andon", "user_id": BOT_USER, "bot_id": "B0ANDON"}
    return {"ok": True, "url": "https://andon.slack.example/", **who}


def _group(slack: FakeSlack, arguments: Json) -> Json:
    users = slack.groups.get(str(arguments.get("usergroup")))
    return {"ok": False, "error": "no_such_subteam"} if users is None else {"ok": True, "users": list(users)}


_METHODS: Mapping[str, Callable[[FakeSlack, Json], Json]] = {
    "auth.test": _identify,
    "chat.getPermalink": _permalink,
    "chat.postMessage": _post_message,
    "chat.postEphemeral": _post_ephemeral,
    "chat.update": _update,
    "conversations.history": _history,
    "conversations.open": _open_conversation,
    "conversations.replies": _history,
    "usergroups.users.list": _group,
    "views.open": _open_view,
    "views.publish": _publish,
    "views.update": _update_view,
}


def _message_problem(arguments: Json) -> Json | None:
    if not arguments.get("text"):
        return {"ok": False, "error": "no_text"}
    return _problem("invalid_blocks", message_problems(arguments))


def _view_problem(arguments: Json) -> Json | None:
    shown = arguments.get("view")
    problems = view_problems(shown) if isinstance(shown, dict) else ["view: is missing"]
    return _problem("invalid_arguments", problems)


def _problem(error: str, problems: list[str]) -> Json | None:
    return {"ok": False, "error": error, "response_metadata": {"messages": problems}} if problems else None
