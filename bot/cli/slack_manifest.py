"""``andon slack-manifest``: the Slack app to create, as a manifest."""

from enum import StrEnum
from typing import Annotated

import typer

from bot.cli.common import fail
from bot.slack.app_manifest import EVENTS_PATH, as_yaml, create_url, http_manifest, socket_manifest


class Mode(StrEnum):
    """How Slack reaches us."""

    HTTP = "http"
    SOCKET = "socket"


def slack_manifest(
    mode: Annotated[Mode, typer.Option(help="Over a public URL, or over Socket Mode.")] = Mode.SOCKET,
    url: Annotated[str | None, typer.Option(help="For http: where Slack reaches this bot.")] = None,
    link: Annotated[bool, typer.Option("--link", help="Print a link that creates the app.")] = False,
) -> None:
    """Print the manifest of the Slack app, or a link that creates it."""
    try:
        manifest = socket_manifest() if mode is Mode.SOCKET else http_manifest(_door(url or ""))
    except ValueError as error:
        fail(f"--url: {error}. Write the address at which Slack reaches this bot.")
    typer.echo(create_url(manifest) if link else as_yaml(manifest))


def _door(url: str) -> str:
    # An operator knows the address of the bot; the path of Slack's door in it is ours.
    return url if url.endswith(EVENTS_PATH) else url.rstrip("/") + EVENTS_PATH
