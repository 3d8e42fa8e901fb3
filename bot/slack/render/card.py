"""
The card of one request: what would happen, by when to decide, every argument, and the buttons.

A reader in a hurry gets it in three lines: the action, whether it can be undone and what happens
without a decision, and the values. A card that does not show the whole action has no Approve.
"""

from bot.slack.render.block_kit import action_ids, blocks
from bot.slack.render.block_kit.blocks import Block, Message
from bot.slack.render.block_kit.mrkdwn import escaped, mrkdwn
from bot.slack.render.parts.agent_words import words
from bot.slack.render.parts.argument_rows import ArgumentBlocks, BlockBudget, lay_out
from bot.slack.render.parts.facts import facts
from bot.slack.render.parts.lead import lead
from bot.slack.render.parts.mentions import asked
from bot.slack.render.parts.outcome import outcome
from bot.slack.render.parts.question import answers, question
from bot.slack.render.parts.summary import summary
from bot.slack.render.parts.whole_action import whole
from bot.wording.arguments import Row, hidden_texts, merge_empty, rows
from bot.wording.states import TITLES
from bot.wording.text import cut, quoted
from bot.wording.view import View
from escalation.action import Action
from escalation.request import Question

#: What the arguments may take of a card; more than this nobody reads on a phone.
BUDGET = BlockBudget(blocks=30, characters=6000)


def card(view: View) -> Message:
    """Return *view*'s card as it stands."""
    drawn = _settled(view) if view.request.state.is_settled else _pending(view)
    return Message(text=summary(view), blocks=tuple(drawn))


def _laid(view: View) -> ArgumentBlocks:
    return lay_out(merge_empty(rows(view)), BUDGET)


def _pending(view: View) -> list[Block]:
    if isinstance(view.request.subject, Question):
        return [
            blocks.header(f"A {view.title}"),
            *question(view.request.subject),
            blocks.section(lead(view, asked=asked(view))),
            *words(view.request),
            *answers(view.request, view.request.subject, _more_menu(view)),
            *_rest(view),
        ]
    laid = _laid(view)
    return [
        blocks.header(f"{view.title} — approve?"),
        blocks.section(lead(view, asked=asked(view))),
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


def _arguments(view: View, laid: ArgumentBlocks) -> list[Block]:
    if not isinstance(view.request.subject, Action):
        return []
    drawn = list(laid.blocks)
    if laid.of == 0:
        drawn.append(blocks.section("_No arguments._"))
    if not laid.is_whole:
        drawn.append(blocks.section(_what_is_missing(view, laid)))
    drawn.extend(_odd_words(merge_empty(rows(view))[: laid.shown]))
    return drawn


def _what_is_missing(view: View, laid: ArgumentBlocks) -> str:
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


def _buttons(view: View, laid: ArgumentBlocks) -> list[Block]:
    id_ = view.request.id
    reject = blocks.button("Reject", action_ids.REJECT, id_, style="danger")
    more = _more_menu(view)
    if view.authority.denied:
        return [reject, more]
    if not laid.is_whole:
        return [blocks.button("Open in full", action_ids.FULL, id_, style="primary"), reject, more]
    approve = blocks.button("Approve", action_ids.APPROVE, id_, style="primary")
    edit = [] if view.authority.forbids_edits else [blocks.button("Edit", action_ids.EDIT, id_)]
    return [approve, *edit, reject, more]


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
