"""The card shows the whole action, the facts apart from the agent's words, and the right buttons."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.slack.render.block_kit import action_ids
from bot.slack.render.block_kit.blocks import Message
from bot.slack.render.block_kit.dates import SlackDates
from bot.slack.render.card import card
from bot.wording.view import Edited
from escalation.action import Json
from escalation.authority import Terms
from escalation.grant import GrantState
from escalation.ids import RequestId
from escalation.ladder import Rung
from escalation.ports import Step
from escalation.request import State, Verdict
from tests.harness.block_kit import elements, message_problems, texts
from tests.harness.oracles import accept_message
from tests.harness.views import (
    ARGUMENTS,
    KHALID,
    NOON,
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


def drawn(*args: Any, **changes: Any) -> Message:
    """Return a card that Slack and both oracles take."""
    message = card(view(*args, **changes))
    assert message_problems({"text": message.text, "blocks": message.blocks}) == []
    accept_message(message.text, message.blocks)
    return message


def actions(message: Message) -> list[str]:
    return [element["action_id"] for element in elements(message.blocks)]


def words(message: Message) -> str:
    return "\n".join(text for _, text in texts(message.blocks))


def test_a_whole_action_can_be_approved_with_one_click() -> None:
    """A card that shows everything offers Approve, Edit, Reject and more, and asks for no confirmation."""
    message = drawn()
    assert actions(message) == [action_ids.APPROVE, action_ids.EDIT, action_ids.REJECT, action_ids.MORE]
    assert all("confirm" not in element for element in elements(message.blocks))


def test_a_button_carries_an_id_and_nothing_else() -> None:
    """No button's value says more than the request's id."""
    values = {element["value"] for element in elements(drawn().blocks) if "value" in element}
    assert values == {REQUEST}


def test_the_menu_names_what_it_does_and_to_what() -> None:
    """The overflow menu's values are a verb and the request's id."""
    menu = next(e for e in elements(drawn().blocks) if e["action_id"] == action_ids.MORE)
    expected = [f"{what}:{REQUEST}" for what in ("acknowledge", "full", "why", "runbook")]
    assert [option["value"] for option in menu["options"]] == expected


def test_the_first_three_lines_say_what_by_when_and_what_otherwise() -> None:
    """Action, reversibility, deadline and the way out stand before anything the agent says."""
    message = drawn(agent=agent(action_type(reversible=False)))
    first = "\n".join(text for _, text in texts(message.blocks[:2]))
    assert "ledger.post — approve?" in first
    assert "It cannot be undone." in first
    assert "12:15 Asia/Muscat" in first
    assert "without a decision *nothing is done*" in first


def test_arguments_stand_in_the_manifests_order_then_by_name() -> None:
    """Display names come first, all others alphabetically, and none is left out."""
    shown = [
        text for kind, text in texts(drawn(request({**ARGUMENTS, "aa": "1"})).blocks) if kind == "mrkdwn"
    ]
    labels = [
        text.strip("*") for text in shown if text.startswith("*") and text.endswith("*") and "\n" not in text
    ]
    assert labels[:5] == ["amount", "currency", "account", "aa", "memo"]


def test_a_real_slack_gets_dates_in_the_readers_own_zone() -> None:
    """Unless plain words are asked for, instants are Slack dates with a fallback in UTC."""
    message = drawn(writes_times=SlackDates)
    deadline = NOON + timedelta(minutes=15)
    date = f"<!date^{int(deadline.timestamp())}^{{date_short_pretty}} at {{time}}|22 Nov 2026 08:15 UTC>"
    assert date in words(message)
    assert "<!date" not in message.text


def test_what_the_manifest_hides_is_masked_and_takes_approve_away() -> None:
    """A masked value appears nowhere on the card, not even in the agent's words, and must be opened."""
    secret = "OM810180000001299123456"
    asked = request({**ARGUMENTS, "payee": {"iban": secret}})
    said = request().words
    asked = replace(asked, words=replace(said, summary=f"Pay {secret} now"))
    message = drawn(asked, agent=agent(action_type(redact=frozenset({"iban"}))))
    assert secret not in words(message) + message.text
    assert "•••• (hidden by the manifest; full value in the full view)" in words(message)
    assert actions(message) == [action_ids.FULL, action_ids.REJECT, action_ids.MORE]


def test_what_does_not_fit_has_to_be_opened_first() -> None:
    """A card that cannot show every value in full has neither Approve nor Edit, and says so."""
    message = drawn(request({**ARGUMENTS, "memo": "x" * 10_000}))
    assert actions(message) == [action_ids.FULL, action_ids.REJECT, action_ids.MORE]
    assert "Only 3 of 4 values are shown here." in words(message)


def test_what_not_even_a_view_can_show_cannot_be_approved_here() -> None:
    """An action too large for a view is not approvable in Slack, and the card says so."""
    message = drawn(request({"memo": "\u202e" * 20_000}))
    assert "nobody can approve it here" in words(message)
    assert action_ids.APPROVE not in actions(message)


def test_an_action_type_the_manifest_lost_is_hidden_altogether() -> None:
    """Without its manifest nobody knows what to hide, so everything is hidden and nothing approvable."""
    message = drawn(agent=None)
    assert "1250.00" not in words(message) + message.text
    assert action_ids.APPROVE not in actions(message)


def test_an_edit_shows_what_changed_and_who_changed_it() -> None:
    """Old and new value stand together, removed and added values are marked, the editor is named."""
    before = {**ARGUMENTS, "amount": "1520.00", "tag": "x"}
    message = drawn(request({**ARGUMENTS, "note": "y"}), edited=Edited(arguments=before, by=KHALID))
    shown = words(message)
    assert "*amount* (edited)" in shown
    assert "1250.00\n│ before: 1520.00" in shown
    assert "*note* (added by the edit)" in shown
    assert "*tag* (removed by the edit)" in shown
    assert "*Edited by* Khalid Al Balushi" in shown


def test_look_alike_letters_are_pointed_out() -> None:
    """A value that mixes alphabets brings a warning that names it."""
    assert "*Look twice:* memo mixes" in words(drawn(request({**ARGUMENTS, "memo": "p\u0430ypal"})))


def test_one_of_two_says_who_approved_and_what_is_missing() -> None:
    """After the first of two approvals the card names the approver and asks for one more."""
    asked = request(
        terms=Terms(approvers=("finance",), quorum=2), decisions=(decision(SALMA, Verdict.APPROVE),)
    )
    shown = words(drawn(asked))
    assert "Approved by *Salma Al Harthi*. *One more approval is needed.*" in shown
    assert "2 different people have to approve" in shown


def test_the_owner_is_not_listed_among_those_who_may_decide() -> None:
    """The owner is in the team and still never decides."""
    assert "*May decide:* Khalid Al Balushi, Salma Al Harthi ·" in words(drawn())


def test_climbed_rungs_and_whoever_looks_are_told() -> None:
    """The card says who was reminded when, and who is looking; then nobody else needs to say so."""
    step = Step(request=REQUEST, rung=Rung.NUDGED, planned_at=NOON, actual_at=NOON + timedelta(minutes=8))
    message = drawn(request(acknowledged_by=KHALID), steps=(step,), now=NOON + timedelta(minutes=9))
    assert "*So far:* reminded Sun 22 Nov at 12:08 Asia/Muscat" in words(message)
    assert "Khalid Al Balushi is looking; the deadline stands." in words(message)
    menu = next(e for e in elements(message.blocks) if e["action_id"] == action_ids.MORE)
    assert f"acknowledge:{REQUEST}" not in [option["value"] for option in menu["options"]]


def test_a_few_short_options_are_buttons() -> None:
    """Up to four short options are a button each, told apart by their index."""
    message = drawn(question("PO-77", "PO-78", allow_text=True))
    assert actions(message)[:3] == ["request:answer:0", "request:answer:1", action_ids.ANSWER_TEXT]
    values = [e["value"] for e in elements(message.blocks) if e["action_id"].startswith("request:answer:")]
    assert values == [f"{REQUEST}|0", f"{REQUEST}|1"]


def test_more_options_are_a_list() -> None:
    """A hundred options are one select."""
    message = drawn(question(*(f"PO-{number}" for number in range(100))))
    select = next(e for e in elements(message.blocks) if e["action_id"] == action_ids.ANSWER)
    assert len(select["options"]) == 100
    assert select["options"][99]["value"] == f"{REQUEST}|99"


def test_an_option_too_long_for_a_label_is_written_out() -> None:
    """Options that spelling out makes too long stand in full above the list, by number."""
    option = "\u202e" * 20
    message = drawn(question("short", option))
    assert "2. " + "⟨U+202E⟩" * 20 in words(message)


def test_a_question_too_long_for_a_card_cannot_be_answered_there() -> None:
    """A question that is not shown in full has no answers on the card, only Open in full."""
    message = drawn(question("yes", text="\u202e" * 2000))
    assert actions(message) == [action_ids.FULL, action_ids.MORE]


SETTLED: dict[State, dict[str, Any]] = {
    State.APPROVED: {"decisions": (decision(SALMA, Verdict.APPROVE),)},
    State.APPROVED_WITH_EDITS: {"decisions": (decision(SALMA, Verdict.APPROVE),)},
    State.REJECTED: {
        "decisions": (decision(SALMA, Verdict.REJECT, text="No <!here>"),),
        "reason": "No <!here>",
    },
    State.TIMED_OUT: {"reason": "nobody decided in time"},
    State.UNDELIVERABLE: {"reason": "is_archived"},
    State.CANCELLED: {"reason": "not needed any more"},
    State.SUPERSEDED: {"reason": "edited by khalid", "follow": RequestId("req_2")},
    State.KILLED: {"reason": "wrong ledger"},
}


@pytest.mark.parametrize("state", SETTLED)
def test_a_settled_card_says_how_it_ended_and_has_no_live_button(state: State) -> None:
    """The outcome comes first, the values stay readable, and only an unanswered one can be asked again."""
    message = drawn(request(state=state, settled_at=NOON + timedelta(minutes=3), **SETTLED[state]))
    assert message.blocks[0]["type"] == "header"
    assert "approve?" not in words(message)
    assert "1250.00" in words(message)
    assert actions(message) == ([action_ids.ASK_AGAIN] if state.went_unanswered else [])


def test_nothing_done_is_said_in_so_many_words() -> None:
    """A timeout reads as what it is: nobody decided, nothing was done."""
    shown = words(drawn(request(state=State.TIMED_OUT, settled_at=NOON + timedelta(minutes=15))))
    assert "Nobody decided in time" in shown
    assert "*Nothing was done.*" in shown


def test_what_was_asked_again_cannot_be_asked_again() -> None:
    """Once followed by another request, a timed-out card has no button left."""
    asked = request(state=State.TIMED_OUT, settled_at=NOON, follow=RequestId("req_2"))
    message = drawn(asked)
    assert actions(message) == []
    assert "It was asked again as req_2." in words(message)


def test_an_answered_question_shows_question_and_answer() -> None:
    """The answer is quoted with whoever gave it."""
    given = decision(SALMA, Verdict.ANSWER, text="PO-77")
    asked = question("PO-77", state=State.ANSWERED, settled_at=NOON, decisions=(given,), answer="PO-77")
    shown = words(drawn(asked))
    assert "Answered by *Salma Al Harthi*" in shown
    assert "│ PO-77" in shown
    assert "│ Which order?" in shown


def test_a_rule_that_decides_alone_is_named() -> None:
    """Without any decision it was a rule, and the card says which."""
    assert "Rule manager allows it; nobody was asked" in words(drawn(request(state=State.APPROVED)))
    assert "Rule manager refused it" in words(drawn(request(state=State.REJECTED, reason="denied")))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (GrantState.GRANTED, "may do it once, until"),
        (GrantState.CLAIMED, "is doing it"),
        (GrantState.SUCCEEDED, "*Done:* bank-reconciliation reports that it succeeded"),
        (GrantState.FAILED, "*Failed:*"),
        (GrantState.UNKNOWN, "*Nobody knows whether it happened*"),
        (GrantState.EXPIRED, "did not use the permission in time"),
        (GrantState.REVOKED, "the permission was taken back"),
    ],
)
def test_an_approved_card_tells_what_became_of_it(state: GrantState, said: str) -> None:
    """Each state of the permission has its sentence."""
    asked = request(state=State.APPROVED, decisions=(decision(SALMA, Verdict.APPROVE),), settled_at=NOON)
    assert said in words(drawn(asked, grant=grant(state=state, ended_at=NOON, claimed_at=NOON)))


def test_people_read_what_they_call_it() -> None:
    """With a title the card is headed by it, and the small print still says what the agent will call."""
    named = view(agent=agent(replace(action_type(), title="Post to the ledger")))
    message = card(named)
    assert message_problems({"text": message.text, "blocks": message.blocks}) == []
    assert "Post to the ledger — approve?" in words(message)
    assert "*Action:* ledger.post · *Asked because of* rule manager" in words(message)
    assert message.text.startswith("Post to the ledger — approve?")
    assert "*Action:*" not in words(card(view()))


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        (ARGUMENTS, "Pay 1250.00 OMR"),
        ({"amount": 7, "currency": True}, "Pay 7 true"),
        ({"amount": "5"}, "Pay 5 …"),
        ({"amount": "<!channel>", "currency": "a\u202eb"}, "Pay <!channel> a⟨U+202E⟩b"),
        ({"amount": "9" * 90, "currency": "OMR"}, f"Pay {'9' * 15}"),
    ],
)
def test_a_title_names_what_it_is_about(arguments: dict[str, Json], title: str) -> None:
    """Cards of one action are told apart by their headings; what stands there hides and pings nothing."""
    type_ = replace(action_type(), title="Pay {amount} {currency}")
    message = card(view(request(arguments), agent=agent(type_)))
    assert message_problems({"text": message.text, "blocks": message.blocks}) == []
    accept_message(message.text, message.blocks)
    heading = message.blocks[0]["text"]
    assert isinstance(heading, dict)
    assert heading["type"] == "plain_text"
    assert str(heading["text"]).startswith(title)


def test_empty_texts_take_one_line() -> None:
    """Several empty texts stand together; each is named, and nothing is missing for it."""
    message = drawn(request({**ARGUMENTS, "memo": "", "ledger_ref": "", "instructed": ""}))
    assert "*left empty*\ninstructed, ledger_ref, memo" in words(message)
    assert "(empty text)" not in words(message)
    assert "request:approve" in actions(message)
    one = drawn(request({**ARGUMENTS, "memo": ""}))
    assert "*memo*\n(empty text)" in words(one)


def test_a_name_that_could_pass_for_several_is_not_gathered() -> None:
    """In the row of what is empty only plain names stand: one with a comma would look like two."""
    message = drawn(request({**ARGUMENTS, "memo": "", "note": "", "place, account": ""}))
    assert "*left empty*\nmemo, note\n" in words(message)
    assert '["place, account"]\n(empty text)' in words(message)


def test_an_edit_to_nothing_is_not_gathered() -> None:
    """A value that a person emptied stands by itself, marked, with what it was."""
    edited = Edited(arguments={**ARGUMENTS, "memo": "Fee", "note": "", "place": ""}, by=SALMA)
    message = card(view(request({**ARGUMENTS, "memo": "", "note": "", "place": ""}), edited=edited))
    assert "*memo* (edited)\n(empty text)\n│ before: Fee" in words(message)
    assert "*left empty*\nnote, place" in words(message)


def test_what_hides_is_not_gathered() -> None:
    """A hidden value stays a hidden row of its own, empty or not."""
    hidden = view(
        request({**ARGUMENTS, "memo": "", "iban": "", "note": ""}),
        agent=agent(action_type(redact=frozenset({"iban"}))),
    )
    assert "*left empty*\nmemo, note" in words(card(hidden))
    assert "request:approve" not in actions(card(hidden))


def test_the_text_says_the_same_to_ears() -> None:
    """Notification and screen reader hear action, values, deadline and the agent's words, escaped."""
    message = drawn(request({**ARGUMENTS, "memo": "<!channel>"}))
    assert message.text.startswith("ledger.post — approve? amount 1250.00, currency OMR, account 2100")
    assert "memo &lt;!channel&gt;" in message.text
    assert "Decide by Sun 22 Nov at 12:15 Asia/Muscat (in 12 min), or nothing is done." in message.text
