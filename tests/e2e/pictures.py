"""Pictures for the documentation, taken by the tests that make what they show: `PICTURES=1`."""

import base64
import os
import struct
import zlib
from typing import Final

from deploy.demo.processes import ROOT
from tests.harness.browser import Desk, Surface

FOLDER: Final = ROOT / "docs" / "images"

#: The local Slack advertises a command of its own, and a thread opens at its top.
_AS_IN_SLACK: Final = """() => {
  for (const box of document.querySelectorAll(".composer-input"))
    box.placeholder = box.placeholder.replace(/ as .*/, "");
  for (const thread of document.querySelectorAll(".thread-body")) thread.scrollTop = thread.scrollHeight;
}"""

#: A screen of text needs few colours: the 256 commonest stand for all, which is a third of the bytes.
_FEW_COLOURS: Final = """async (png) => {
  const bytes = Uint8Array.from(atob(png), (c) => c.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
  const {width, height} = image;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const palette = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([colour]) => colour);
  const channels = (c) => [c & 255, (c >> 8) & 255, (c >> 16) & 255];
  const apart = (a, b) => channels(a).reduce((sum, x, i) => sum + (x - channels(b)[i]) ** 2, 0);
  const nearest = (c) => palette.reduce((best, p, i) => apart(p, c) < apart(palette[best], c) ? i : best, 0);
  const index = new Map([...counts.keys()].map((c) => [c, nearest(c)]));
  const text = Array.from(pixels, (pixel) => String.fromCharCode(index.get(pixel)));
  return {width, height, palette: palette.flatMap(channels), pixels: btoa(text.join(""))};
}"""


async def picture(
    desk: Desk, name: str, *, card: Surface | None = None, width: int = 1000, height: int = 720
) -> None:
    """Save the window as docs/images/*name*.png; with *card* just tall enough to show all of it."""
    if not os.environ.get("PICTURES"):
        return
    await desk.resize(width, height)
    if card is not None:
        around = await desk.page.locator(".messages").evaluate("room => innerHeight - room.clientHeight")
        await desk.resize(width, around + await card.locator.evaluate("shown => shown.offsetHeight"))
        await card.locator.evaluate("shown => shown.scrollIntoView({block: 'end'})")
    await desk.page.evaluate(_AS_IN_SLACK)
    path = FOLDER / f"{name}.png"
    await desk.picture(path)
    drawn = await desk.page.evaluate(_FEW_COLOURS, base64.b64encode(path.read_bytes()).decode())
    path.write_bytes(_png(drawn["width"], bytes(drawn["palette"]), base64.b64decode(drawn["pixels"])))


def _png(width: int, palette: bytes, pixels: bytes) -> bytes:
    height = len(pixels) // width
    rows = b"".join(b"\0" + pixels[at : at + width] for at in range(0, len(pixels), width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # eight bits a pixel, into a palette
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
