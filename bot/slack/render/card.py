"""
The card of one request: what would happen, by when to decide, every argument, and the buttons.

A reader in a hurry gets it in three lines: the action, whether it can be undone and what happens
without a decision, and the values. A card that does not show the whole action has no Approve.
"""

from dataclasses import replace

from bot.slack.render.block_kit import action_ids, blocks
from bot.slack.render.block_kit.blocks import Block, Message
from bot.slack.render.block_kit.mrkdwn import escaped, mrkdwn
from bot.slack.render.facts import facts, name, undone
from bot.slack.render.layout import Laid, Room, lay
from bot.slack.render.outcome import outcome, sentence
from bot.slack.render.question import answers, question
from bot.slack.render.whole import whole
from bot.slack.render.words import words
from bot.wording.arguments import Row, gathered, hidden_texts, rows, veiled
from bot.wording.states import TITLES
from bot.wording.text import cut, plain, quoted
from bot.wording.times import Times
from bot.wording.view import View
from escalation.action import Action
from escalation.request import Question

#: What the arguments may take of a card; more than this nobody reads on a phone.
ROOM = Room(blocks=30, characters=6000)


def card(view: View) -> Message:
    """Return *view*'s card as it stands."""
    drawn = _settled(view) if view.request.state.is_settled else _pending(view)
    return Message(text=summary(view), blocks=tuple(drawn))


def summary(view: View) -> str:
    """Return the card in one escaped paragraph, for notifications and screen readers."""
    request = view.request
    about = mrkdwn(view.title)
    if request.state.is_settled:
        ended = sentence(replace(view, writes_times=Times))
        return cut(f"{TITLES[request.state]}: {about}. {ended}".replace("*", ""), 2900)
    due = view.times.with_span(request.deadline)
    asked = _question(request.subject) if isinstance(request.subject, Question) else _values(view)
    said = veiled(request.words.summary, hidden_texts(view))
    parts = [
        f"A {about}: {asked}" if isinstance(request.subject, Question) else f"{about} — approve? {asked}.",
        f"Edited by {name(view, view.edited.by)}." if view.edited is not None else "",
        undone(view).replace("*", ""),
        f"Decide by {due}, or nothing is done.",
        f"{mrkdwn(request.agent)} says: “{escaped(plain(said, 300))}”" if said.strip() else "",
    ]
    return cut(" ".join(part for part in parts if part), 2900)


def _question(question: Question) -> str:
    return escaped(plain(question.text, 500))


def _values(view: View) -> str:
    every = gathered(rows(view))
    shown = ", ".join(escaped(f"{cut(row.label, 80)} {cut(row.value, 80)}") for row in every[:8])
    return f"{shown} and {len(every) - 8} more values" if len(every) > 8 else shown or "no arguments"


def _laid(view: View) -> Laid:
    return lay(gathered(rows(view)), ROOM)


def _pending(view: View) -> list[Block]:
    if isinstance(view.request.subject, Question):
        return [
            blocks.header(f"A {view.title}"),
            *question(view.request.subject),
            blocks.section(lead(view)),
            *words(view.request),
            *answers(view.request, view.request.subject, _more_menu(view)),
            *_rest(view),
        ]
    laid = _laid(view)
    return [
        blocks.header(f"{view.title} — approve?"),
        blocks.section(lead(view)),
        *_arguments(view, laid),
        *words(view.request, hidden_texts(view)),
        blocks.actions(_buttons(view, laid)),
        *_rest(view),
    ]


def _settled(view: View) -> list[Block]:
    laid = _laid(view)
    again = view.request.state.went_unanswered and view.request.follow is None
    button = blocks.button("Ask again", action_ids.ASK_AGAIN, view.request.id)
    subject = view.request.subject
    asked = [blocks.verbatim(quoted(subject.text, 2800))] if isinstance(subject, Question) else []
    return [
        blocks.header(f"{TITLES[view.request.state]} — {view.title}"),
        *outcome(view),
        *asked,
        *_arguments(view, laid),
        *words(view.request, hidden_texts(view)),
        *([blocks.actions([button])] if again else []),
        *_rest(view),
    ]


def lead(view: View) -> str:
    """Return in markup what a decision means and by when it is needed."""
    request = view.request
    agent = mrkdwn(request.agent)
    due = view.times.at(request.deadline)
    if isinstance(request.subject, Question):
        lines = [
            f"*{agent}* does not know, and waits. Answer by *{due}*; without an answer *nothing is done*."
        ]
    else:
        lines = [f"*{agent}* wants to do this once. {undone(view)}"]
        lines.append(f"Decide by *{due}*; without a decision *nothing is done*.")
        if view.authority.denied:
            lines.append("⚠️ *The rules changed since and deny it:* it can only be rejected.")
        if view.missing > 1 and not request.approved_by:
            lines.append(f"*{view.missing} different people* have to approve.")
    if view.edited is not None:
        lines.append(f"*{name(view, view.edited.by)}* edited it; what changed is marked.")
    if request.approved_by:
        approvers = " and ".join(f"*{name(view, person)}*" for person in request.approved_by)
        more = "One more approval is" if view.missing == 1 else f"{view.missing} more approvals are"
        lines.append(f"Approved by {approvers}. *{more} needed.*")
    if request.acknowledged_by is not None:
        lines.append(f"{name(view, request.acknowledged_by)} is looking; the deadline stands.")
    return "\n".join(lines)


def _arguments(view: View, laid: Laid) -> list[Block]:
    if not isinstance(view.request.subject, Action):
        return []
    drawn = list(laid.blocks)
    if laid.of == 0:
        drawn.append(blocks.section("_No arguments._"))
    if not laid.is_whole:
        drawn.append(blocks.section(_what_is_missing(view, laid)))
    drawn.extend(_odd_words(gathered(rows(view))[: laid.shown]))
    return drawn


def _what_is_missing(view: View, laid: Laid) -> str:
    if whole(view) is None:
        way_out = (
            "It is too large for Slack to show in full, so nobody can approve it here; it can be rejected."
        )
    elif view.request.state.is_settled:
        way_out = "The record has all of it."
    else:
        way_out = "Open it in full to approve or edit it."
    if laid.shown < laid.of:
        return f"⚠️ *Only {laid.shown} of {laid.of} values are shown here.* {way_out}"
    return f"⚠️ *{laid.masked} of {laid.of} values are hidden here.* {way_out}"


def _odd_words(shown: tuple[Row, ...]) -> list[Block]:
    odd = [row for row in shown if row.odd_word is not None]
    if not odd:
        return []
    labels = ", ".join(escaped(cut(row.label, 80)) for row in odd[:5])
    return [blocks.section(f"⚠️ *Look twice:* {labels} mixes letters of alphabets that look alike.")]


def _buttons(view: View, laid: Laid) -> list[Block]:
    id_ = view.request.id
    reject = blocks.button("Reject", action_ids.REJECT, id_, style="danger")
    more = _more_menu(view)
    if view.authority.denied:
        return [reject, more]
    if not laid.is_whole:
        return [blocks.button("Open in full", action_ids.FULL, id_, style="primary"), reject, more]
    approve = blocks.button("Approve", action_ids.APPROVE, id_, style="primary")
    return [approve, blocks.button("Edit", action_ids.EDIT, id_), reject, more]


def _more_menu(view: View) -> Block:
    id_ = view.request.id
    looking = [] if view.request.acknowledged_by else [("I am looking", action_ids.MORE_ACKNOWLEDGE)]
    full = "Full question" if isinstance(view.request.subject, Question) else "Full arguments"
    book = [("Runbook", action_ids.MORE_RUNBOOK)] if view.agent is not None else []
    offered = [
        *looking,
        (full, action_ids.MORE_FULL),
        ("Why did this need me?", action_ids.MORE_WHY),
        *book,
    ]
    return blocks.overflow(
        action_ids.MORE, [blocks.option(label, f"{what}:{id_}") for label, what in offered]
    )


def _rest(view: View) -> list[Block]:
    # Small print: the buttons stay close to what they decide about, and on the first screen of a phone.
    return [blocks.context(facts(view)), blocks.context(mrkdwn(view.request.id))]
