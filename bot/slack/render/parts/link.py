"""The way from what is said elsewhere to the card."""

from bot.wording.view import View


def to_card(view: View) -> str:
    """Return a link to *view*'s card in markup; empty where it has none."""
    return linked(view, "See the card") if view.link else ""


def linked(view: View, label: str) -> str:
    """Return *label*, words of ours, as the link to *view*'s card; as it is where there is none."""
    return label if view.link is None else f"<{view.link}|{label}>"
