"""Tells one person why their click did not count, or how the request had ended before it."""

from bot.slack.listeners.context import TAKEN, Ack, ListenerContext
from bot.slack.render import private_replies
from bot.slack.render.block_kit import action_ids
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.modals import deciding, frame
from bot.slack.signed_request import Body
from bot.wording.people import up_to
from escalation.ids import RequestId
from escalation.ports import Dossier
from escalation.reason import Reason, Refused
from escalation.request import Decision, Question, State, Verdict
from escalation.service import queries
from escalation.service.context import Counted

#: Refused because it is others' to do; only people we know are told so, and whose.
_NOT_THEIRS = frozenset({Reason.NOT_AN_APPROVER, Reason.OWNER_MAY_NOT_DECIDE})
_LATE = frozenset({Reason.ALREADY_SETTLED, Reason.PAST_DEADLINE})
#: What a click on a button decides without a form.
_VERDICTS = {action_ids.APPROVE: Verdict.APPROVE, action_ids.ANSWER: Verdict.ANSWER}


async def tell(
    context: ListenerContext, body: Body, request_id: RequestId, outcome: Counted | Refused
) -> None:
    """
    Tell whoever clicked why it did not count; a late click sees how the request ended instead.

    Who decided just that before, and tapped twice, is told that it counted, and what became of it.
    """
    if isinstance(outcome, Counted):
        return
    ended = await _ended_before(context, request_id, outcome)
    if ended is None:
        who = await _who_may(context, request_id, outcome)
        context.reply_privately(body, private_replies.refused(outcome, who))
        return
    view = context.view(ended)
    before = _decided_before(context, body, ended)
    context.reply_privately(
        body, private_replies.late(view) if before is None else private_replies.again(view, before)
    )
    _redraw(context, body, ended)


async def acknowledge_form(
    context: ListenerContext, request_id: RequestId, outcome: Counted | Refused
) -> Ack:
    """Return what becomes of a submitted modal: it closes if it counted, else it says why it did not."""
    # What they typed is gone with the form, so the form says why instead of just closing.
    if isinstance(outcome, Counted):
        return TAKEN
    return {"response_action": "update", "view": await _refusal(context, request_id, outcome)}


async def _refusal(context: ListenerContext, request_id: RequestId, refused: Refused) -> Block:
    ended = await _ended_before(context, request_id, refused)
    if ended is None:
        return frame.said("Nothing changed", str(refused))
    return deciding.late(context.view(ended))


async def _who_may(context: ListenerContext, request_id: RequestId, refused: Refused) -> str:
    asked = refused.reason in _NOT_THEIRS
    about = await queries.dossier(context.core, request_id) if asked else None
    return (
        "" if about is None else up_to(context.core.configuration().directory, context.view(about).deciders)
    )


async def _ended_before(context: ListenerContext, request_id: RequestId, refused: Refused) -> Dossier | None:
    """Return the request that ended before this click came; nothing if it was refused for another reason."""
    return await queries.dossier(context.core, request_id) if refused.reason in _LATE else None


def _decided_before(context: ListenerContext, body: Body, ended: Dossier) -> Decision | None:
    """Return the decision of whoever clicked, if the button says the same and it came about so."""
    if not (ended.request.state.gives_authority or ended.request.state is State.ANSWERED):
        return None
    person, clicked = context.person(body), (body.get("actions") or [{}])[0]
    verdict = _VERDICTS.get(str(clicked.get("action_id", "")).rstrip(":0123456789"))
    mine = (d for d in ended.request.decisions if person is not None and d.person == person.id)
    return next((d for d in mine if d.verdict is verdict and d.text in {None, _option(ended, clicked)}), None)


def _option(about: Dossier, clicked: Block) -> str | None:
    """Return the answer that a click on a question's option gives."""
    subject = about.request.subject
    chosen = clicked.get("selected_option")
    value = chosen.get("value") if isinstance(chosen, dict) else clicked.get("value")
    index = str(value).rpartition("|")[2]
    if not isinstance(subject, Question) or not index.isdecimal() or int(index) >= len(subject.options):
        return None
    return subject.options[int(index)]


def _is_of_card(body: Body) -> bool:
    """Return whether what was clicked stands on cards alone."""
    clicked = str((body.get("actions") or [{}])[0].get("action_id", ""))
    return clicked.startswith((action_ids.APPROVE, action_ids.EDIT, action_ids.REJECT, action_ids.ANSWER))


def _redraw(context: ListenerContext, body: Body, about: Dossier) -> None:
    # A card that can still be clicked shows what is over: Slack lost our update, or took the card
    # without our hearing of it, so that it stands there twice.
    seen, card = body.get("container") or {}, about.card
    if seen.get("type") != "message" or seen.get("is_ephemeral"):
        return
    if card is None and not _is_of_card(body):
        return
    channel, ts = str(seen.get("channel_id", "")), str(seen.get("message_ts", ""))
    if (
        card is not None
        and about.request.state is State.SUPERSEDED
        and (channel, ts) == (card.channel, card.ts)
    ):
        return  # It shows the edited request by now.
    message = context.presenter.card(about, now=context.clock.now())
    context.in_background(
        context.slack.chat_update(channel=channel, ts=ts, text=message.text, blocks=list(message.blocks))
    )
