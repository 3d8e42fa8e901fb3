"""A client knows where the bot is and who it is, or says what is missing."""

import asyncio

import httpx
import pytest

from andon import Andon, NotConfigured
from andon.settings import Options, settings
from andon.testing import Script


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANDON_URL", "ANDON_AGENT_KEY", "ANDON_WORKFLOW"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "key", "named"),
    [
        (None, "andon_x", "ANDON_URL is not set"),
        ("", "andon_x", "ANDON_URL is not set"),
        ("andon.example.com", "andon_x", "ANDON_URL is not an address"),
        ("ftp://andon.example.com", "andon_x", "ANDON_URL is not an address"),
        ("https://user:pass@andon.example.com", "andon_x", "ANDON_URL is not an address"),
        ("https://[::1", "andon_x", "ANDON_URL is not an address"),
        ("https://andon.example.com", None, "ANDON_AGENT_KEY is not set"),
        ("https://andon.example.com", "andon_secret\n", "ANDON_AGENT_KEY has"),
        ("https://andon.example.com", "andon_sécret", "ANDON_AGENT_KEY has"),
    ],
)
def test_what_is_missing_is_named(
    url: str | None, key: str | None, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing or unusable setting is refused by name with what to write, and without the secret."""
    if url is not None:
        monkeypatch.setenv("ANDON_URL", url)
    if key is not None:
        monkeypatch.setenv("ANDON_AGENT_KEY", key)
    with pytest.raises(NotConfigured, match=named) as caught:
        Andon()
    assert "such as" in str(caught.value)
    for secret in ("secret", "sécret", "pass@"):
        assert secret not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize("workflow", ["two words", "w" * 121, "é"])
def test_a_workflow_fits_into_a_key(workflow: str) -> None:
    """A workflow that no idempotency key could carry is refused at once."""
    with pytest.raises(NotConfigured, match="ANDON_WORKFLOW"):
        Andon(offline=Script(), workflow=workflow)


def test_the_environment_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Address, key and workflow come from the environment, and arguments come first."""
    monkeypatch.setenv("ANDON_URL", "https://andon.example.com/")
    monkeypatch.setenv("ANDON_AGENT_KEY", "andon_secret")
    monkeypatch.setenv("ANDON_WORKFLOW", "close-2026-10")
    found = settings(None, None, Options())
    assert (found.url, found.workflow, found.patience) == ("https://andon.example.com", "close-2026-10", 30)
    assert settings("http://localhost:8000", None, Options(workflow="w")).url == "http://localhost:8000"
    assert "andon_secret" not in repr(found)


def test_offline_needs_no_settings() -> None:
    """A scripted client needs neither address nor key; which run it is nobody makes up for it."""
    assert Andon(offline=Script()).workflow is None


def test_one_client_serves_several_loops() -> None:
    """A client made at import is used by one event loop after the other."""
    calls: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.headers["Authorization"])
        return httpx.Response(200, json={"may_proceed": True, "server_time": "2026-01-01T12:00:00Z"})

    andon = Andon("http://bot.test", "andon_x", transport=httpx.MockTransport(answer))

    async def beat() -> None:
        async with andon:
            assert (await andon.heartbeat()).may_proceed

    asyncio.run(beat())
    asyncio.run(beat())
    assert calls == ["Bearer andon_x"] * 2
