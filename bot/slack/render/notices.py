"""What is said beside the cards: in threads, to the alerts channel, to one person, to the audit channel."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from bot.slack.render import operations
from bot.slack.render.block_kit import action_ids, blocks
from bot.slack.render.block_kit.blocks import Message
from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.slack.render.parts.facts import runbook_link, undone
from bot.slack.render.parts.link import to_card
from bot.slack.render.parts.mentions import asked
from bot.slack.render.parts.notice_text import NoticeText
from bot.slack.render.parts.outcome import became, in_time
from bot.slack.render.parts.people import people, person
from bot.slack.render.parts.standing import ended, needed, so_far, waits
from bot.wording.arguments import hidden_texts, redacted
from bot.wording.gist import gist
from bot.wording.states import TITLES
from bot.wording.text import plain
from bot.wording.times import Times
from bot.wording.view import View
from escalation import notice
from escalation.authority import Directory
from escalation.grant import GrantState, LateReport, Report
from escalation.ladder import Rung
from escalation.request import Question, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a notice is rendered from besides itself."""

    directory: Directory
    times: Times
    view: View | None = None  #: The request it is about, if there is one.
    named: tuple[View, ...] = ()  #: The requests that a summary names.
    meant_for: str | None = None  #: The lane that did not take it, where it had to go another way.


def message(said: notice.Notice, surroundings: Surroundings) -> Message:
    """Return the notice *said* as a message."""
    text = _text(said, surroundings)
    if surroundings.meant_for is None:
        return text.message()
    place = _place(surroundings.meant_for, surroundings.directory)
    missed = f"Meant for {place}: Slack does not take it there."
    return replace(text, sentences=(*text.sentences, missed)).message()


def twin(link: str) -> Message:
    """Return what takes the place of a card that stands twice; *link* leads to the one that counts."""
    safe = link.startswith("https://") and not any(c in link for c in "<>| \n")
    see = f" See <{link.replace('&', '&amp;')}|the card that counts>." if safe else ""
    return NoticeText(sentences=(f"Superseded: Slack took this card twice.{see}",)).message()


def _text(said: notice.Notice, surroundings: Surroundings) -> NoticeText:
    if isinstance(said, operations.Told):
        return operations.text(said, surroundings.directory)
    match said:
        case notice.NeverShown():
            return _never_shown(said, surroundings)
        case _ if surroundings.view is None:
            return _orphan(said, surroundings.directory)
        case _:
            return _with_link(_about(said, surroundings.view), surroundings.view)


def _place(lane: str, directory: Directory) -> str:
    return f"*{mrkdwn(directory.name(lane[1:]))}*" if lane.startswith("@") else f"<#{mrkdwn(lane)}>"


def _never_shown(said: notice.NeverShown, surroundings: Surroundings) -> NoticeText:
    one = said.count == 1
    number, they = ("1 request", "it") if one else (f"{said.count} requests", "they")
    cards = "its card" if one else "their cards"
    at = [surroundings.times.at(datetime.fromisoformat(each)) for each in (said.since, said.until) if each]
    lines = [f"• {_ended(view)}" for view in surroundings.named]
    more = said.count - len(lines)
    return NoticeText(
        heading=f"{number} ended before {cards} could be shown to anybody",
        sentences=(
            f"*What happened:* {they} ended before {cards} stood in Slack"
            + (f", from *{at[0]}* to *{at[1]}*." if at else "."),
            *lines,
            *([f"• and {more} more"] if more > 0 else []),
            "*What was done:* nothing, where nobody decided elsewhere; that is the safe default.",
            "*What you can do:* /andon why REQUEST tells about one of them.",
        ),
        buttons=tuple(
            blocks.button(f"Ask again: {plain(view.title, 50)}", action_ids.ASK_AGAIN, view.request.id)
            for view in surroundings.named
            if view.request.state.went_unanswered and view.request.follow is None
        ),
    )


def _ended(view: View) -> str:
    # In one line of our own markup: an agent's words would be drawn as if they were ours.
    return f"{TITLES[view.request.state]}: {mrkdwn(view.title)}, {mrkdwn(view.request.id)}"


_OfRequest = (
    notice.Asked
    | notice.Nudged
    | notice.BackupCalled
    | notice.Acknowledged
    | notice.ApprovedByOne
    | notice.Settled
    | notice.AskedAgain
    | notice.Unanswered
    | notice.EffectFailed
    | notice.EffectUnknown
    | notice.EffectResolved
    | notice.EffectContradicted
)


#: What is said while a request waits. It is drawn from the request as it is when it is sent.
_Waiting = notice.Asked | notice.Nudged | notice.BackupCalled | notice.Acknowledged | notice.ApprovedByOne


def _with_link(text: NoticeText, view: View) -> NoticeText:
    link = to_card(view)
    return replace(text, sentences=(*text.sentences, link)) if link else text


def _waiting(said: _Waiting, view: View) -> NoticeText:
    match said:
        case notice.Asked():
            return _asked(view)
        case notice.Nudged():
            told = f"{asked(view) or 'Nobody may decide'}: half of the time is over."
            return NoticeText(sentences=(f"{told} {so_far(view)} {_due(view)}",))
        case notice.BackupCalled(backup=backup):
            return _backup(backup, view)
        case notice.Acknowledged(by=by):
            more = "The reminders pause; the deadline stands."
            return NoticeText(sentences=(f"*{person(view, by)}* is looking. {more} {_due(view)}",))
        case notice.ApprovedByOne(by=by):
            others = asked(view)
            more = f"*{needed(view)}*" + (f" {others} may give it." if others else "")
            return NoticeText(sentences=(f"*{person(view, by)}* approved. {more} {_due(view)}",))
        case _:
            assert_never(said)


def _overtaken(said: _Waiting, view: View) -> NoticeText:
    # It waited in the outbox while the request was decided.
    match said:
        case notice.ApprovedByOne(by=by):
            return NoticeText(sentences=(f"*{person(view, by)}* approved. {ended(view)}",))
        case notice.Acknowledged(by=by):
            return NoticeText(sentences=(f"*{person(view, by)}* was looking. {ended(view)}",))
        case notice.Asked() | notice.BackupCalled():
            title = f"{TITLES[view.request.state]}: {view.title}"
            return NoticeText(heading=title, sentences=(f"Nothing is left to decide. {ended(view)}",))
        case notice.Nudged():
            return NoticeText(sentences=(ended(view),))
        case _:
            assert_never(said)


def _about(said: _OfRequest, view: View) -> NoticeText:
    match said:
        case (
            notice.Asked()
            | notice.Nudged()
            | notice.BackupCalled()
            | notice.Acknowledged()
            | notice.ApprovedByOne()
        ):
            return (_overtaken if view.request.state.is_settled else _waiting)(said, view)
        case notice.Settled():
            return _settled(said, view)
        case notice.AskedAgain(by=by, follow=follow):
            return NoticeText(sentences=(f"*{person(view, by)}* had it asked again, as {mrkdwn(follow)}.",))
        case notice.Unanswered():
            return _unanswered(said, view)
        case notice.EffectFailed():
            return _failed(view)
        case notice.EffectUnknown(grant=grant):
            return _unknown(grant, view)
        case notice.EffectResolved(by=by, report=report):
            found = _found_out(view.directory, by, report)
            return NoticeText(heading=f"Known again: {view.title}", sentences=(f"{found} {_whose(view)}",))
        case notice.EffectContradicted():
            return _contradicted(said, view)
        case _:
            assert_never(said)


def _orphan(said: _OfRequest, directory: Directory) -> NoticeText:
    # An alarm that lost its request is still an alarm.
    match said:
        case notice.EffectResolved(grant=grant, by=by, report=report):
            found = _found_out(directory, by, report)
            return NoticeText(heading="Known again", sentences=(f"{found} Permission {mrkdwn(grant)}.",))
        case notice.EffectUnknown(grant=grant):
            return NoticeText(heading="Outcome unknown", sentences=(f"Permission {mrkdwn(grant)}.",))
        case notice.EffectContradicted(grant=grant):
            told = f"{_both(said, directory)} Permission {mrkdwn(grant)}."
            return NoticeText(heading="Contradicted", sentences=(told,))
        case _:
            return NoticeText(sentences=(f"{type(said).__name__}: the request it is about cannot be read.",))


def _found_out(directory: Directory, by: str, report: str) -> str:
    known = "it happened" if report == "succeeded" else "it did not happen"
    return f"*{mrkdwn(directory.name(by))}* found out that *{known}*."


def _asked(view: View) -> NoticeText:
    is_question = isinstance(view.request.subject, Question)
    label = "Open to answer" if is_question else "Open to decide"
    late = " Half of the time is over." if view.request.rung is not Rung.ASKED else ""
    return NoticeText(
        heading=f"A {view.title}" if is_question else f"{view.title} — approve?",
        sentences=(f"{waits(view)} {undone(view)}".strip(), f"{so_far(view)}{late} {_due(view)}"),
        words=gist(view),
        buttons=(blocks.button(label, action_ids.FULL, view.request.id, style="primary"),),
    )


def _backup(backup: str, view: View) -> NoticeText:
    told = f"*{person(view, backup)}*, you are the backup for {mrkdwn(view.request.agent)}."
    return NoticeText(
        sentences=(
            f"{told} Most of the time is over for *{mrkdwn(view.title)}*. {so_far(view)}",
            f"{_who(view)} may decide. {_due(view)}",
            _whose(view),
        )
    )


def _settled(said: notice.Settled, view: View) -> NoticeText:
    state = State(said.state)
    by = f" by *{person(view, said.by)}*" if said.by else ""
    undone = "" if state.gives_authority or state is State.ANSWERED else " *Nothing was done.*"
    if state is State.SUPERSEDED:
        undone = " The edited request takes its place."
    return NoticeText(
        sentences=(f"{TITLES[state]}{by}.{undone}",),
        words=redacted(said.text or "", hidden_texts(view)),
    )


def _unanswered(said: notice.Unanswered, view: View) -> NoticeText:
    timed_out = said.state == State.TIMED_OUT.value
    happened = f"{in_time(view)}." if timed_out else "The card could not reach anybody in Slack."
    again = "Whoever may decide can have it asked again from the card."
    if view.request.delivered_at is None:
        again = "There is no card to ask it again from; the agent may ask anew."
    return NoticeText(
        heading=f"{TITLES[State(said.state)]}: {view.title}",
        sentences=(
            f"*What happened:* {happened} {_due(view)}",
            "*What was done:* nothing; that is the safe default. The agent was told not to act.",
            f"*What you can do:* {again} {_whose(view)}",
        ),
        words=gist(view),
    )


def _failed(view: View) -> NoticeText:
    told = None if view.grant is None else view.grant.result
    return NoticeText(
        heading=f"Failed: {view.title}",
        sentences=(
            "*What happened:* the agent started it and reports that it failed"
            + (", in its own words below." if told else "."),
            "*What was done:* nothing more; it is not tried again under this approval.",
            f"*What you can do:* find the cause; the agent may propose it anew. {_whose(view)}",
        ),
        words=redacted(told or "", hidden_texts(view)),
    )


def _unknown(grant: str, view: View) -> NoticeText:
    if view.grant is not None and view.grant.state is not GrantState.UNKNOWN:
        found = f"{became(view, view.grant)} {_whose(view)}"
        return NoticeText(heading=f"Known again: {view.title}", sentences=(found,))
    late = None if view.grant is None else view.grant.late
    return NoticeText(
        heading=f"Outcome unknown: {view.title}",
        sentences=(
            f"*What happened:* {_ending(late, view)}",
            "*What was done:* nothing more; it is not tried again, because it may have happened.",
            f"*What you can do:* look in the target system, then say what you found. {_whose(view)}",
        ),
        words=_with_what_it_said(late, view),
        buttons=(
            blocks.button("It happened", action_ids.RESOLVE_SUCCEEDED, grant),
            blocks.button("It did not happen", action_ids.RESOLVE_FAILED, grant),
        ),
    )


def _contradicted(said: notice.EffectContradicted, view: View) -> NoticeText:
    late = None if view.grant is None else view.grant.late
    return NoticeText(
        heading=f"Contradicted: {view.title}",
        sentences=(
            f"*What happened:* {_both(said, view.directory)}",
            "*What was done:* nothing; what the person found stands, with the report beside it.",
            f"*What you can do:* look in the target system again, and mend what followed. {_whose(view)}",
        ),
        words=_with_what_it_said(late, view),
    )


def _both(said: notice.EffectContradicted, directory: Directory) -> str:
    before, now = ("failed", "succeeded") if said.report == "succeeded" else ("succeeded", "failed")
    return f"{_found_out(directory, said.by, before)} Now the agent reports that *it {now}*."


def _ending(late: LateReport | None, view: View) -> str:
    is_known = view.grant is None or view.grant.claimed_at is not None
    start = "the agent started it" if is_known else "the database is an older copy, where nobody started it"
    if late is None:
        ends = "how it ended is not on the record" if is_known else "whether it was done since is not known"
        return f"{start}; {ends}."
    at = view.times.at(late.at)
    ended = "it succeeded" if late.report is Report.SUCCEEDED else "it failed"
    return f"{start}, and {'' if is_known else 'the agent '}reports too late to count, {at}, that *{ended}*."


def _with_what_it_said(late: LateReport | None, view: View) -> str:
    if late is None or late.result is None:
        return gist(view)
    return f"{gist(view)}\nThe agent's result: {redacted(late.result, hidden_texts(view))}"


def _who(view: View) -> str:
    return people(view, view.deciders) or "Nobody"


def _due(view: View) -> str:
    tense = "was" if view.now >= view.request.deadline else "is"
    return f"The deadline {tense} *{view.times.at(view.request.deadline)}*."


def _whose(view: View) -> str:
    book = runbook_link(view)
    owner = f"Owner: {person(view, view.request.owner)}."
    return f"{owner} Runbook: {book}." if book else owner
