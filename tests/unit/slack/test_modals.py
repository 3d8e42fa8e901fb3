"""Modals take a decision only where everything is shown, and give back what a person chose."""

from datetime import timedelta

from bot.slack.render.block_kit import action_ids
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.modals import deciding, frame
from bot.slack.render.modals import stop as stop_modal
from bot.slack.render.modals import why as why_modal
from bot.slack.render.modals.runbook import runbook
from escalation.request import Question, State
from escalation.switch import EVERYTHING, Scope, ScopeKind
from tests.harness.block_kit import elements, texts, view_problems
from tests.harness.oracles import accept_view
from tests.harness.views import (
    ARGUMENTS,
    KHALID,
    MARYAM,
    NADIA,
    NOON,
    REQUEST,
    SALMA,
    action_type,
    agent,
    question,
    request,
    view,
)


def checked(drawn: Block) -> Block:
    assert view_problems(drawn) == []
    accept_view(drawn)
    return drawn


def words(drawn: Block) -> str:
    return "\n".join(text for _, text in texts(drawn))


def test_the_full_view_approves_by_its_submit_button() -> None:
    """A value too long for a card is in the full view to its last character, and Approve submits it."""
    drawn = checked(deciding.full(view(request({**ARGUMENTS, "memo": "x" * 20_000}))))
    assert drawn["callback_id"] == action_ids.APPROVED_FULL
    assert drawn["private_metadata"] == REQUEST
    assert words(drawn).count("x") >= 20_000


def test_thousands_of_values_are_shown_as_one_text() -> None:
    """More values than a view has rows are shown in canonical form, complete."""
    asked = request({"rows": [f"v{number}" for number in range(3000)]})
    drawn = checked(deciding.full(view(asked)))
    assert "submit" in drawn
    assert asked.subject.canonical in words(drawn).replace("\n", "")  # type: ignore[union-attr]  # a proposal


def test_what_does_not_fit_into_any_view_is_not_approved_in_slack() -> None:
    """If not even a view can hold the action, there is no submit button and the view says why."""
    drawn = checked(deciding.full(view(request({"memo": "\u202e" * 20_000}))))
    assert "submit" not in drawn
    assert "nobody can approve it here" in words(drawn)


def test_hidden_values_are_shown_to_deciders_and_owners_alone() -> None:
    """Who may decide sees everything and may approve; the owner sees it; a passer-by sees no value of it."""
    drawn = view(
        request({**ARGUMENTS, "iban": "OM81018"}), agent=agent(action_type(redact=frozenset({"iban"})))
    )
    assert "OM81018" in words(checked(deciding.full(drawn, SALMA)))
    assert "submit" in deciding.full(drawn, SALMA)
    assert "OM81018" in words(deciding.full(drawn, NADIA))
    for person in (None, MARYAM):
        shown = checked(deciding.full(drawn, person))
        assert "OM81018" not in words(shown)
        assert "submit" not in shown


def test_a_settled_request_is_only_read() -> None:
    """The full view of a settled request tells the outcome and submits nothing."""
    drawn = checked(deciding.full(view(request(state=State.TIMED_OUT, settled_at=NOON))))
    assert "submit" not in drawn
    assert "Nobody decided in time" in words(drawn)


def test_no_form_has_buttons_inside() -> None:
    """Clients that ignore buttons in forms lose nothing: there are none."""
    for drawn in (deciding.full(view()), deciding.reject(view()), deciding.answer(view(question("a")))):
        assert [e for e in elements(drawn) if e["type"] == "button"] == []


def test_a_rejection_asks_for_its_reason() -> None:
    """The reason is required, and comes back without the blanks around it."""
    drawn = checked(deciding.reject(view()))
    assert drawn["callback_id"] == action_ids.REJECTED
    assert [e["action_id"] for e in elements(drawn)] == [frame.REASON]
    assert frame.reason({"reason": {"reason": {"value": "  wrong account \n"}}}) == "wrong account"
    assert frame.reason({"reason": {"reason": {"value": None}}}) == ""
    assert frame.reason({}) == ""


def test_an_answer_is_an_option_or_words() -> None:
    """An option, words, neither or both: the first two are answers, the others are mistakes."""
    asked = Question(text="Which?", options=("PO-77", "PO-78"), allow_text=True)
    chosen = {"option": {"option": {"selected_option": {"value": f"{REQUEST}|1"}}}}
    typed = {"text": {"text": {"value": " neither "}}}
    assert deciding.answered(chosen, asked) == "PO-78"
    assert deciding.answered(typed, asked) == "neither"
    assert deciding.answered({**chosen, **typed}, asked) == {
        "text": "Choose an option or write your own words, not both."
    }
    assert deciding.answered({}, asked) == {"option": "Choose or write an answer."}


def test_a_forged_option_is_no_answer() -> None:
    """An index that no option has, or that is no number, answers nothing."""
    asked = Question(text="Which?", options=("PO-77",), allow_text=False)
    for value in (f"{REQUEST}|1", f"{REQUEST}|-1", f"{REQUEST}|²", "", "x"):
        state = {"option": {"option": {"selected_option": {"value": value}}}}
        assert deciding.answered(state, asked) == {"option": "Choose or write an answer."}


def test_the_answer_form_requires_what_there_is() -> None:
    """With options and words neither is required alone; with one of them it is."""
    both = checked(deciding.answer(view(question("a", allow_text=True))))
    only_words = checked(deciding.answer(view(question(allow_text=True))))
    only_options = checked(deciding.answer(view(question("a"))))
    optional = [
        [block["optional"] for block in drawn["blocks"] if block["type"] == "input"]  # type: ignore[union-attr,index,call-overload]  # our own blocks
        for drawn in (both, only_words, only_options)
    ]
    assert optional == [[True, True], [False], [False]]


def test_a_stop_says_what_it_ends_and_who_can_resume() -> None:
    """The confirmation names the scope in words and carries only the scope."""
    drawn = checked(stop_modal.stop(Scope(ScopeKind.AGENT, "bank-reconciliation")))
    assert drawn["private_metadata"] == "agent:bank-reconciliation"
    assert "*Stop the agent bank-reconciliation?*" in words(drawn)
    assert "*different* operator" in words(drawn)
    assert "*Stop every agent?*" in words(stop_modal.stop(EVERYTHING))


def test_why_names_the_rule_and_its_condition() -> None:
    """Why did this need me: the rule, its condition, who may decide."""
    shown = words(checked(why_modal.why(view())))
    assert "*manager*" in shown
    assert "decimal(args.amount) < 5000" in shown
    assert "Khalid Al Balushi, Salma Al Harthi" in shown


def test_a_runbook_reads_well() -> None:
    """Front matter is dropped; headings, lists, links and code survive."""
    text = (
        "---\ntitle: x\n---\n# Stop it\n\nType **this**, see [page](https://git.example/x):\n\n"
        "- one\n- two\n\n```\nandon stop <a>\n```\n"
    )
    drawn = checked(runbook("bank-reconciliation", text))
    assert [said for kind, said in texts(drawn["blocks"])] == [
        "*Stop it*",
        "Type *this*, see page (https://git.example/x):",
        "• one\n• two",
        "```andon stop &lt;a&gt;```",
    ]


def test_a_table_of_a_runbook_is_read_as_a_list() -> None:
    """Slack draws no tables: each row is a point, its first cell bold; headings and rules go."""
    table = "| Alert | Means |\n| --- | :---: |\n| **Stopped** | see `why` |\n| Odd | ``a`b`` |\n\nAfter | it"
    drawn = words(checked(runbook("bank", table)))
    assert drawn.endswith("\n• *Stopped*: see `why`\n• *Odd*: `a`b`\nAfter | it")
    assert "---" not in drawn
    assert "Means" not in drawn


def test_a_runbook_that_is_too_long_says_so() -> None:
    """What does not fit is left out, and the last block says that there is more."""
    drawn = checked(runbook("bank", "\n\n".join(f"line {number}" for number in range(300))))
    assert "The runbook goes on" in words(drawn)
    assert "line 299" not in words(drawn)


def test_every_id_is_one_the_listeners_know() -> None:
    """No renderer invents an action or callback id."""
    drawn = [
        deciding.full(view()),
        deciding.reject(view()),
        stop_modal.stop(EVERYTHING),
        deciding.answer(view(question("a"))),
    ]
    assert {str(shown["callback_id"]) for shown in drawn} <= action_ids.CALLBACKS
    late = view(now=NOON + timedelta(minutes=20))
    assert deciding.full(late, KHALID)["callback_id"] in action_ids.CALLBACKS
