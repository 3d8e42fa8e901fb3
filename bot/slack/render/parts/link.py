"""The way from what is said elsewhere to the card."""

from bot.wording.view import View


def to_card(view: View) -> str:
    """Return a link to *view*'s card in markup; empty where it has none."""
    return "" if view.link is None else f"<{view.link}|See the card>"
