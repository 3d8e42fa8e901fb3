"""The Slack app that the demo and the browser tests install: its ids, tokens and signing secret."""

from typing import Final

TEAM_ID: Final = "T01ANDON"
APP_ID: Final = "A01ANDON"
BOT_USER_ID: Final = "U0ANDON"

# Keys to nothing: they open a Slack that lives in one process on this machine and ends with it.
BOT_TOKEN: Final = "xoxb-local-andon"  # noqa: S105
APP_TOKEN: Final = "xapp-local-andon"  # noqa: S105
SIGNING_SECRET: Final = "local-andon-signing-secret"  # noqa: S105
