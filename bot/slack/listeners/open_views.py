"""The modals that a click opens: forms to fill in, and what somebody asked to see."""

from bot.slack.listeners.context import ListenerContext
from bot.slack.render.block_kit import action_ids
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.modals import deciding, edit, frame
from bot.slack.render.modals import runbook as runbook_modal
from bot.slack.render.modals import why as why_modal
from bot.slack.signed_request import Body
from escalation.ports import Dossier


def edit_form(context: ListenerContext, _: Body, about: Dossier) -> Block:
    """Return the form that edits the arguments."""
    return edit.edit(context.view(about))


def reject_form(context: ListenerContext, _: Body, about: Dossier) -> Block:
    """Return the form that asks for a reason."""
    return deciding.reject(context.view(about))


def answer_form(context: ListenerContext, _: Body, about: Dossier) -> Block:
    """Return the form that takes an answer."""
    return deciding.answer(context.view(about))


def in_full(context: ListenerContext, body: Body, about: Dossier) -> Block:
    """Return everything about the request; values hidden from the channel only to who may see them."""
    person = context.person(body)
    reader = None if person is None else person.id
    return deciding.full(context.view(about), reader)


def from_menu(context: ListenerContext, body: Body, about: Dossier, *, entry: str) -> Block:
    """Return what an *entry* of the overflow menu shows."""
    view = context.view(about)
    if entry == action_ids.MORE_WHY:
        return why_modal.why(view)
    if entry == action_ids.MORE_RUNBOOK and view.agent is not None:
        return runbook(context, view.agent.runbook)
    return in_full(context, body, about)


def runbook(context: ListenerContext, name: str) -> Block:
    """Return the runbook called *name*."""
    text = context.presenter.runbook(name)
    if text is None:
        return frame.said("Runbook", f"The runbook {name} is not on this server.")
    return runbook_modal.runbook(name, text)
