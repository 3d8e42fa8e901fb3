"""Gives a window the fonts that Slack's readers know, and pictures without the local tool's own knobs."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Route

_FONTS: Final = Path(__file__).resolve().parents[2] / "node_modules" / "@fontsource"

_SHEETS: Final = (
    "lato/400.css",
    "lato/400-italic.css",
    "lato/700.css",
    "lato/900.css",
    "noto-emoji/400.css",
)

_DRESS: Final = """
addEventListener("DOMContentLoaded", () => {
  for (const sheet of %s) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = "/fonts/" + sheet;
    document.head.append(link);
  }
  const style = document.createElement("style");
  style.textContent = `
    body, button, select, input, textarea { font-family: Lato, "Noto Emoji", sans-serif; }
    .bk-button, .bk-select { font-size: 14px; }
    .bk-overflow { width: 58px; }
    .bk-text, .msg-text, .bk-field { line-height: 1.45; }`;
  document.head.append(style);
});
"""

# The bell, the loudspeaker, the connection lights and the inspector are local-slack's, not Slack's.
TIDY: Final = """
.notif, .sound-toggle, .inspector-toggle, .app-status, .topbar .status, .app-dot { display: none; }
"""


async def dress(context: BrowserContext) -> None:
    """Dress every page of *context*; without npm's fonts it keeps the machine's own."""
    await context.route("**/fonts/**", _serve)
    await context.add_init_script(_DRESS % list(_SHEETS))


async def _serve(route: Route) -> None:
    file = _FONTS / urlsplit(route.request.url).path.removeprefix("/fonts/")
    if file.is_file():
        await route.fulfill(path=file)
    else:
        await route.abort()
