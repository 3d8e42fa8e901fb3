"""The Slack app's manifest asks for what the bot uses and no more, and its files are not stale."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from bot.slack import app_manifest
from bot.slack.app_manifest import create_url, files, http_manifest, socket_manifest

FOLDER = Path(__file__).parents[3] / "deploy" / "slack"
URL = "https://andon.example.com/slack/events"


def variants() -> list[dict[str, Any]]:
    return [dict(http_manifest(URL)), dict(socket_manifest())]


@pytest.mark.parametrize("name", files())
def test_the_files_are_the_source_written_out(name: str) -> None:
    """A manifest file that was not written anew after a change fails here."""
    assert (FOLDER / name).read_text(encoding="utf-8") == files()[name]


def test_it_asks_for_what_it_uses_and_no_more() -> None:
    """Three scopes to speak, three to find what it said; one event, one command: no files, no users."""
    for manifest in variants():
        speaks, finds = ["chat:write", "commands", "im:write"], ["channels", "groups", "im"]
        assert manifest["oauth_config"]["scopes"] == {
            "bot": [*speaks, *(f"{place}:history" for place in finds)]
        }
        assert manifest["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened"]
        assert [command["command"] for command in manifest["features"]["slash_commands"]] == ["/andon"]
        assert manifest["settings"]["interactivity"]["is_enabled"] is True
        assert manifest["features"]["app_home"]["home_tab_enabled"] is True


def test_it_stays_within_slacks_limits() -> None:
    """Name, descriptions and command are no longer than Slack takes."""
    for manifest in variants():
        shown = manifest["display_information"]
        command = manifest["features"]["slash_commands"][0]
        assert len(shown["name"]) <= 35
        assert len(shown["description"]) <= 140
        assert 174 <= len(shown["long_description"]) <= 4000
        assert len(manifest["features"]["bot_user"]["display_name"]) <= 80
        assert len(command["command"]) <= 32
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000


def test_the_variants_differ_in_how_slack_reaches_us_and_nothing_else() -> None:
    """HTTP has an address in three places, Socket Mode has none; the rest is the same."""
    over_http, over_socket = variants()
    assert over_http["settings"]["socket_mode_enabled"] is False
    assert over_socket["settings"]["socket_mode_enabled"] is True
    assert over_http["features"]["slash_commands"][0].pop("url") == URL
    assert over_http["settings"]["event_subscriptions"].pop("request_url") == URL
    assert over_http["settings"]["interactivity"].pop("request_url") == URL
    over_http["settings"]["socket_mode_enabled"] = True
    assert over_http == over_socket


def test_slack_is_never_told_to_call_an_open_address() -> None:
    """Plain http is refused before Slack would refuse it."""
    with pytest.raises(ValueError, match="https addresses only"):
        http_manifest("http://andon.example.com/slack/events")


def test_the_link_opens_slacks_form_with_this_very_manifest() -> None:
    """What Slack reads from the link is the manifest."""
    for manifest in variants():
        parts = urlsplit(create_url(manifest))
        assert (parts.scheme, parts.netloc, parts.path) == ("https", "api.slack.com", "/apps")
        query = parse_qs(parts.query)
        assert query["new_app"] == ["1"]
        assert yaml.safe_load(query["manifest_yaml"][0]) == manifest


def test_the_command_writes_both_files(tmp_path: Path) -> None:
    """One command writes the folder; without a folder it explains itself."""
    assert app_manifest.main([str(tmp_path / "slack")]) == 0
    assert {path.name for path in (tmp_path / "slack").iterdir()} == set(files())
    assert app_manifest.main([]) == 2
