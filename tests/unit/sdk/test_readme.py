"""The README's examples do what it says, over real sockets where it means a real bot."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from andon import GrantState, Unreachable, sync
from andon.testing import Script

README = (Path(__file__).parents[3] / "sdk" / "README.md").read_text()
AGENT, TESTED = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
AGENT_PRINTS, TESTED_PRINTS = re.findall(r"```text\n(.*?)```", README, re.DOTALL)


class Answering(BaseHTTPRequestHandler):
    """Answers each call as the server's script does."""

    script: Script

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = f"http://{self.headers['Host']}{self.path}"
        request = httpx.Request(self.command, url, headers=dict(self.headers), content=content)
        response = asyncio.run(self.script.handle_async_request(request))
        self.send_response(response.status_code)
        self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    do_GET = do_POST = _answer  # noqa: N815  # the names http.server calls

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@contextmanager
def served(script: Script) -> Iterator[str]:
    """Serve *script* on a port of this machine; yield its address."""
    handler = type("Handler", (Answering,), {"script": script})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_the_agent_of_the_readme(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first example, against a bot on a socket, prints what the README says."""
    script = Script().answer("PO-77").edit("ledger.post", amount="1200.00")
    script.reject("ledger.post", reason="stamps are free here")
    with served(script) as url:
        monkeypatch.setenv("ANDON_URL", url)
        monkeypatch.setenv("ANDON_AGENT_KEY", "andon_" + "k" * 43)
        monkeypatch.setenv("ANDON_WORKFLOW", "close-2026-10")
        monkeypatch.setenv("NO_PROXY", "*")
        exec(compile(AGENT, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102  # our own text
    assert capsys.readouterr().out == AGENT_PRINTS
    assert [grant.state for grant in script.reported] == [GrantState.SUCCEEDED]


def test_the_test_of_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    """The second example prints what the README says."""
    exec(compile(TESTED, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102  # our own text
    assert capsys.readouterr().out == TESTED_PRINTS


def test_a_closed_port_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nobody listening, a gated function does not run."""
    monkeypatch.setenv("NO_PROXY", "*")
    with served(Script()) as url:
        pass
    ran = []
    with sync.Andon(url, "andon_x", workflow="close-2026-10", patience=0.3) as andon:

        @andon.gated("ledger.post")
        def post(account: str) -> None:
            ran.append(account)

        with pytest.raises(Unreachable):
            post("2100")
    assert not ran
