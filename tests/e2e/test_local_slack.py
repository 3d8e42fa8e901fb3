"""The harness itself: a tiny Bolt app in a local Slack, driven by the control client and in Chromium."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.web.async_client import AsyncWebClient

from deploy.demo.channels import ALERTS, FINANCE
from deploy.demo.local_slack import DidNotStart, NotInstalled, local_slack
from deploy.demo.people import KHALID, SALMA
from deploy.demo.slack_app import APP_TOKEN, BOT_TOKEN
from deploy.demo.workspace import Workspace
from tests.harness.browser import Desk, chromium, desk
from tests.harness.local_slack import bot_in_slack, needs_local_slack
from tests.harness.tiny_bot import CARD, post_card, tiny_bot

pytestmark = needs_local_slack()


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with bot_in_slack(lambda slack: AsyncSlackRequestHandler(tiny_bot(slack))) as slack:
        yield slack


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def salma(slack: Workspace, browser: Browser) -> AsyncIterator[Desk]:
    async with desk(browser, slack.url, person=SALMA) as salma:
        await salma.open(FINANCE)
        yield salma


async def test_click(slack: Workspace) -> None:
    """A click reaches the bot signed, with the person's own id and team."""
    await slack.click(SALMA, await post_card(slack), action="approve")
    assert await slack.message(FINANCE, "Approved by salma of T01ANDON")


async def test_choose(slack: Workspace) -> None:
    """A choice from a menu carries the option's value, and the answer lands in the card's thread."""
    card = await post_card(slack)
    await slack.click(KHALID, card, action="more", value="why")
    assert (await slack.message(FINANCE, "You chose why"))["thread_ts"] == card["ts"]


async def test_a_click_needs_its_button(slack: Workspace) -> None:
    """A button that the message does not have cannot be pressed, only forged."""
    card = await post_card(slack)
    with pytest.raises(LookupError, match="'stop'"):
        await slack.click(SALMA, card, action="stop")
    await slack.forge(SALMA, card, action={"type": "button", "action_id": "approve", "value": "req_2"})
    assert await slack.message(FINANCE, "Approved by salma")


async def test_submit(slack: Workspace) -> None:
    """A form left alone submits its initial values, and an answered one closes."""
    await slack.click(SALMA, await post_card(slack), action="edit")
    refused = await slack.submit(SALMA, {"Amount": "0"})
    assert refused.errors == {"Amount": "Nothing to post"}
    assert len(refused.views) == 1
    accepted = await slack.submit(SALMA, {"Account": "6100", "Tell": ["a", "o"]})
    assert (accepted.errors, accepted.views) == ({}, [])
    assert await slack.message(FINANCE, "Edited: 12.500, Bank fee, 2026-10-31, 6100, a, o")


async def test_submit_waits_for_the_form(slack: Workspace) -> None:
    """A person who is ready before the form submits it once it is there."""
    submitting = asyncio.create_task(slack.submit(SALMA, {"Amount": "0"}))
    await asyncio.sleep(0.2)
    await slack.click(SALMA, await post_card(slack), action="edit")
    assert (await submitting).errors == {"Amount": "Nothing to post"}


async def test_a_form_takes_only_what_it_offers(slack: Workspace) -> None:
    """A field or an option that the form does not have is an error of the test."""
    await slack.click(SALMA, await post_card(slack), action="edit")
    with pytest.raises(LookupError, match="'Amounts'"):
        await slack.submit(SALMA, {"Amounts": "1"})
    with pytest.raises(LookupError, match=r"'9999', only \['1', '6100'\]"):
        await slack.submit(SALMA, {"Account": "9999"})
    assert (await slack.view("12.500"))["callback_id"] == "edit"
    await slack.close_view(SALMA)
    assert await slack.views() == []


async def test_command(slack: Workspace) -> None:
    """A command is answered to the person who typed it."""
    await slack.command(KHALID, FINANCE, line="/andon why req_1")
    answer = await slack.message(FINANCE, "khalid asked for why req_1")
    assert answer["ephemeral_to"] == KHALID.id


async def test_home(slack: Workspace) -> None:
    """App Home shows what the bot published for that person, and its buttons work."""
    view = await slack.open_home(KHALID)
    assert view is not None
    await slack.click_home(KHALID, action="approve")
    assert await slack.message(FINANCE, "Approved by khalid")


async def test_talk(slack: Workspace) -> None:
    """What is said in a channel reaches the bot, which is a member of it."""
    said = await slack.say(KHALID, FINANCE, text="echo good morning")
    while len(await slack.messages(FINANCE)) < 2:
        await asyncio.sleep(0.02)
    assert [message["text"] for message in await slack.messages(FINANCE)] == [said["text"], "good morning"]


async def test_direct_message(slack: Workspace) -> None:
    """A person and the bot have a conversation of their own."""
    client = AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url)
    opened = str((await client.conversations_open(users=SALMA.id))["channel"]["id"])
    await slack.say(SALMA, opened, text="echo hello Salma")
    while len(await slack.direct_messages(SALMA)) < 2:
        await asyncio.sleep(0.02)
    said = [message["text"] for message in await slack.direct_messages(SALMA)]
    assert said == ["echo hello Salma", "hello Salma"]
    assert await slack.direct_messages(KHALID) == []


async def test_silence_is_told(slack: Workspace) -> None:
    """Waiting for words that nobody says ends with what was said instead."""
    await slack.say(SALMA, FINANCE, text="good morning")
    with pytest.raises(LookupError, match="good morning"):
        await slack.message(FINANCE, "good night", within=0.2)


async def test_reset(slack: Workspace) -> None:
    """A reset forgets messages and traffic."""
    await post_card(slack)
    assert await slack.log()
    await slack.reset()
    assert (await slack.messages(FINANCE), await slack.log()) == ([], [])


async def test_socket_mode() -> None:
    """Without a bot address the same app is reached over Socket Mode."""
    async with local_slack() as slack:
        handler = AsyncSocketModeHandler(tiny_bot(slack), APP_TOKEN)
        await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt gives it no types
        try:
            await slack.click(SALMA, await post_card(slack), action="approve")
            assert await slack.message(FINANCE, "Approved by salma")
            await slack.click(
                SALMA, await slack.message(FINANCE, "Approved by salma") | {"blocks": CARD}, action="edit"
            )
            assert (await slack.submit(SALMA, {"Amount": "0"})).errors == {"Amount": "Nothing to post"}
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]  # Bolt gives it no types


async def test_nothing_stays() -> None:
    """With the block the whole Slack is gone, and its port is free."""
    async with local_slack() as slack:
        port = int(slack.url.rpartition(":")[2])
    with pytest.raises(OSError, match=str(port)):
        await asyncio.open_connection("127.0.0.1", port)


async def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing binary is told with the command that gets it."""
    monkeypatch.setenv("LOCAL_SLACK", "/nowhere/local-slack")
    with pytest.raises(NotInstalled, match="npm ci"):
        async with local_slack():
            pass


async def test_two_at_once() -> None:
    """Two local Slacks do not meet, and a taken port is refused with local-slack's own words."""
    async with local_slack() as one, local_slack() as other:
        await post_card(one)
        assert await other.messages(FINANCE) == []
        with pytest.raises(DidNotStart, match=r"EADDRINUSE|in use"):
            async with local_slack(port=int(one.url.rpartition(":")[2])):
                pass


async def test_page_click(slack: Workspace, salma: Desk) -> None:
    """A card is seen, its button pressed, and the card says who decided."""
    await post_card(slack)
    card = await salma.sees("Post the bank fee")
    assert await card.buttons() == ["Approve", "Edit"]
    await card.click("Approve")
    await card.says("Approved by salma")
    assert await card.buttons() == []
    await salma.misses("Post the bank fee")


async def test_page_menu_and_thread(slack: Workspace, salma: Desk) -> None:
    """A menu takes the same choice twice and shows none; its answers and a reply stand in the thread."""
    await post_card(slack)
    card = await salma.sees("Post the bank fee")
    thread = await salma.open_thread(card)
    await card.choose("Why me?")
    await thread.sees("You chose why")
    await card.choose("Why me?")
    await card.says("2 replies")
    assert await card.locator.locator("select").input_value() == ""
    await thread.reply("the fee is on line 14")
    await thread.sees("line 14")
    await thread.close()


async def test_page_form(slack: Workspace, salma: Desk) -> None:
    """A form is filled in, refused beside its reason, corrected, and sends what the person saw."""
    await post_card(slack)
    await (await salma.sees("Post the bank fee")).click("Edit")
    await salma.modal.opens("Edit")
    assert await salma.modal.value("Memo") == "Bank fee"
    await salma.modal.fill(
        {"Amount": "0", "Account": "Bank charges", "Urgency": "Later", "Tell": ["The owner"]}
    )
    await salma.modal.submit()
    await salma.modal.complains("Nothing to post")
    await salma.modal.fill({"Amount": "12.750"})
    await salma.modal.submit()
    await salma.modal.closes()
    await salma.sees("Edited: 12.750, Bank fee, 2026-10-31, 6100, later, o")


async def test_page_form_closed(slack: Workspace, salma: Desk) -> None:
    """A form can be put away unsent."""
    await post_card(slack)
    await (await salma.sees("Post the bank fee")).click("Edit")
    await salma.modal.opens("Edit")
    await salma.modal.close()
    await salma.modal.closes()
    await salma.misses("Edited")


async def test_page_command_home_and_act_as(salma: Desk) -> None:
    """One window can change hands; commands and the Home follow the person."""
    await salma.say("/andon queue")
    await salma.sees("salma asked for queue")
    await salma.act_as(KHALID)
    await salma.say("/andon queue")
    await salma.sees("khalid asked for queue")
    home = await salma.open_home()
    await home.block("Post the bank fee").says("fee")
    await home.click("Approve")
    await salma.open(FINANCE)
    await salma.sees("Approved by khalid")
    await salma.open(ALERTS)
    await salma.misses("Approved")


async def test_page_picture(salma: Desk, tmp_path: Path) -> None:
    """A picture has the size asked for, twice as sharp, in the font of Slack."""
    await salma.resize(1000, 600)
    await salma.say("for the README")
    await salma.sees("for the README")
    await salma.picture(tmp_path / "finance.png")
    header = (tmp_path / "finance.png").read_bytes()[:24]
    assert (header[1:4], int.from_bytes(header[16:20]), int.from_bytes(header[20:24])) == (b"PNG", 2000, 1200)
    fonts = await salma.page.evaluate(
        "[...document.fonts].filter(f => f.status == 'loaded').map(f => f.family)"
    )
    assert "Lato" in fonts
