"""One thing to say beside the cards, as blocks and as text."""

from dataclasses import dataclass

from bot.slack.render.block_kit import blocks
from bot.slack.render.block_kit.blocks import Block, Message
from bot.slack.render.block_kit.mrkdwn import escaped, mrkdwn
from bot.wording.text import cut, plain, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeText:
    """One thing to say: a heading where it stands alone, sentences of ours, and words of others."""

    sentences: tuple[str, ...]  #: In markup, escaped.
    heading: str = ""
    words: str = ""  #: What a person or an agent wrote; shown as plain text.
    buttons: tuple[Block, ...] = ()

    def message(self) -> Message:
        """Return it as blocks, and as text that says the same."""
        drawn = [
            *([blocks.header(self.heading)] if self.heading else []),
            blocks.section("\n".join(self.sentences)),
            *([blocks.verbatim(quoted(self.words, 2800))] if self.words else []),
            *map(blocks.actions, self._rows()),
        ]
        quote = f" “{escaped(plain(self.words, 500))}”" if self.words else ""
        heading = f"{mrkdwn(self.heading)}. " if self.heading else ""
        return Message(text=cut(f"{heading}{' '.join(self.sentences)}{quote}", 2900), blocks=tuple(drawn))

    def _rows(self) -> tuple[tuple[Block, ...], ...]:
        # Slack tells buttons of one row apart by what they do: those that do the same stand alone.
        alike = len({str(each["action_id"]) for each in self.buttons}) < len(self.buttons)
        if alike:
            return tuple((each,) for each in self.buttons)
        return (self.buttons,) if self.buttons else ()


def counted(number: int, what: str) -> str:
    """Return so many of *what*: ``1 request``, ``1,204 requests``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
