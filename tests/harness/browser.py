"""
People at their desks: what somebody does and sees in a local Slack, in a real Chromium.

    async with chromium() as browser, desk(browser, slack.url, person=SALMA) as salma:
        await salma.open(FINANCE)
        card = await salma.sees("Post the bank fee")
        await card.click("Reject")
        await salma.modal.fill({"Reason": "Wrong account"})
        await salma.modal.submit()

The page keeps one stack of forms for the whole workspace, shows every channel and every ephemeral
message to everybody, and draws neither confirmations nor initial choices. A test of who may see or
do what belongs at the bot, not here.
"""

import os
import re
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, Locator, Page, ViewportSize, async_playwright, expect

from deploy.demo.channels import Channel
from deploy.demo.people import Person
from tests.harness.look import TIDY, dress

VIEWPORT: Final = ViewportSize(width=1280, height=800)  # CSS pixels
SHARPNESS: Final = 2  # device pixels per CSS pixel: screenshots stay crisp in a README

_QUIET: Final = (
    "--no-sandbox",  # as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run the system's Chromium (`CHROMIUM` may name another) without a window."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=_QUIET)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def desk(browser: Browser, url: str, *, person: Person) -> AsyncIterator["Desk"]:
    """Open the Slack at *url* in a fresh window and act as *person*."""
    context = await browser.new_context(
        viewport=VIEWPORT, device_scale_factor=SHARPNESS, locale="en-GB", timezone_id=person.tz
    )
    try:
        await dress(context)
        page = await context.new_page()
        await page.goto(url)
        sitting = Desk(page=page)
        await sitting.act_as(person)
        yield sitting
    finally:
        await context.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A part of the page with words and things to press: a card, a reply, the App Home, one of its blocks."""

    locator: Locator

    async def text(self) -> str:
        """Return the words as a person reads them."""
        return await self.locator.inner_text()

    async def says(self, text: str) -> None:
        """Wait until the words contain *text*."""
        await expect(self.locator).to_contain_text(text)

    async def lacks(self, text: str) -> None:
        """Wait until the words do not contain *text*."""
        await expect(self.locator).not_to_contain_text(text)

    async def buttons(self) -> Sequence[str]:
        """Return the labels of the buttons, in order."""
        return await self.locator.locator(".bk-button").all_inner_texts()

    async def click(self, button: str) -> None:
        """Press the only button labelled *button*."""
        await self._button(button).click()

    async def offers(self, button: str) -> None:
        """Wait until there is a button labelled *button*."""
        await expect(self._button(button)).to_be_visible()

    async def choose(self, option: str) -> None:
        """Choose *option* from the menu that has it."""
        menu = self.locator.locator("select.bk-select").filter(
            has=self.locator.page.locator("option", has_text=_exactly(option))
        )
        # This very element: the bot may draw another, without the option, before we are done with it.
        drawn = await menu.element_handle()
        await drawn.select_option(label=option)
        # The page leaves the choice standing, where Slack shows the ⋯ or the placeholder again.
        await drawn.evaluate("menu => { menu.value = '' }")

    def block(self, text: str) -> "Surface":
        """Return the one section that contains *text*, with its button or menu."""
        return Surface(locator=self.locator.locator(".bk-section").filter(has_text=text))

    def _button(self, label: str) -> Locator:
        return self.locator.locator(".bk-button").filter(has_text=_exactly(label))


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The thread pane beside a channel."""

    locator: Locator

    async def sees(self, text: str) -> Surface:
        """Wait for the newest reply that says *text*."""
        return await _newest(self.locator.locator(".thread-body .msg"), text)

    async def reply(self, text: str) -> None:
        """Write *text* under the card."""
        await _type(self.locator, text)

    async def close(self) -> None:
        """Put the pane away."""
        await self.locator.locator(".thread-x").click()


@dataclass(frozen=True, slots=True, kw_only=True)
class Modal:
    """The form on top of the page."""

    locator: Locator

    async def opens(self, title: str) -> None:
        """Wait until the form titled *title* is on top."""
        await expect(self.locator.locator(".modal-title")).to_have_text(title)

    async def closes(self) -> None:
        """Wait until no form is open."""
        await expect(self.locator).to_have_count(0)

    async def text(self) -> str:
        """Return the words as a person reads them, without what is typed in."""
        return await self.locator.inner_text()

    async def fill(self, answers: Mapping[str, str | Sequence[str]]) -> None:
        """Type or choose: a field's label, and a text, an option's label, or the boxes to tick."""
        for label, answer in answers.items():
            await self._fill(self._field(label), answer)

    async def value(self, label: str) -> str:
        """Return what stands in the text field or menu *label*."""
        return await self._field(label).locator(".bk-plain-input, .bk-select").input_value()

    async def submit(self) -> None:
        """
        Press the form's main button.

        The page sends nothing for a field that nobody touched, though it shows its initial value;
        Slack sends what it shows. So each text and date is touched first.
        """
        for field in await self.locator.locator("input.bk-plain-input").all():
            if shown := await field.input_value():
                is_date = await field.get_attribute("type") == "date"
                await field.fill("1970-01-01" if is_date else f"{shown} ")
                await field.fill(shown)
        await self.locator.locator(".modal-btn.primary").click()

    async def close(self) -> None:
        """Press the form's cross."""
        await self.locator.locator(".modal-x").click()

    async def complains(self, text: str) -> None:
        """Wait until the form is refused with *text*."""
        await expect(self.locator.locator(".modal-error").filter(has_text=text)).to_be_visible()

    def _field(self, label: str) -> Locator:
        named = self.locator.page.locator(".bk-label", has_text=_exactly(label))
        return self.locator.locator(".bk-input").filter(has=named)

    async def _fill(self, field: Locator, answer: str | Sequence[str]) -> None:
        if await field.locator(".bk-options").count():
            for option in [answer] if isinstance(answer, str) else answer:
                await field.get_by_label(option, exact=True).check()
        elif await field.locator("select").count():
            await field.locator("select").select_option(label=str(answer))
        else:
            await field.locator("input").fill(str(answer))


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One person's window on the workspace."""

    page: Page

    @property
    def modal(self) -> Modal:
        """The form on top; whoever opened it, everybody's page shows it."""
        return Modal(locator=self.page.locator(".modal"))

    @property
    def home(self) -> Surface:
        """What the bot has published on its App Home; `open_home` shows it."""
        return Surface(locator=self.page.locator(".home-inner"))

    async def act_as(self, person: Person) -> None:
        """Click and write as *person* from here on."""
        await self.page.get_by_label("Act as").select_option(person.id)

    async def open(self, place: Channel | Person) -> None:
        """Open a channel, or the bot's conversation with a person, once it exists."""
        name = place.name if isinstance(place, Channel) else place.real_name
        await (
            self.page.locator(".sidebar-item").filter(has_text=re.compile(rf"^\W*{re.escape(name)}$")).click()
        )
        await expect(self.page.locator(".channel-title")).to_contain_text(name)

    async def open_home(self) -> Surface:
        """Open the bot's App Home and wait for what it publishes."""
        await self.page.locator(".sidebar-item:has(.app-dot)").click()
        await expect(self.page.locator(".home-inner .blocks")).to_be_visible()
        return self.home

    async def sees(self, text: str) -> Surface:
        """Wait for the newest message of the open channel that says *text*."""
        return await _newest(self.page.locator(".messages .msg"), text)

    async def misses(self, text: str) -> None:
        """Wait until no message of the open channel says *text*."""
        await expect(self.page.locator(".messages .msg").filter(has_text=text)).to_have_count(0)

    async def say(self, text: str) -> None:
        """Write *text* into the open channel; a line that starts with "/" is a command."""
        await _type(self.page.locator(".main"), text)

    async def open_thread(self, card: Surface) -> Thread:
        """Open the thread of *card* beside the channel."""
        await card.locator.hover()
        await card.locator.get_by_title("Reply in thread").click()
        pane = self.page.locator(".thread-pane")
        await expect(pane).to_be_visible()
        return Thread(locator=pane)

    async def resize(self, width: int, height: int) -> None:
        """Make the window *width* by *height* CSS pixels."""
        await self.page.set_viewport_size(ViewportSize(width=width, height=height))

    async def picture(self, path: Path) -> None:
        """Save what the window shows, as PNG."""
        await self.page.mouse.move(0, 0)  # or the message under it shows its hover menu
        await self.page.screenshot(path=path, animations="disabled", caret="hide", style=TIDY)


async def _newest(messages: Locator, text: str) -> Surface:
    found = messages.filter(has_text=text).last
    await expect(found).to_be_visible()
    # From here on the card is this very message, whatever it comes to say.
    stamp = await found.get_attribute("data-ts")
    return Surface(locator=messages.and_(messages.page.locator(f'[data-ts="{stamp}"]')))


async def _type(around: Locator, text: str) -> None:
    composer = around.locator(".composer-input")
    await composer.fill(text)
    await composer.press("Enter")


def _exactly(text: str) -> re.Pattern[str]:
    return re.compile(rf"^\s*{re.escape(text)}\s*$")
