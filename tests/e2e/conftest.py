"""What end-to-end tests start from: a clean environment, an installation, people at a bot of their own."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from andon import Andon, State
from deploy.demo.channels import FINANCE, GENERAL
from deploy.demo.people import KHALID, NADIA, SALMA
from deploy.demo.stack import AGENT
from tests.e2e.bookkeeper import Bookkeeper
from tests.e2e.house import House, house
from tests.e2e.installation import Installation, installed
from tests.harness.browser import Desk, chromium, desk


@pytest.fixture(scope="session", autouse=True)
def nothing_is_set() -> Iterator[None]:
    # The programs under test read the environment; a developer's own bot must not show through.
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.startswith(("ANDON_", "SLACK_")) or name == "AUTO":
                patch.delenv(name)
        yield


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return installed(tmp_path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def on(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("people")) as on:
        yield on


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def agent(on: House) -> AsyncIterator[Bookkeeper]:
    async with Andon(url=on.url, key=on.key, workflow="close-2026-10") as andon:
        yield Bookkeeper(andon=andon)
        for left in (await andon.list([State.PENDING])).items:
            await andon.cancel(left.id)
        if not (await andon.heartbeat()).may_proceed:
            for operator in (KHALID, NADIA):
                await on.slack.command(operator, GENERAL, line=f"/andon resume agent:{AGENT}")


@pytest_asyncio.fixture(loop_scope="module")
async def window(on: House, browser: Browser) -> AsyncIterator[Desk]:
    """A window on Slack; `act_as` seats another person at it."""
    async with desk(browser, on.slack.url, person=SALMA) as window:
        await window.open(FINANCE)
        yield window
        await on.slack.close_view(SALMA)
