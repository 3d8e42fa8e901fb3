"""The names of people, escaped, as cards and notices call them."""

from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.wording.view import View
from escalation.ids import PersonId

_NAMES = 6


def person(view: View, id_: str) -> str:
    """Return what people call the person *id_*, escaped."""
    return mrkdwn(view.directory.name(id_))


def people(view: View, ids: tuple[PersonId, ...]) -> str:
    """Return the names of the people *ids*, shortened and saying so when they are many."""
    shown = ", ".join(person(view, id_) for id_ in ids[:_NAMES])
    more = len(ids) - _NAMES
    return f"{shown} and {more} more" if more > 0 else shown
