"""The modals in which a request is decided: see everything and approve, answer, reject with a reason."""

from collections.abc import Mapping

from bot.slack.render.block_kit import action_ids, blocks
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.block_kit.mrkdwn import escaped, mrkdwn
from bot.slack.render.modals.frame import LONGEST_REASON, REASON, entered, modal, said, typed, words_entry
from bot.slack.render.parts.agent_words import all_words
from bot.slack.render.parts.facts import facts
from bot.slack.render.parts.lead import lead
from bot.slack.render.parts.outcome import outcome, too_late
from bot.slack.render.parts.question import choices, whole_question
from bot.slack.render.parts.whole_action import whole
from bot.wording.arguments import Reader, hidden_texts
from bot.wording.text import plain
from bot.wording.view import View
from escalation.action import Action, Json
from escalation.ids import PersonId
from escalation.request import Question

OPTION = "option"  #: The block (and action) id of a chosen option.
TEXT = "text"  #: The block (and action) id of an answer in words.
_LONGEST_ANSWER = 2000


def late(view: View) -> Block:
    """Return the modal that a form turns into when its request ended while it was filled in."""
    return modal(action_ids.READ, "Nothing changed", too_late(view))


def reject(view: View) -> Block:
    """Return the modal that asks for the reason of a rejection."""
    drawn = [
        blocks.section(f"*{escaped(plain(view.title, 200))}:* nothing will be done. One rejection is final."),
        words_entry(REASON, "Why? The agent reads this and does better.", limit=LONGEST_REASON),
    ]
    return modal(action_ids.REJECTED, "Reject", drawn, metadata=view.request.id, submit="Reject")


def full(view: View, reader: PersonId | None = None) -> Block:
    """Return everything about *view*'s request; where it may be decided, Approve is the submit button.

    What the manifest hides is shown to a *reader* who may decide or owns the agent, and to nobody else.
    """
    if isinstance(view.request.subject, Question) and not view.request.state.is_settled:
        return answer(view)
    drawn = whole(view, Reader.DECIDER if view.may_see(reader) else Reader.CHANNEL)
    over = view.request.state.is_settled or view.authority.denied
    decidable = drawn is not None and not over
    shown = [
        blocks.header(view.title),
        *([blocks.section(lead(view))] if not view.request.state.is_settled else outcome(view)),
        *(_too_large() if drawn is None and isinstance(view.request.subject, Action) else drawn or ()),
        *all_words(view.request, () if drawn is not None else hidden_texts(view)),
        blocks.section(facts(view)),
        blocks.context(mrkdwn(view.request.id)),
    ]
    if not decidable:
        return modal(action_ids.READ, "In full", shown, metadata=view.request.id)
    return modal(action_ids.APPROVED_FULL, "Approve?", shown, metadata=view.request.id, submit="Approve")


def answer(view: View) -> Block:
    """Return the modal that takes an answer: one of the options, or words, or either."""
    request, asked = view.request, view.request.subject
    if not isinstance(asked, Question):
        return said("Not a question", "This is a proposal; approve or reject it instead.")
    drawn = [*whole_question(asked), blocks.section(lead(view))]
    if asked.options:
        element = blocks.select(OPTION, "Choose an answer", choices(request, asked))
        drawn.append(blocks.entry(OPTION, "Your answer", element, required=not asked.allow_text))
    if asked.allow_text:
        label = "Or in your own words" if asked.options else "Your answer"
        drawn.append(words_entry(TEXT, label, limit=_LONGEST_ANSWER, required=not asked.options))
    drawn.extend((*all_words(request), blocks.section(facts(view))))
    return modal(action_ids.ANSWERED, "Answer", drawn, metadata=request.id, submit="Send answer")


def answered(values: Mapping[str, Json], asked: Question) -> str | dict[str, str]:
    """Return the answer in a submitted modal, or what is wrong, by block id."""
    words, chosen = typed(values, TEXT), _chosen(values)
    if words and chosen is not None:
        return {TEXT: "Choose an option or write your own words, not both."}
    if words:
        return words
    if chosen is None or not chosen < len(asked.options):
        return {OPTION if asked.options else TEXT: "Choose or write an answer."}
    return asked.options[chosen]


def _too_large() -> tuple[Block, ...]:
    return (
        blocks.section(
            "⚠️ *Slack cannot show this action in full, so nobody can approve it here.* "
            "Reject it and ask for a smaller one, or leave it: without a decision nothing is done."
        ),
    )


def _chosen(values: Mapping[str, Json]) -> int | None:
    element = entered(values, OPTION)
    picked = None if element is None else element.get("selected_option")
    value = picked.get("value") if isinstance(picked, Mapping) else None
    index = value.rpartition("|")[2] if isinstance(value, str) else ""
    return int(index) if index.isascii() and index.isdigit() else None
