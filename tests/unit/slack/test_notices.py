"""Notes, alerts, answers and the Home tab say what happened, what was done and what one can do."""

from dataclasses import replace
from typing import get_args

import pytest

from bot.slack.render import home, notices, private_replies
from bot.slack.render.block_kit import action_ids
from bot.slack.render.block_kit.blocks import Message
from bot.wording.times import Times
from escalation import notice
from escalation.grant import GrantState, LateReport, Report
from escalation.ids import RequestId
from escalation.reason import Reason, Refused
from escalation.request import State, Verdict
from escalation.switch import EVERYTHING, Scope, ScopeKind, Stop, Switch
from tests.harness.block_kit import elements, message_problems, texts, view_problems
from tests.harness.oracles import accept_message, accept_view
from tests.harness.views import (
    BANK,
    DIRECTORY,
    NADIA,
    NOON,
    PEOPLE,
    REQUEST,
    SALMA,
    action_type,
    agent,
    decision,
    grant,
    question,
    request,
    view,
)

TIMES = Times(now=NOON, zone="Asia/Muscat")
NOTICES: tuple[notice.Notice, ...] = (
    notice.Asked(),
    notice.Nudged(),
    notice.BackupCalled(backup="maryam"),
    notice.Acknowledged(by="khalid"),
    notice.ApprovedByOne(by="salma", missing=1),
    notice.Settled(state="rejected", by="salma", text="Wrong account"),
    notice.AskedAgain(by="salma", follow="req_2"),
    notice.Unanswered(state="timed_out", why="nobody decided in time"),
    notice.EffectUnknown(grant="grt_1"),
    notice.EffectResolved(grant="grt_1", by="nadia", report="succeeded"),
    notice.Stopped(scope="agent:bank-reconciliation", by="nadia", reason="Wrong ledger"),
    notice.Resumed(scope="all", by="maryam", stopped_by="nadia"),
    notice.Sealed(seq=42, hash="ab" * 32),
    notice.EffectFailed(grant="grt_1"),
    notice.Swept(scope="agent:bank-reconciliation", killed=1204, late=1, revoked=3),
    notice.ConfigurationRefused(in_force="73b81a7f1ce4", why="andon.yaml:7: people: is empty"),
    notice.ConfigurationNotLoaded(host="andon-2", why="andon.yaml:7: shifts: is no key"),
    notice.NeverShown(count=7, since="2026-11-20T12:00:00.000000Z", until="2026-11-20T13:00:00.000000Z"),
    notice.SetAside(kind="requests", id="req_1", why="state is none that this version knows", more=3),
    notice.SealRefused(channel="C04AUDIT", why="not_in_channel"),
    notice.ReleasesFrozen(why="the head kept outside is at 52, this database ends at 40"),
    notice.RestoreAcknowledged(by="nadia", reason="Disk failed", unknown=3),
    notice.Sealed(seq=42, hash="ab" * 32, epoch=2),
    notice.EffectContradicted(grant="grt_1", by="nadia", report="failed"),
)
STOPPED = Switch(scope=EVERYTHING, stop=Stop(by=NADIA, at=NOON, reason="Wrong ledger"))


def checked(message: Message) -> str:
    assert message_problems({"text": message.text, "blocks": message.blocks}) == []
    accept_message(message.text, message.blocks)
    return "\n".join(text for _, text in texts(message.blocks))


def said(shown: notice.Notice) -> str:
    return checked(
        notices.message(shown, notices.Surroundings(directory=DIRECTORY, times=TIMES, view=view()))
    )


def test_every_note_is_drawn() -> None:
    """There is a sentence for each notice that the core can write, from its stored form."""
    assert {type(shown) for shown in NOTICES} == set(get_args(notice.Notice))
    for shown in NOTICES:
        assert said(notice.parse(notice.body(shown)))


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (NOTICES[1], "<@U02KHALID> and <@U01SALMA>: half of the time is over. Nobody has decided yet."),
        (NOTICES[2], "*Maryam Al Lawati*, you are the backup for bank-reconciliation."),
        (NOTICES[3], "*Khalid Al Balushi* is looking. The reminders pause; the deadline stands."),
        (NOTICES[4], "*Salma Al Harthi* approved. *One more approval is needed.*"),
        (NOTICES[5], "Rejected by *Salma Al Harthi*. *Nothing was done.*\n│ Wrong account"),
        (NOTICES[7], "*What was done:* nothing; that is the safe default."),
        (NOTICES[8], "it is not tried again, because it may have happened"),
        (NOTICES[9], "*Nadia Al Kindi* found out that *it happened*."),
        (
            NOTICES[10],
            "*What was done:* nothing new starts, and what waits is being ended; how much, follows here.",
        ),
        (NOTICES[14], "1,204 requests ended, 3 approvals taken back."),
        (NOTICES[14], "1 request had timed out before."),
        (NOTICES[11], "*Maryam Al Lawati* resumed every agent, which *Nadia Al Kindi* had stopped."),
        (NOTICES[13], "it is not tried again under this approval"),
        (NOTICES[15], "nothing changed; 73b81a7f1ce4 stays in force."),
        (NOTICES[16], "a process on andon-2 cannot load the configuration in force."),
        (NOTICES[12], "Seal of the record: 42 events, head " + "ab" * 32),
        (NOTICES[18], "one row of requests cannot be used: state is none that this version knows."),
        (NOTICES[18], "Nobody can decide it and its deadline does not run. Everything else goes on."),
        (NOTICES[18], "then andon doctor --release req_1."),
        (NOTICES[18], "*And 3 rows more*, which are not named here."),
        (NOTICES[20], "the head kept outside is at 52, this database ends at 40."),
        (NOTICES[20], "andon restore acknowledge --by YOU --reason WHY"),
        (
            NOTICES[21],
            "everything is stopped, what waits ends, no approval can be used; 3 outcomes to be",
        ),
        (NOTICES[22], "ab" * 32 + ", epoch 2"),
        (NOTICES[19], "Slack takes no seals in <#C04AUDIT>: not_in_channel."),
        (
            NOTICES[23],
            "*Nadia Al Kindi* found out that *it happened*. Now the agent reports that *it failed*.",
        ),
    ],
)
def test_notices_say_what_matters(shown: notice.Notice, words: str) -> None:
    """Each notice names people, consequence and way out."""
    assert words in said(shown)


def test_a_summary_names_some_and_counts_the_rest() -> None:
    """It says how many, since when and which; each that nobody answered can be asked again from it."""
    states = enumerate((State.UNDELIVERABLE, State.TIMED_OUT, State.CANCELLED))
    asked = [replace(request(state=s, settled_at=NOON), id=RequestId(f"req_{n}")) for n, s in states]
    ended = [view(each) for each in asked]
    surroundings = notices.Surroundings(directory=DIRECTORY, times=TIMES, named=tuple(ended))
    message = notices.message(NOTICES[17], surroundings)
    shown = checked(message)
    assert "7 requests ended before their cards could be shown to anybody" in shown
    assert "• and 4 more" in shown
    assert "req_2" in shown
    again = [(e["action_id"], e["value"]) for e in elements(message.blocks)]
    assert again == [(action_ids.ASK_AGAIN, "req_0"), (action_ids.ASK_AGAIN, "req_1")]


def test_a_summary_holds_no_words_of_an_agent() -> None:
    """It stands among our own sentences: nothing that an agent wrote about its request is in it."""
    words = replace(request().words, summary="FROM-AGENT", reasoning="FROM-AGENT", workflow="FROM-AGENT")
    asked = request(state=State.CANCELLED, settled_at=NOON, reason="FROM-AGENT", words=words)
    surroundings = notices.Surroundings(directory=DIRECTORY, times=TIMES, named=(view(asked),))
    message = notices.message(NOTICES[17], surroundings)
    assert asked.id in checked(message)
    assert "FROM-AGENT" not in f"{message.text}{message.blocks}"


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1 request ended before its card"), (2, "2 requests ended before")]
)
def test_a_summary_counts_in_english(number: int, words: str) -> None:
    """One request has its card, and several have theirs."""
    shown = said(notice.NeverShown(count=number))
    assert words in shown
    assert ("their cards" in shown) == (number > 1)


def test_nobody_is_sent_to_a_card_that_is_not_there() -> None:
    """Of a request whose card was never posted, the alarm does not say that it can be asked again from it."""
    unanswered = notice.Unanswered(state="undeliverable", why="is_archived")
    never = view(request(state=State.UNDELIVERABLE, settled_at=NOON, delivered_at=None))
    surroundings = notices.Surroundings(directory=DIRECTORY, times=TIMES, view=never)
    assert "from the card" not in (shown := checked(notices.message(unanswered, surroundings)))
    assert "There is no card to ask it again from" in shown
    assert "from the card" in said(NOTICES[7])


@pytest.mark.parametrize(("lane", "place"), [("@nadia", "*Nadia Al Kindi*"), ("C03ALERTS", "<#C03ALERTS>")])
def test_an_alarm_that_went_another_way_says_so(lane: str, place: str) -> None:
    """Whoever reads it in the place of others knows whom it was meant for."""
    surroundings = notices.Surroundings(directory=DIRECTORY, times=TIMES, view=view(), meant_for=lane)
    assert f"Meant for {place}: Slack does not take it there." in checked(
        notices.message(NOTICES[7], surroundings)
    )


def test_a_twin_leads_to_the_card_that_counts() -> None:
    """It has no buttons, and a link where Slack gave one."""
    message = notices.twin("https://andon.slack.example/archives/C1/p1")
    assert "<https://andon.slack.example/archives/C1/p1|the card that counts>" in checked(message)
    assert list(elements(message.blocks)) == []
    assert "See" not in checked(notices.twin(""))


def test_alerts_bring_owner_and_runbook() -> None:
    """Whoever is woken by an alert finds the runbook in it."""
    for shown in (NOTICES[7], NOTICES[8]):
        assert (
            "Runbook: <https://git.example/andon/runbooks/bank-reconciliation.md|bank-reconciliation>"
            in said(shown)
        )


def test_an_unknown_effect_is_resolved_by_two_buttons() -> None:
    """The alert lets a person say whether it happened; each button carries the grant's id alone."""
    message = notices.message(NOTICES[8], notices.Surroundings(directory=DIRECTORY, times=TIMES, view=view()))
    buttons = [(e["action_id"], e["value"]) for e in elements(message.blocks)]
    assert buttons == [(action_ids.RESOLVE_SUCCEEDED, "grt_1"), (action_ids.RESOLVE_FAILED, "grt_1")]


def test_a_failure_does_not_tell_what_is_hidden() -> None:
    """An agent that repeats a hidden value in its report has it masked."""
    hidden = view(
        request({"amount": "5", "iban": "OM810180000001299123456"}),
        agent=agent(action_type(redact=frozenset({"iban"}))),
        grant=grant(state=GrantState.FAILED, result='{"error":"no account OM810180000001299123456"}'),
    )
    surroundings = notices.Surroundings(directory=DIRECTORY, times=TIMES, view=hidden)
    message = checked(notices.message(notice.EffectFailed(grant="grt_1"), surroundings))
    assert "no account ••••" in message
    assert "OM81" not in message


def test_a_late_report_does_not_tell_what_is_hidden() -> None:
    """What the agent reported too late is in the alarm, with hidden values masked in it."""
    iban = "OM810180000001299123456"
    late = LateReport(report=Report.SUCCEEDED, result=f'{{"paid":"{iban}"}}', at=NOON)
    hidden = view(
        request({"amount": "5", "iban": iban}),
        agent=agent(action_type(redact=frozenset({"iban"}))),
        grant=grant(state=GrantState.UNKNOWN, late=late),
    )
    surroundings = notices.Surroundings(directory=DIRECTORY, times=TIMES, view=hidden)
    message = checked(notices.message(notice.EffectUnknown(grant="grt_1"), surroundings))
    assert '{"paid":"••••' in message
    assert "too late to count" in message
    assert "OM81" not in message


def test_an_alarm_without_its_request_is_still_raised() -> None:
    """No notice fails to draw because the request cannot be read."""
    for shown in NOTICES:
        checked(notices.message(shown, notices.Surroundings(directory=DIRECTORY, times=TIMES)))


def test_status_tells_who_runs_and_who_is_stopped() -> None:
    """Status names each agent's state, who stopped it and why, and how much waits."""
    shown = private_replies.Status(
        agents=(agent(),), stopped=(), waiting={BANK: 1}, directory=DIRECTORY, times=TIMES
    )
    assert "*bank-reconciliation* is running" in checked(private_replies.status(shown))
    assert "1 request waits." in checked(private_replies.status(shown))
    assert "Nothing waits." in checked(private_replies.status(replace(shown, waiting={})))
    halted = checked(private_replies.status(replace(shown, stopped=(STOPPED,))))
    assert "bank-reconciliation is stopped* (all) by Nadia Al Kindi" in halted
    assert "Reason: Wrong ledger" in halted


def test_a_stopped_action_type_is_not_forgotten() -> None:
    """A stop that holds no whole agent is listed by itself."""
    one = replace(STOPPED, scope=Scope(ScopeKind.ACTION, "ledger.post"))
    shown = private_replies.Status(
        agents=(agent(),), stopped=(one,), waiting={}, directory=DIRECTORY, times=TIMES
    )
    assert "*Stopped as well:* action:ledger.post" in checked(private_replies.status(shown))


def test_the_queue_leads_to_the_full_view() -> None:
    """Each waiting request can be opened to decide, never approved from a list that shows a part of it."""
    message = private_replies.queue([view(), view(question("a"))])
    assert {element["action_id"] for element in elements(message.blocks)} == {action_ids.FULL}
    assert checked(private_replies.queue([])) == "Nothing waits for your decision."


def test_a_late_click_is_offered_another_ask() -> None:
    """Too late is said politely, with one button that asks again."""
    over = view(replace(request(), state=State.TIMED_OUT))
    for shown, says in ((over, "Nobody decided in time"), (view(), "The deadline has passed")):
        message = private_replies.late(shown)
        assert "Too late: your click changed nothing." in checked(message)
        assert says in checked(message)
        assert [(e["action_id"], e["value"]) for e in elements(message.blocks)] == [
            (action_ids.ASK_AGAIN, REQUEST)
        ]


def test_a_late_click_is_told_who_was_first() -> None:
    """Whoever lost the race reads who decided and what; there is nothing left to click."""
    done = replace(request(), state=State.REJECTED, decisions=(decision(SALMA, Verdict.REJECT, text="Paid"),))
    message = private_replies.late(view(replace(done, reason="Paid")))
    assert "Rejected by *Salma Al Harthi*" in checked(message)
    assert "Paid" in checked(message)
    assert list(elements(message.blocks)) == []


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_has_words(reason: Reason) -> None:
    """A refusal is never an empty answer."""
    assert len(checked(private_replies.refused(Refused(reason)))) > 10


def test_help_and_mistyped_commands_list_the_commands() -> None:
    """Whatever is typed, one learns what can be typed."""
    assert "*/andon stop SCOPE [reason]*" in checked(private_replies.help_())
    assert "There is no /andon frobnicate." in checked(private_replies.unknown_command("frobnicate"))
    assert "*/andon queue*" in checked(private_replies.unknown_command("frobnicate"))
    assert "There is no /andon stpo. Did you mean /andon stop?" in checked(
        private_replies.unknown_command("stpo")
    )


def test_moving_a_switch_is_confirmed() -> None:
    """Whoever stops or resumes hears that it holds."""
    assert "*Stopped:* every agent." in checked(private_replies.stopped(EVERYTHING))
    assert "*Resumed:* every agent." in checked(private_replies.resumed(EVERYTHING))


def test_home_shows_queue_agents_and_past_decisions() -> None:
    """Home: what waits with a way to decide, the agents with a stop each, and what I decided."""
    done = request(state=State.APPROVED, decisions=(decision(SALMA, Verdict.APPROVE),))
    shown = home.Home(
        person=PEOPLE[0],
        directory=DIRECTORY,
        times=TIMES,
        queue=(view(),),
        agents=(agent(),),
        stopped=(),
        decided=(view(done),),
    )
    drawn = home.home(shown)
    assert view_problems(drawn) == []
    accept_view(drawn)
    said_ = "\n".join(text for _, text in texts(drawn))
    assert "amount 1250.00, currency OMR" in said_
    assert (
        "*Approved* · bank-reconciliation: amount 1250.00, currency OMR, account 2100 and 1 more value"
        " · Sun 22 Nov at 12:03 Asia/Muscat" in said_
    )
    assert [e["action_id"] for e in elements(drawn)] == [action_ids.FULL, action_ids.REJECT, action_ids.STOP]
    halted = home.home(replace(shown, stopped=(STOPPED,), queue=()))
    assert [(e["action_id"], e["value"]) for e in elements(halted)] == [(action_ids.RESUME, "all")]


def test_home_stays_within_limits_however_much_waits() -> None:
    """A hundred waiting requests and a hundred agents still make a view."""
    shown = home.Home(
        person=PEOPLE[0],
        directory=DIRECTORY,
        times=TIMES,
        queue=(view(),) * 100,
        agents=(agent(),) * 100,
        stopped=(),
        decided=(view(request()),) * 100,
    )
    assert view_problems(home.home(shown)) == []


def test_a_stranger_sees_nothing() -> None:
    """An account that belongs to nobody gets a Home with a sentence and no button."""
    assert view_problems(home.stranger()) == []
    assert list(elements(home.stranger())) == []
