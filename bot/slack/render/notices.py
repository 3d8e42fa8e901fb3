"""What is said beside the cards: in threads, to the alerts channel, to one person, to the audit channel."""

from dataclasses import dataclass
from typing import assert_never

from bot.slack.render.block_kit import action_ids, blocks
from bot.slack.render.block_kit.blocks import Block, Message
from bot.slack.render.block_kit.mrkdwn import escaped, mrkdwn
from bot.slack.render.parts.facts import runbook_link
from bot.slack.render.parts.people import people, person
from bot.slack.render.parts.scopes import covered
from bot.wording.arguments import hidden_texts, redacted
from bot.wording.gist import gist
from bot.wording.states import TITLES
from bot.wording.text import cut, plain, quoted
from bot.wording.times import Times
from bot.wording.view import View
from escalation import notice
from escalation.authority import Directory
from escalation.request import State
from escalation.switch import scope


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeText:
    """One thing to say: a heading where it stands alone, sentences of ours, and words of others."""

    sentences: tuple[str, ...]  #: In markup, escaped.
    heading: str = ""
    words: str = ""  #: What a person or an agent wrote; shown as plain text.
    buttons: tuple[Block, ...] = ()

    def message(self) -> Message:
        """Return it as blocks, and as text that says the same."""
        drawn = [
            *([blocks.header(self.heading)] if self.heading else []),
            blocks.section("\n".join(self.sentences)),
            *([blocks.verbatim(quoted(self.words, 2800))] if self.words else []),
            *([blocks.actions(self.buttons)] if self.buttons else []),
        ]
        quote = f" “{escaped(plain(self.words, 500))}”" if self.words else ""
        heading = f"{mrkdwn(self.heading)}. " if self.heading else ""
        return Message(text=cut(f"{heading}{' '.join(self.sentences)}{quote}", 2900), blocks=tuple(drawn))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a notice is rendered from besides itself."""

    directory: Directory
    times: Times
    view: View | None = None  #: The request it is about, if there is one.


def message(said: notice.Notice, surroundings: Surroundings) -> Message:
    """Return the notice *said* as a message."""
    match said:
        case notice.Stopped() | notice.Resumed():
            return _switch(said, surroundings.directory).message()
        case notice.Sealed(seq=seq, hash=hash_):
            head = f"Seal of the record: {seq} events, head {mrkdwn(hash_)}"
            return NoticeText(sentences=(head,)).message()
        case notice.SetAside():
            return _set_aside(said).message()
        case _ if surroundings.view is None:
            return _orphan(said, surroundings.directory).message()
        case _:
            return _about(said, surroundings.view).message()


_OfRequest = (
    notice.Nudged
    | notice.BackupCalled
    | notice.Acknowledged
    | notice.ApprovedByOne
    | notice.Settled
    | notice.AskedAgain
    | notice.Unanswered
    | notice.EffectFailed
    | notice.EffectUnknown
    | notice.EffectResolved
)


def _about(said: _OfRequest, view: View) -> NoticeText:
    match said:
        case notice.Nudged():
            return NoticeText(sentences=(f"{_who(view)}: half of the time is over. {_due(view)}",))
        case notice.BackupCalled(backup=backup):
            return _backup(backup, view)
        case notice.Acknowledged(by=by):
            more = "The reminders pause; the deadline stands."
            return NoticeText(sentences=(f"*{person(view, by)}* is looking. {more} {_due(view)}",))
        case notice.ApprovedByOne(by=by, missing=missing):
            needed = (
                "One more approval is needed." if missing == 1 else f"{missing} more approvals are needed."
            )
            return NoticeText(sentences=(f"*{person(view, by)}* approved. *{needed}* {_due(view)}",))
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
        case _:
            return NoticeText(sentences=(f"{type(said).__name__}: the request it is about cannot be read.",))


def _found_out(directory: Directory, by: str, report: str) -> str:
    known = "it happened" if report == "succeeded" else "it did not happen"
    return f"*{mrkdwn(directory.name(by))}* found out that *{known}*."


def _backup(backup: str, view: View) -> NoticeText:
    told = f"*{person(view, backup)}*, you are the backup for {mrkdwn(view.request.agent)}."
    return NoticeText(
        sentences=(
            f"{told} Most of the time is over and nobody has decided on *{mrkdwn(view.title)}*.",
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
    happened = "Nobody decided in time." if timed_out else "The card could not reach anybody in Slack."
    again = "Whoever may decide can have it asked again from the card."
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
    return NoticeText(
        heading=f"Outcome unknown: {view.title}",
        sentences=(
            "*What happened:* the agent started it and never said how it ended.",
            "*What was done:* nothing more; it is not tried again, because it may have happened.",
            f"*What you can do:* look in the target system, then say what you found. {_whose(view)}",
        ),
        words=gist(view),
        buttons=(
            blocks.button("It happened", action_ids.RESOLVE_SUCCEEDED, grant),
            blocks.button("It did not happen", action_ids.RESOLVE_FAILED, grant),
        ),
    )


def _switch(said: notice.Stopped | notice.Resumed, directory: Directory) -> NoticeText:
    covers = covered(scope(said.scope))
    by = mrkdwn(directory.name(said.by))
    if isinstance(said, notice.Resumed):
        stopped_by = mrkdwn(directory.name(said.stopped_by))
        what = f"*{by}* resumed {covers}, which *{stopped_by}* had stopped."
        return NoticeText(heading=f"Resumed: {said.scope}", sentences=(what, "New requests are taken again."))
    killed, revoked = _count(said.killed, "waiting request"), _count(said.revoked, "unused permission")
    return NoticeText(
        heading=f"Stopped: {said.scope}",
        sentences=(
            f"*What happened:* *{by}* stopped {covers}. The reason is below.",
            f"*What was done:* {killed} ended, {revoked} taken back. Nothing new starts.",
            f"*What you can do:* a different operator resumes it with /andon resume {mrkdwn(said.scope)}.",
        ),
        words=said.reason,
    )


#: What it means that a row of a table is set aside.
_MEANS = {
    "requests": "Nobody can decide it and its deadline does not run.",
    "grants": "Nobody can claim it.",
    "outbox": "This message was not posted.",
    "switches": "What it covers counts as stopped.",
    "audit_events": "The record goes on; the event is linked as it stands.",
    "agent_keys": "Nobody can call with this key.",
}


def _set_aside(said: notice.SetAside) -> NoticeText:
    command = f"andon doctor --release {mrkdwn(said.id)}"
    more = [f"*And {_count(said.more, 'row')} more*, which are not named here."] if said.more else []
    return NoticeText(
        heading=f"Set aside: {said.id}",
        sentences=(
            f"*What happened:* one row of {mrkdwn(said.kind)} cannot be used: {mrkdwn(said.why)}.",
            f"*What was done:* it is set aside. {_MEANS.get(said.kind, '')} Everything else goes on.",
            f"*What you can do:* repair the row, or run the version that wrote it; then {command}.",
            *more,
        ),
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _who(view: View) -> str:
    return people(view, view.deciders) or "Nobody"


def _due(view: View) -> str:
    tense = "was" if view.now >= view.request.deadline else "is"
    return f"The deadline {tense} *{view.times.at(view.request.deadline)}*."


def _whose(view: View) -> str:
    book = runbook_link(view)
    owner = f"Owner: {person(view, view.request.owner)}."
    return f"{owner} Runbook: {book}." if book else owner
