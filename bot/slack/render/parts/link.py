"""The way from what is said elsewhere to the card."""

from bot.wording.view import View


def to_card(view: View) -> str:
    """Return a link to *view*'s card in markup; empty where it has none."""
    return linked(view.link, "See the card") if view.link else ""


def linked(link: str | None, label: str) -> str:
    """Return *label*, words of ours in markup, as a *link* to a card; as it is where there is none."""
    return label if link is None else f"<{link}|{label}>"
