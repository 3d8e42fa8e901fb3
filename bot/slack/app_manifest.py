"""
The Slack app's manifest: one source, two variants (HTTP and Socket Mode), and a link that creates it.

``python -m bot.slack.app_manifest deploy/slack`` writes both variants; a test fails when they are stale.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import yaml

from escalation.action import Json

#: What the bot does with each: say and update, be commanded, write to one person.
_SAYS: Final = ("chat:write", "commands", "im:write")
#: When Slack did not say whether it took a message, it looks for that one, by its mark, and for no other.
_FINDS: Final = ("channels:history", "groups:history", "im:history")
SCOPES: Final = (*_SAYS, *_FINDS)
EVENTS: Final = ("app_home_opened",)
COMMAND: Final = "/andon"
EVENTS_PATH: Final = "/slack/events"
#: Stands in the HTTP file until the operator writes their own.
PLACEHOLDER: Final = "https://andon.example.com/slack/events"

_CREATE = "https://api.slack.com/apps?new_app=1&manifest_yaml="
_HEADING = "# Written by `python -m bot.slack.app_manifest deploy/slack`; change it there.\n"


def http_manifest(request_url: str) -> dict[str, Json]:
    """Return the manifest of an app that Slack calls at *request_url*."""
    if not request_url.startswith("https://"):
        raise ValueError(f"Slack calls https addresses only, not {request_url!r}")
    return _manifest(request_url)


def socket_manifest() -> dict[str, Json]:
    """Return the manifest of an app that calls Slack: no public address is needed."""
    return _manifest(None)


def as_yaml(manifest: dict[str, Json]) -> str:
    """Return *manifest* as the YAML that Slack's form takes."""
    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=100)


def create_url(manifest: dict[str, Json]) -> str:
    """Return the address that opens Slack's form with *manifest* filled in."""
    return _CREATE + quote(as_yaml(manifest), safe="")


def files() -> dict[str, str]:
    """Return the content of each generated file, by name."""
    return {
        "manifest.http.yaml": _HEADING + as_yaml(http_manifest(PLACEHOLDER)),
        "manifest.socket.yaml": _HEADING + as_yaml(socket_manifest()),
    }


def _manifest(request_url: str | None) -> dict[str, Json]:
    at: dict[str, Json] = {} if request_url is None else {"request_url": request_url}
    command: dict[str, Json] = {
        "command": COMMAND,
        **({} if request_url is None else {"url": request_url}),
        "description": "See what waits and what runs; stop an agent",
        "usage_hint": "status | queue | why REQUEST | stop SCOPE | resume SCOPE | runbook AGENT | help",
        "should_escape": False,
    }
    return {
        "display_information": {
            "name": "Andon",
            "description": "Keeps people in charge of AI agents.",
            "long_description": _LONG,
            "background_color": "#7a1f1f",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "Andon", "always_online": True},
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**at, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **at},
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }


_LONG = (
    "Agents post what they want to do, and what they do not know. People approve, edit, reject or answer "
    "with one click, before a deadline; without a decision nothing is done. Whoever sees something wrong "
    "stops an agent with one command. Every step is on a record that an auditor can verify."
)


def main(arguments: Sequence[str]) -> int:
    """Write the generated files into the folder named by *arguments*."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m bot.slack.app_manifest FOLDER\n")
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (folder / name).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
