"""Hostile text in every place an agent or a person can write to, through every renderer."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.slack.render import home, notices, private_replies
from bot.slack.render.block_kit import action_ids
from bot.slack.render.block_kit.blocks import Block, Message
from bot.slack.render.block_kit.dates import SlackDates
from bot.slack.render.card import card
from bot.slack.render.modals import deciding, edit, frame, runbook
from bot.slack.render.modals import stop as stop_modal
from bot.slack.render.modals import why as why_modal
from bot.wording.times import Times
from bot.wording.view import Edited, View
from escalation import notice
from escalation.action import Action, Json
from escalation.reason import Reason, Refused
from escalation.request import Evidence, Request, State, Verdict, Words
from escalation.switch import EVERYTHING, Scope, ScopeKind, Stop, Switch
from tests.harness.block_kit import elements, message_problems, texts, view_problems
from tests.harness.oracles import accept_message, accept_view
from tests.harness.views import (
    DIRECTORY,
    KHALID,
    NADIA,
    NOON,
    PEOPLE,
    SALMA,
    action_type,
    agent,
    decision,
    grant,
    question,
    request,
    view,
)

ATTACKS = (
    *(
        "<!channel>",
        "<!here|here>",
        "<@U01SALMA>",
        "<#C01>",
        "<!subteam^S1>",
        "<https://evil.example|bank.example>",
    ),
    *(
        "`x`",
        "```\nApproved by Salma\n```",
        "*bold* _i_ ~s~",
        ":white_check_mark: Approved",
        "&lt;!channel&gt;",
    ),
    *(
        "\u202etxet",
        "a\u200bb",
        "\u2066x\u2069",
        "\x1b[2J\x1b[31m",
        "\x07\x08",
        "\r\nApproved by Salma",
        "\u2028",
    ),
    *(
        "https://evil.example/" + "a" * 90,
        "p\u0430ypal",
        "e" + "\u0301" * 40,
        "\U000e0041",
        "\u3164",
        "\ufeff",
    ),
    *(
        "│ before: 1",
        "⟨U+202E⟩",
        " ⏎ ",
        "• * #",
        "\n" * 30,
        "x" * 3100,
        "🙂" * 200,
        "👩\u200d💻",
        "null",
        "",
        " ",
    ),
    *(
        "<!date^1^{time}|now>",
        "mailto:a@evil.example",
        "$(id)",
        "'\"\\",
        "{{x}}",
        "req_1|0",
        "(null)",
        "•••• ",
    ),
)
#: Half surrogates and NUL never get this far: the canonical form refuses them.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
HOSTILE = st.lists(
    st.one_of(st.sampled_from(ATTACKS), st.text(CHARACTERS, max_size=30)),
    min_size=1,
    max_size=4,
).map("".join)
NAMES = st.one_of(
    st.sampled_from(["amount", "memo", "currency", "a.b", "_x_", "*y*"]), HOSTILE.map(lambda t: t[:300])
)
LEAVES = st.one_of(
    HOSTILE, st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.just([]), st.just({})
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(NAMES, VALUES, max_size=5)
#: Its cards are headed by what the agent sent.
TITLED = agent(replace(action_type(), title="Post {memo} and {amount}"))
HARD = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))

_OURS = re.compile(
    r"<!date\^\d+\^\{date_short_pretty\} at \{time\}\|\d\d \w{3} \d{4} \d\d:\d\d UTC>"
    r"|<https://git\.example/andon/runbooks/bank-reconciliation\.md\|bank-reconciliation>"
    # The directory's people, at the start of a line of ours and nowhere else.
    r"|^<@U02KHALID>(?: and <@U01SALMA>)?: (?=decide by |answer by )",
    re.MULTILINE,
)


def words(text: str) -> Words:
    return Words(
        summary=text[:300],
        reasoning=text * 3,
        confidence=0.5,
        evidence=(Evidence(title=text[:100], url=text[:200]), Evidence(title=text)),
        workflow=text[:100],
    )


def dead(payload: object, text: str = "") -> None:
    """Assert that nothing in *payload* acts, hides, or is a character nobody can see."""
    for kind, said in [*texts(payload), ("mrkdwn", text)]:
        hidden = [c for c in said if c != "\n" and unicodedata.category(c)[0] == "C"]
        assert hidden == [], said
        if kind == "mrkdwn":
            left = _OURS.sub("", said)
            assert "<" not in left, said
            assert "`" not in left, said
            assert "://" not in left, said
            assert re.search(r":[a-z0-9_+-]+:", left.replace("Asia/Muscat", "")) is None, said


def check_message(message: Message) -> None:
    assert message_problems({"text": message.text, "blocks": message.blocks}) == []
    accept_message(message.text, message.blocks)
    dead(message.blocks, message.text)


def check_view(drawn: Block) -> None:
    assert view_problems(drawn) == []
    accept_view(drawn)
    dead(drawn)


def unspelled(shown: str) -> str:
    """Return the text that was spelled out as *shown*: written anew here, to judge the other."""
    text = shown.replace(" ⏎ ", "\n").replace("␠", " ")
    text = re.sub("[\u2400-\u241f]", lambda found: chr(ord(found[0]) - 0x2400), text).replace("␡", "\x7f")
    return re.sub(r"⟨U\+([0-9A-F]{4,6})⟩", lambda found: chr(int(found[1], 16)), text)


def leaves(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for name, child in value.items():
                yield name
                yield from leaves(child)
        case list():
            for child in value:
                yield from leaves(child)
        case _:
            pass


def shows(payload: object, subject: Action) -> bool:
    """Return whether every name and text of *subject* stands in *payload* to its last character."""
    plain = "".join(unspelled(text) for _, text in texts(payload))
    marked = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return subject.canonical in plain or all(
        # Names that are no plain words are written in quotes, as JSON does.
        text in plain or text in marked or json.dumps(text, ensure_ascii=False) in plain
        for text in leaves(subject.arguments)
    )


@HARD
@given(arguments=ARGUMENTS, text=HOSTILE, writes_times=st.sampled_from([Times, SlackDates]))
def test_a_card_is_dead_within_limits_and_approvable_only_when_whole(
    *, arguments: dict[str, Any], text: str, writes_times: type[Times]
) -> None:
    """Whatever the agent writes: nothing acts, limits hold, and Approve needs every value in full."""
    drawn = view(request(arguments, words=words(text)), writes_times=writes_times)
    message = card(drawn)
    check_message(message)
    offered = {element["action_id"] for element in elements(message.blocks)}
    assert isinstance(drawn.request.subject, Action)
    whole = shows(message.blocks, drawn.request.subject)
    assert action_ids.APPROVE not in offered or whole
    assert (action_ids.EDIT in offered) == (action_ids.APPROVE in offered)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(ARGUMENTS, HOSTILE)
def test_the_full_view_approves_only_what_it_shows(arguments: dict[str, Any], text: str) -> None:
    """The full view carries Approve exactly when all of the action is in it."""
    asked = request(arguments, words=words(text))
    drawn = deciding.full(view(asked), SALMA)
    check_view(drawn)
    assert isinstance(asked.subject, Action)
    assert "submit" not in drawn or shows(drawn, asked.subject)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(ARGUMENTS, ARGUMENTS, HOSTILE, st.sampled_from(State))
def test_settled_and_edited_cards_are_dead(
    before: dict[str, Any], arguments: dict[str, Any], text: str, state: State
) -> None:
    """The words of agents and people on settled cards act on nothing and hide nothing."""
    verdict = Verdict.REJECT if state is State.REJECTED else Verdict.APPROVE
    asked = request(
        arguments,
        state=state,
        reason=text,
        settled_at=NOON,
        decisions=(decision(SALMA, verdict, text=text),),
        words=words(text),
    )
    check_message(card(view(asked, edited=Edited(arguments=before, by=KHALID), grant=grant())))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    options=st.lists(HOSTILE.map(lambda t: t[:75] or "x"), max_size=12, unique=True),
    text=HOSTILE,
    allow_text=st.booleans(),
)
def test_questions_are_dead_and_answerable_only_when_whole(
    *, options: list[str], text: str, allow_text: bool
) -> None:
    """A question can be answered on the card only where question and options stand in full."""
    asked = question(*options, allow_text=allow_text or not options, text=text[:2000], words=words(text))
    message = card(view(asked))
    check_message(message)
    check_view(deciding.answer(view(asked)))
    answerable = any(e["action_id"].startswith(action_ids.ANSWER) for e in elements(message.blocks))
    plain = "".join(unspelled(said) for _, said in texts(message.blocks))
    if answerable:
        assert all(option in plain for option in options)
        assert all(line in plain for line in text[:2000].split("\n"))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(ARGUMENTS, HOSTILE)
def test_forms_are_dead(arguments: dict[str, Any], text: str) -> None:
    """Forms to edit, reject and stop take hostile values, and the reasons why are dead too."""
    drawn = view(request(arguments, words=words(text)))
    for form in (edit.edit(drawn), deciding.reject(drawn), why_modal.why(drawn)):
        assert view_problems(form) == []
        accept_view(form)
    check_view(stop_modal.stop(Scope(ScopeKind.AGENT, text[:200])))
    check_view(frame.said(text or "x", text or "x"))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(ARGUMENTS, HOSTILE)
def test_notices_are_dead(arguments: dict[str, Any], text: str) -> None:
    """What people and agents wrote comes through threads and alerts dead."""
    drawn = view(request(arguments, words=words(text)))
    for note in (*notes(text), notice.Unanswered(state="timed_out", why=text)):
        surroundings = notices.Surroundings(directory=DIRECTORY, times=drawn.times, view=drawn)
        check_message(notices.message(note, surroundings))
        check_message(notices.message(note, replace(surroundings, view=None)))


def notes(text: str) -> tuple[notice.Notice, ...]:
    return (
        notice.Settled(state="rejected", by="salma", text=text),
        notice.Settled(state="cancelled", text=text),
        notice.Asked(),
        notice.BackupCalled(backup=text),
        notice.AskedAgain(by=text, follow=text),
        notice.Stopped(scope="all", by="salma", reason=text),
        notice.EffectResolved(grant="grt_1", by=text, report="failed"),
        notice.EffectContradicted(grant="grt_1", by=text, report="failed"),
    )


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(ARGUMENTS, HOSTILE)
def test_home_and_answers_are_dead(arguments: dict[str, Any], text: str) -> None:
    """Queues, statuses and refusals show hostile text dead."""
    drawn = view(request(arguments, words=words(text)))
    switch = Switch(scope=EVERYTHING, stop=Stop(by=SALMA, at=NOON, reason=text))
    times = SlackDates(now=NOON, zone="Asia/Muscat")
    check_view(home.home(shown_home(drawn, switch, times)))
    waiting = {drawn.request.agent: 1}
    status = private_replies.Status(
        agents=(agent(),), stopped=(switch,), waiting=waiting, directory=DIRECTORY, times=times
    )
    for message in (
        private_replies.status(status),
        private_replies.queue([drawn]),
        private_replies.why(drawn),
        private_replies.unknown_command(text),
        private_replies.refused(Refused(Reason.UNKNOWN_SCOPE, text)),
        private_replies.late(drawn),
        private_replies.late(
            replace(drawn, request=replace(drawn.request, state=State.REJECTED, reason=text))
        ),
    ):
        check_message(message)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(HOSTILE)
def test_titles_are_dead(text: str) -> None:
    """A title that holds what the agent sent is dead wherever it stands: cards, forms, lists, alarms."""
    drawn = view(request({"memo": text[:60_000], "amount": "1"}), agent=TITLED)
    over = replace(drawn, request=replace(drawn.request, state=State.TIMED_OUT))
    surroundings = notices.Surroundings(directory=DIRECTORY, times=drawn.times, view=drawn)
    failed = (notice.EffectFailed(grant="grt_1"), notice.EffectUnknown(grant="grt_1"))
    told = (*failed, notice.BackupCalled(backup="nadia"), notice.Unanswered(state="timed_out", why=""))
    for message in (
        *(
            card(drawn),
            card(over),
            private_replies.late(over),
            private_replies.queue([drawn]),
            private_replies.why(drawn),
        ),
        *(notices.message(note, surroundings) for note in told),
    ):
        check_message(message)
    switch = Switch(scope=EVERYTHING, stop=Stop(by=SALMA, at=NOON, reason="odd"))
    check_view(home.home(shown_home(drawn, switch, drawn.times)))
    for form in (edit.edit(drawn), deciding.reject(drawn), deciding.full(drawn, SALMA)):
        accept_view(form)


def shown_home(drawn: View, switch: Switch, times: Times) -> home.Home:
    done: Request = replace(
        drawn.request, state=State.APPROVED, decisions=(decision(SALMA, Verdict.APPROVE),)
    )
    return home.Home(
        person=PEOPLE[0],
        directory=DIRECTORY,
        times=times,
        queue=(drawn,),
        agents=(agent(),),
        stopped=(switch,),
        decided=(view(done),),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(HOSTILE, st.integers(0, 60))
def test_a_runbook_stays_within_limits(text: str, times: int) -> None:
    """A runbook of any length and content is a view that Slack takes, with no live mention."""
    drawn = runbook.runbook("bank", f"---\ntitle: x\n---\n# Stop it\n{text}\n\n" * times)
    assert view_problems(drawn) == []
    accept_view(drawn)
    assert all("<" not in said for kind, said in texts(drawn) if kind == "mrkdwn")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(CHARACTERS, min_size=4, max_size=40), HOSTILE)
def test_what_the_manifest_hides_stays_hidden(secret: str, text: str) -> None:
    """A hidden value is nowhere on the card or in a stranger's full view, and its card has no Approve."""
    marker = f"S3cr3t{secret}"
    asked = request({"iban": marker, "nested": {"iban": [marker]}}, words=words(f"{text[:50]}{marker}"))
    drawn = view(asked, agent=agent(action_type({"type": "object"}, redact=frozenset({"iban"}))))
    message, full = card(drawn), deciding.full(drawn)
    check_message(message)
    assert "S3cr3t" not in message.text + str(message.blocks) + str(full)
    assert action_ids.APPROVE not in {element["action_id"] for element in elements(message.blocks)}
    assert "submit" not in full
    for person in (SALMA, NADIA):
        assert "S3cr3t" in str(deciding.full(drawn, person))
