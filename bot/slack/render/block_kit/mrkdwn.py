"""Text that we did not write, escaped so that Slack's markup shows it and does nothing with it."""

import re

from bot.wording.text import plain

_EMOJI_CODE = re.compile(r":(?=[a-z0-9_+'-]+:)", re.IGNORECASE)


def mrkdwn(text: str, limit: int = 150) -> str:
    """Return *text* so that Slack's markup shows it (at most *limit* characters) and does nothing with it."""
    return escaped(plain(text, limit))


def escaped(shown: str) -> str:
    """Return text that is *shown* already (by ``visible`` or ``plain``) so that markup leaves it alone."""
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Slack knows no escape for these three; a look-alike keeps them readable and dead.
    return _EMOJI_CODE.sub("\ua789", shown.replace("`", "ˋ").replace("://", ":⁄⁄"))
