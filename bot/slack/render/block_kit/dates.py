"""Instants that Slack's clients draw themselves, each reader's in their own time zone."""

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.wording.times import Times


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackDates(Times):
    """Writes instants as ``<!date…>``, with UTC as the fallback of clients that do not know it."""

    def at(self, instant: datetime) -> str:
        """Return *instant* for ``mrkdwn``."""
        fallback = instant.astimezone(UTC).strftime("%d %b %Y %H:%M UTC")
        return f"<!date^{int(instant.timestamp())}^{{date_short_pretty}} at {{time}}|{fallback}>"
