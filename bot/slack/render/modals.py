"""The modals: reject with a reason, see everything and approve, answer, stop, and read why."""

from collections.abc import Mapping, Sequence

from bot.slack.render.block_kit import action_ids, blocks
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.block_kit.mrkdwn import escaped, mrkdwn
from bot.slack.render.card import lead
from bot.slack.render.facts import facts
from bot.slack.render.outcome import outcome, too_late
from bot.slack.render.question import choices, whole_question
from bot.slack.render.whole import whole
from bot.slack.render.words import all_words
from bot.wording.arguments import Reader, hidden_texts
from bot.wording.text import plain, quoted
from bot.wording.view import View
from escalation.action import Action, Json
from escalation.ids import PersonId
from escalation.request import Question
from escalation.switch import Scope, ScopeKind

REASON = "reason"  #: The block (and action) id of a reason.
OPTION = "option"  #: The block (and action) id of a chosen option.
TEXT = "text"  #: The block (and action) id of an answer in words.
_LONGEST_REASON = 1000
_LONGEST_ANSWER = 2000


def modal(
    callback: str, heading: str, drawn: Sequence[Block], *, metadata: str = "", submit: str | None = None
) -> Block:
    """Return a modal view; *metadata* is an id and nothing more."""
    view: Block = {
        "type": "modal",
        "callback_id": callback,
        "title": blocks.plain_text(plain(heading, 24)),
        "close": blocks.plain_text("Close" if submit is None else "Cancel"),
        "private_metadata": metadata,
        "blocks": list(drawn),
    }
    return view if submit is None else {**view, "submit": blocks.plain_text(submit)}


def said(heading: str, sentence: str) -> Block:
    """Return a modal that says one thing, such as why a click was refused."""
    return modal(action_ids.READ, heading, [blocks.verbatim(plain(sentence, 2800))])


def late(view: View) -> Block:
    """Return the modal that a form turns into when its request ended while it was filled in."""
    return modal(action_ids.READ, "Nothing changed", too_late(view))


def reject(view: View) -> Block:
    """Return the modal that asks for the reason of a rejection."""
    drawn = [
        blocks.section(f"*{escaped(plain(view.title, 200))}:* nothing will be done. One rejection is final."),
        _words_entry(REASON, "Why? The agent reads this and does better.", limit=_LONGEST_REASON),
    ]
    return modal(action_ids.REJECTED, "Reject", drawn, metadata=view.request.id, submit="Reject")


def reason(values: Mapping[str, Json]) -> str:
    """Return the reason typed into a submitted modal, or an empty text."""
    return _typed(values, REASON)


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
        drawn.append(_words_entry(TEXT, label, limit=_LONGEST_ANSWER, required=not asked.options))
    drawn.extend((*all_words(request), blocks.section(facts(view))))
    return modal(action_ids.ANSWERED, "Answer", drawn, metadata=request.id, submit="Send answer")


def answered(values: Mapping[str, Json], asked: Question) -> str | dict[str, str]:
    """Return the answer in a submitted modal, or what is wrong, by block id."""
    typed, chosen = _typed(values, TEXT), _chosen(values)
    if typed and chosen is not None:
        return {TEXT: "Choose an option or write your own words, not both."}
    if typed:
        return typed
    if chosen is None or not chosen < len(asked.options):
        return {OPTION if asked.options else TEXT: "Choose or write an answer."}
    return asked.options[chosen]


def stop(scope: Scope) -> Block:
    """Return the confirmation of a stop of *scope*."""
    drawn = [
        blocks.section(
            f"*Stop {covered(scope)}?* From then on nothing new starts. What waits for a decision ends, "
            "and permissions not used yet are taken back. What is under way finishes.\n"
            "Only a *different* operator can resume it."
        ),
        _words_entry(REASON, "Why? Whoever resumes it reads this.", limit=_LONGEST_REASON),
    ]
    return modal(action_ids.STOPPED, "Stop", drawn, metadata=str(scope), submit="Stop")


def covered(scope: Scope) -> str:
    """Return what *scope* covers, in escaped words."""
    match scope.kind:
        case ScopeKind.ALL:
            return "every agent"
        case ScopeKind.AGENT:
            return f"the agent {mrkdwn(scope.name)}"
        case ScopeKind.FUNCTION:
            return f"every agent of {mrkdwn(scope.name)}"
        case ScopeKind.ACTION:
            return f"every {mrkdwn(scope.name)}"


def why(view: View) -> Block:
    """Return why *view*'s request needed a person."""
    return modal(action_ids.READ, "Why did this need me?", why_blocks(view), metadata=view.request.id)


def why_blocks(view: View) -> tuple[Block, ...]:
    """Return the rule that asked, its condition as it stands today, and the facts."""
    ruling = view.request.ruling
    if isinstance(view.request.subject, Question):
        start = "The agent asked a question; the manifest says who may answer it."
    else:
        start = f"The first rule that matched is *{mrkdwn(ruling.rule)}*, and it says: ask."
    condition = _condition(view)
    return (
        blocks.section(start),
        *([blocks.verbatim(quoted(f"Its condition today: {condition}", 2800))] if condition else []),
        blocks.section(facts(view)),
        blocks.context(f"Rules {mrkdwn(ruling.version)}"),
    )


def _condition(view: View) -> str | None:
    if view.type is None:
        return None
    ruling = view.request.ruling.rule
    rule = next((rule for rule in view.type.policy.rules if rule.name == ruling), None)
    if rule is None:
        return None
    return "always" if rule.when is None else rule.when.source


def _too_large() -> tuple[Block, ...]:
    return (
        blocks.section(
            "⚠️ *Slack cannot show this action in full, so nobody can approve it here.* "
            "Reject it and ask for a smaller one, or leave it: without a decision nothing is done."
        ),
    )


def _words_entry(block_id: str, label: str, *, limit: int, required: bool = True) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": block_id,
        "multiline": True,
        "max_length": limit,
    }
    return blocks.entry(block_id, label, element, required=required)


def entered(values: Mapping[str, Json], block_id: str) -> Mapping[str, Json] | None:
    """Return what was put into an input block, or nothing if the client did not send it.

    *values* are the ``values`` of a submitted view's ``state``.
    """
    block = values.get(block_id)
    element = next(iter(block.values()), None) if isinstance(block, Mapping) else None
    return element if isinstance(element, Mapping) else None


def _typed(values: Mapping[str, Json], block_id: str) -> str:
    element = entered(values, block_id)
    value = None if element is None else element.get("value")
    return value.strip() if isinstance(value, str) else ""


def _chosen(values: Mapping[str, Json]) -> int | None:
    element = entered(values, OPTION)
    picked = None if element is None else element.get("selected_option")
    value = picked.get("value") if isinstance(picked, Mapping) else None
    index = value.rpartition("|")[2] if isinstance(value, str) else ""
    return int(index) if index.isascii() and index.isdigit() else None
