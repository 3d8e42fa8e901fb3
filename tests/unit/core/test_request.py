"""The life of a request: who may end it, how, and until when."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from escalation.action import action
from escalation.authority import Authority
from escalation.ids import PersonId, RequestId
from escalation.ladder import Rung
from escalation.reason import Reason, Refused
from escalation.request import (
    Acknowledge,
    Applied,
    AskAgain,
    Cancel,
    Climb,
    Command,
    ConfirmDelivery,
    Decide,
    GiveUp,
    Kill,
    Request,
    State,
    Supersede,
    Verdict,
    apply,
)
from tests.unit.core.kit import (
    BACKUP,
    DEADLINE,
    KHALID,
    NOON,
    NOURA,
    NUDGE,
    ONE,
    OPERATOR,
    OWNER,
    QUESTION,
    SALMA,
    STRANGER,
    TICK,
    TWO,
    applied,
    approve,
    asked,
    authority,
    decide,
    refusal,
    terms,
    without,
)

OPEN = asked()
SHOWN = replace(OPEN, delivered_at=NOON)
PUZZLE = asked(QUESTION)
DENIED = replace(ONE, denied=True)


def reject(by: PersonId, text: str | None = "the IBAN is wrong", *, under: Authority = ONE) -> Decide:
    return Decide(decision=decide(OPEN, by, Verdict.REJECT, text=text), authority=under)


def answer(text: str | None, *, to: Request = PUZZLE, by: PersonId = SALMA) -> Decide:
    return Decide(decision=decide(to, by, Verdict.ANSWER, text=text), authority=ONE)


def supersede(by: PersonId, *, under: Authority = ONE) -> Supersede:
    return Supersede(by=by, successor=RequestId("req_2"), authority=under)


def ask_again(by: PersonId, *, under: Authority = ONE) -> AskAgain:
    return AskAgain(by=by, successor=RequestId("req_2"), authority=under)


def settled(state: State) -> Request:
    return replace(OPEN, state=state, settled_at=NOON, version=2)


# --- what people do --------------------------------------------------------------------------------


def test_one_approval_of_one_approves() -> None:
    """A quorum of one: the first approver's yes settles it, and the decision is kept."""
    made = decide(OPEN, SALMA)

    assert apply(OPEN, Decide(decision=made, authority=ONE), now=NOON) == Applied(
        replace(OPEN, state=State.APPROVED, decisions=(made,), settled_at=NOON, version=2)
    )


def test_two_of_two_approve_and_one_of_two_does_not() -> None:
    """A quorum of two: after the first yes it waits on, after the second person's it is approved."""
    waiting = applied(apply(OPEN, approve(SALMA, TWO), now=NOON))
    done = applied(apply(waiting, approve(KHALID, TWO, request=waiting), now=NOON + TICK))

    assert (waiting.state, waiting.approved_by, waiting.settled_at) == (State.PENDING, (SALMA,), None)
    assert (done.state, done.approved_by, done.settled_at) == (State.APPROVED, (SALMA, KHALID), NOON + TICK)
    assert (waiting.version, done.version) == (2, 3)


def test_one_person_is_one_approval() -> None:
    """The same person a second time is told so, and counts once."""
    waiting = applied(apply(OPEN, approve(SALMA, TWO), now=NOON))

    assert (
        refusal(apply(waiting, approve(SALMA, TWO, request=waiting), now=NOON))
        is Reason.ALREADY_DECIDED_BY_YOU
    )


def test_an_approver_who_left_is_no_approval() -> None:
    """Of two approvals one is worth nothing once its giver may not decide any more: 1 of 2."""
    waiting = applied(apply(OPEN, approve(SALMA, TWO), now=NOON))
    shrunk = authority(terms("treasury", quorum=2), directory=without(SALMA))
    still = applied(apply(waiting, approve(KHALID, shrunk, request=waiting), now=NOON))

    assert still.state is State.PENDING
    assert applied(apply(still, approve(NOURA, shrunk, request=still), now=NOON)).state is State.APPROVED


def test_an_edited_request_is_approved_as_edited() -> None:
    """Whoever reads the outcome sees that a person changed the arguments."""
    edit = replace(OPEN, edits=RequestId("req_0"))

    assert applied(apply(edit, approve(SALMA), now=NOON)).state is State.APPROVED_WITH_EDITS


def by_person(what: str, person: PersonId, under: Authority) -> Command:
    match what:
        case "approve":
            return approve(person, under)
        case "reject":
            return reject(person, under=under)
        case "acknowledge":
            return Acknowledge(by=person, authority=under)
        case _:
            return supersede(person, under=under)


@pytest.mark.parametrize("what", ["approve", "reject", "acknowledge", "supersede"])
@pytest.mark.parametrize(
    ("person", "under", "why"),
    [
        (SALMA, ONE, None),
        (STRANGER, ONE, Reason.UNKNOWN_PERSON),
        (OWNER, ONE, Reason.OWNER_MAY_NOT_DECIDE),
        (OPERATOR, ONE, Reason.NOT_AN_APPROVER),
        (SALMA, authority(directory=without(SALMA)), Reason.UNKNOWN_PERSON),
        (SALMA, authority(terms()), Reason.NOT_AN_APPROVER),
        (SALMA, DENIED, Reason.RULES_CHANGED),
    ],
)
def test_who_may_not_decide_may_do_nothing(
    what: str, person: PersonId, under: Authority, why: Reason | None
) -> None:
    """Approving, rejecting, acknowledging and editing take the same authority; a denial leaves rejecting."""
    outcome = apply(OPEN, by_person(what, person, under), now=NOON)
    if (what, why) == ("reject", Reason.RULES_CHANGED):
        why = None

    assert (outcome.reason if isinstance(outcome, Refused) else None) is why


@pytest.mark.parametrize("what", ["approve", "reject", "acknowledge", "supersede"])
@pytest.mark.parametrize(
    ("now", "why"),
    [
        (NOON, None),
        (BACKUP, None),
        (DEADLINE - TICK, None),
        (DEADLINE, Reason.PAST_DEADLINE),
        (DEADLINE + TICK, Reason.PAST_DEADLINE),
        (DEADLINE + timedelta(days=9), Reason.PAST_DEADLINE),
    ],
)
def test_the_deadline_is_kept_to_the_microsecond(what: str, now: datetime, why: Reason | None) -> None:
    """A click one microsecond before the deadline counts; at the deadline none does, clock or no clock."""
    outcome = apply(OPEN, by_person(what, SALMA, ONE), now=now)

    assert (outcome.reason if isinstance(outcome, Refused) else None) is why


@pytest.mark.parametrize("verdict", Verdict)
def test_a_decision_about_something_else_is_none(verdict: Verdict) -> None:
    """Who looked at another digest, a cent more, has not decided about this."""
    other = action("ledger.post", {"amount": "49.91", "account": "4400"})
    looked = replace(decide(OPEN, SALMA, verdict, text="4400"), digest=other.digest)

    assert refusal(apply(OPEN, Decide(decision=looked, authority=ONE), now=NOON)) is Reason.DIGEST_MISMATCH


def test_one_rejection_is_final() -> None:
    """A single no, before the quorum is met, settles it with its reason; no later yes brings it back."""
    waiting = applied(apply(OPEN, approve(SALMA, TWO), now=NOON))
    no = apply(waiting, reject(KHALID, "the IBAN is wrong", under=TWO), now=NOON)

    assert applied(no).state is State.REJECTED
    assert applied(no).reason == "the IBAN is wrong"
    assert [decision.person for decision in applied(no).decisions] == [SALMA, KHALID]
    assert applied(no).approved_by == (SALMA,)
    assert refusal(apply(applied(no), approve(NOURA, TWO), now=NOON)) is Reason.ALREADY_SETTLED


def test_who_approved_may_still_reject() -> None:
    """Until the quorum is met, second thoughts count: the same person's no is a no."""
    waiting = applied(apply(OPEN, approve(SALMA, TWO), now=NOON))

    assert applied(apply(waiting, reject(SALMA, under=TWO), now=NOON)).state is State.REJECTED


@pytest.mark.parametrize("text", [None, "", "   ", "\n\t"])
def test_a_rejection_says_why(text: str | None) -> None:
    """A no without a reason teaches the agent nothing, and is not taken."""
    assert refusal(apply(OPEN, reject(SALMA, text), now=NOON)) is Reason.REASON_MISSING


FREE = asked(replace(QUESTION, options=(), allow_text=True))
MIXED = asked(replace(QUESTION, allow_text=True))


@pytest.mark.parametrize(
    ("question", "text", "answered"),
    [
        (PUZZLE, "4400", "4400"),
        (PUZZLE, " 4401 ", "4401"),
        (PUZZLE, "4402", None),
        (PUZZLE, "44", None),
        (PUZZLE, "", None),
        (PUZZLE, None, None),
        (FREE, "Ask Noura", "Ask Noura"),
        (FREE, "  ", None),
        (FREE, None, None),
        (MIXED, "4400", "4400"),
        (MIXED, "another one", "another one"),
        (MIXED, "", None),
    ],
)
def test_an_answer_is_an_option_or_if_allowed_free_text(
    question: Request, text: str | None, answered: str | None
) -> None:
    """An option, or words of one's own where the question takes them; never nothing."""
    outcome = apply(question, answer(text, to=question), now=NOON)

    if answered is None:
        assert refusal(outcome) is Reason.NOT_AN_OPTION
    else:
        done = applied(outcome)
        assert (done.state, done.answer, done.settled_at) == (State.ANSWERED, answered, NOON)
        assert not done.state.gives_authority


def test_a_question_is_not_approved_and_a_proposal_not_answered() -> None:
    """A yes to a question authorises nothing, and an answer to a proposal is no yes."""
    assert refusal(apply(PUZZLE, approve(SALMA, request=PUZZLE), now=NOON)) is Reason.NOT_A_PROPOSAL
    assert refusal(apply(OPEN, answer("4400", to=OPEN), now=NOON)) is Reason.NOT_A_QUESTION


def test_a_question_can_be_rejected_but_not_edited() -> None:
    """Nobody has to answer a bad question; and there is nothing in it to edit."""
    no = Decide(decision=decide(PUZZLE, SALMA, Verdict.REJECT, text="look it up"), authority=ONE)

    assert applied(apply(PUZZLE, no, now=NOON)).state is State.REJECTED
    assert refusal(apply(PUZZLE, supersede(SALMA), now=NOON)) is Reason.NOT_A_PROPOSAL


def test_acknowledging_stills_the_reminders_and_nothing_else() -> None:
    """Somebody is looking: only the deadline is due then, and the state is what it was."""
    seen = applied(apply(OPEN, Acknowledge(by=SALMA, authority=ONE), now=NOON))

    assert seen == replace(OPEN, acknowledged_by=SALMA, version=2)
    assert (OPEN.next_due_at, seen.next_due_at) == (NUDGE, DEADLINE)
    again = apply(seen, Acknowledge(by=KHALID, authority=ONE), now=NOON)
    assert again == Refused(Reason.ALREADY_ACKNOWLEDGED, SALMA)


def test_an_edit_ends_the_request_and_says_where_it_went() -> None:
    """What was asked never changes: the request is superseded, by whom and by what is on it."""
    gone = applied(apply(OPEN, supersede(SALMA), now=NOON))

    assert gone == replace(
        OPEN,
        state=State.SUPERSEDED,
        follow=RequestId("req_2"),
        settled_at=NOON,
        reason="edited by salma",
        version=2,
    )
    assert gone.edited_by == SALMA
    assert not gone.state.gives_authority


# --- what the clock, the courier, the agent and a stop do ------------------------------------------


@pytest.mark.parametrize(
    ("rung", "acknowledged", "due"),
    [
        (Rung.ASKED, None, NUDGE),
        (Rung.NUDGED, None, BACKUP),
        (Rung.BACKUP, None, DEADLINE),
        (Rung.ASKED, SALMA, DEADLINE),
        (Rung.NUDGED, SALMA, DEADLINE),
    ],
)
def test_the_next_rung_is_due_in_turn(rung: Rung, acknowledged: PersonId | None, due: datetime) -> None:
    """The clock looks at a request when its next rung is due: never later than its deadline."""
    assert replace(OPEN, rung=rung, acknowledged_by=acknowledged).next_due_at == due


@pytest.mark.parametrize(
    ("rung", "now", "climbed"),
    [
        (Rung.ASKED, NUDGE - TICK, None),
        (Rung.ASKED, NUDGE, Rung.NUDGED),
        (Rung.ASKED, BACKUP, Rung.NUDGED),  # one by one, also after a pause
        (Rung.ASKED, DEADLINE - TICK, Rung.NUDGED),
        (Rung.NUDGED, BACKUP - TICK, None),
        (Rung.NUDGED, BACKUP, Rung.BACKUP),
        (Rung.BACKUP, DEADLINE - TICK, None),
    ],
)
def test_a_rung_is_climbed_when_it_is_due(rung: Rung, now: datetime, climbed: Rung | None) -> None:
    """Reminders come at their instant, not before, and leave the request pending."""
    outcome = apply(replace(SHOWN, rung=rung), Climb(), now=now)

    if climbed is None:
        assert refusal(outcome) is Reason.NOT_YET_DUE
    else:
        assert applied(outcome) == replace(SHOWN, rung=climbed, version=2)


@pytest.mark.parametrize("rung", [Rung.ASKED, Rung.NUDGED, Rung.BACKUP])
@pytest.mark.parametrize("late", [timedelta(0), TICK, timedelta(hours=5)])
def test_silence_is_never_consent(rung: Rung, late: timedelta) -> None:
    """From the deadline on, whatever rung it was on and however late the clock: timed out."""
    done = applied(apply(replace(SHOWN, rung=rung), Climb(), now=DEADLINE + late))

    assert done == replace(
        SHOWN,
        rung=Rung.DEFAULTED,
        state=State.TIMED_OUT,
        settled_at=DEADLINE + late,
        reason="nobody decided in time",
        version=2,
    )


@pytest.mark.parametrize("now", [NOON, NUDGE, BACKUP, DEADLINE - TICK])
def test_a_request_never_expires_early(now: datetime) -> None:
    """Expiry before the deadline is refused, to the microsecond."""
    last = replace(SHOWN, rung=Rung.BACKUP)

    assert refusal(apply(last, Climb(), now=now)) is Reason.NOT_YET_DUE


def test_one_approval_of_two_is_not_enough_at_the_deadline() -> None:
    """Almost approved is not approved: it times out with the one decision it has."""
    waiting = applied(apply(SHOWN, approve(SALMA, TWO), now=NOON))
    done = applied(apply(waiting, Climb(), now=DEADLINE))

    assert (done.state, done.approved_by) == (State.TIMED_OUT, (SALMA,))


def test_a_looked_at_request_times_out_too() -> None:
    """Acknowledging pauses the reminders, not the deadline."""
    seen = replace(SHOWN, acknowledged_by=SALMA)

    assert refusal(apply(seen, Climb(), now=DEADLINE - TICK)) is Reason.NOT_YET_DUE
    assert applied(apply(seen, Climb(), now=DEADLINE)).state is State.TIMED_OUT


def test_what_nobody_was_asked_was_not_refused_by_silence() -> None:
    """A request whose card never arrived ends as undeliverable: nobody had the chance to answer."""
    done = applied(apply(OPEN, Climb(), now=DEADLINE))

    assert (done.state, done.rung) == (State.UNDELIVERABLE, Rung.DEFAULTED)
    assert done.reason == "the card never reached Slack before the deadline"


def test_of_a_card_in_doubt_it_is_not_said_that_it_never_arrived() -> None:
    """Slack may have taken the card without our hearing of it: the end says that this is not known."""
    done = applied(apply(OPEN, Climb(card_in_doubt=True), now=DEADLINE))

    assert done.state is State.UNDELIVERABLE
    assert done.reason == "it is not known whether the card reached Slack before the deadline"


def test_the_first_delivery_counts() -> None:
    """A card posted again, or brought up to date, keeps the instant at which people first saw it."""
    once = applied(apply(OPEN, ConfirmDelivery(), now=NOON + TICK))
    twice = applied(apply(once, ConfirmDelivery(), now=NUDGE))

    assert once == replace(OPEN, delivered_at=NOON + TICK, version=2)
    assert twice == replace(once, version=3)


@pytest.mark.parametrize(
    ("command", "state", "why"),
    [
        (GiveUp("channel_not_found"), State.UNDELIVERABLE, "channel_not_found"),
        (Cancel("found it in the mail"), State.CANCELLED, "found it in the mail"),
        (Kill("stopped by salma", at=NOON), State.KILLED, "stopped by salma"),
    ],
)
@pytest.mark.parametrize("now", [NOON, DEADLINE - TICK])
def test_it_can_end_without_a_decision_but_not_well(
    command: Command, state: State, why: str, now: datetime
) -> None:
    """A dead channel, the agent or a stop end it, until the deadline; none of them is an approval."""
    done = applied(apply(OPEN, command, now=now))

    assert done == replace(OPEN, state=state, reason=why, settled_at=now, version=2)
    assert not done.state.gives_authority


# --- what is over ----------------------------------------------------------------------------------

ENDS = [state for state in State if state.is_settled]
EVERYTHING: list[Command] = [
    approve(SALMA),
    reject(SALMA),
    answer("4400", to=OPEN),
    Acknowledge(by=SALMA, authority=ONE),
    supersede(SALMA),
    ConfirmDelivery(),
    GiveUp("gone"),
    Climb(),
    Cancel("no"),
    Kill("stop", at=DEADLINE),
]


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("now", [NOON, DEADLINE])
def test_what_is_settled_stays_settled(state: State, now: datetime) -> None:
    """No command of anybody changes a settled request: of several at once, the first to commit wins."""
    for command in EVERYTHING:
        assert refusal(apply(settled(state), command, now=now)) is Reason.ALREADY_SETTLED
    assert settled(state).next_due_at is None


@pytest.mark.parametrize("late", [timedelta(0), TICK, timedelta(days=9)])
def test_from_the_deadline_on_only_the_clock_moves_it(late: timedelta) -> None:
    """Whoever comes too late, the agent, a stop and Slack too, changes nothing: it times out and no more."""
    for command in EVERYTHING:
        outcome = apply(SHOWN, command, now=DEADLINE + late)
        if isinstance(command, Climb):
            assert applied(outcome).state is State.TIMED_OUT
        else:
            assert refusal(outcome) is Reason.PAST_DEADLINE


def test_a_stop_acts_when_it_was_pulled() -> None:
    """What was pending at a stop's instant is killed, however late that is noticed; else it timed out."""
    assert applied(apply(SHOWN, Kill("stopped", at=DEADLINE - TICK), now=DEADLINE)).state is State.KILLED
    assert refusal(apply(SHOWN, Kill("stopped", at=DEADLINE), now=DEADLINE)) is Reason.PAST_DEADLINE


def test_only_two_states_give_authority() -> None:
    """A grant can stand on an approval, as it was or as edited, and on nothing else."""
    assert {state for state in State if state.gives_authority} == {State.APPROVED, State.APPROVED_WITH_EDITS}
    assert {state for state in State if not state.is_settled} == {State.PENDING}


@pytest.mark.parametrize("state", State)
def test_only_what_went_unanswered_is_asked_again(state: State) -> None:
    """Nobody gets a second question where the first was answered, by a person, a rule or a stop."""
    outcome = apply(replace(OPEN, state=state), ask_again(SALMA), now=DEADLINE)

    if state in {State.TIMED_OUT, State.UNDELIVERABLE}:
        assert applied(outcome) == replace(OPEN, state=state, follow=RequestId("req_2"), version=2)
    else:
        assert refusal(outcome) is Reason.NOT_ASKABLE_AGAIN


def test_it_is_asked_again_once() -> None:
    """A second wish to ask again is told where the first one went."""
    followed = replace(settled(State.TIMED_OUT), follow=RequestId("req_2"))

    assert apply(followed, ask_again(KHALID), now=DEADLINE) == Refused(Reason.ALREADY_ASKED_AGAIN, "req_2")


@pytest.mark.parametrize(
    ("person", "under", "why"),
    [
        (OWNER, ONE, Reason.OWNER_MAY_NOT_DECIDE),
        (STRANGER, ONE, Reason.UNKNOWN_PERSON),
        (OPERATOR, ONE, Reason.NOT_AN_APPROVER),
        (SALMA, DENIED, Reason.RULES_CHANGED),
    ],
)
def test_only_who_may_decide_asks_again(person: PersonId, under: Authority, why: Reason) -> None:
    """A new deadline is in the gift of the approvers."""
    assert refusal(apply(settled(State.TIMED_OUT), ask_again(person, under=under), now=DEADLINE)) is why
