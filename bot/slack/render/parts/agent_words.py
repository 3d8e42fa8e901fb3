"""What the agent says, apart from the facts: plain text under its own heading, every line barred."""

from collections.abc import Iterator, Sequence

from bot.slack.render.block_kit import blocks
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.wording.arguments import redacted
from bot.wording.text import quoted
from escalation.request import Question, Request, Words

_SUMMARY = 300
_REASONING = 300
_LONG = 2800


def words(request: Request, hidden: Sequence[str] = ()) -> tuple[Block, ...]:
    """Return the agent's words of *request* for a card, in short and without the *hidden* values."""
    said = request.words
    texts = (said.summary, _tried(request), said.reasoning or "")
    limits = (_SUMMARY, _REASONING, _REASONING)
    quotes = [
        quoted(redacted(text, hidden).strip(), limit, lines=4)
        for text, limit in zip(texts, limits, strict=True)
        if text.strip()
    ]
    sure = "" if said.confidence is None else f" · {said.confidence:.0%} sure"
    more = f" · {_sources(request)}" if said.evidence else ""
    return _headed(request, quotes, f"{sure}{more}")


def all_words(request: Request, hidden: Sequence[str] = ()) -> tuple[Block, ...]:
    """Return the agent's words of *request*, as long as Slack lets one say them."""
    said = request.words
    texts = (said.summary, _tried(request), said.reasoning or "", *_details(said))
    quotes = [quoted(redacted(text, hidden).strip(), _LONG, lines=100) for text in texts if text.strip()]
    return _headed(request, quotes, "")


def _headed(request: Request, quotes: Sequence[str], more: str) -> tuple[Block, ...]:
    if not quotes and not more:
        return ()
    agent = mrkdwn(request.agent)
    heading = blocks.context(f"*{agent} says* (its own words; nobody checked them){more}")
    return (heading, *(blocks.verbatim(text) for text in quotes))


def _tried(request: Request) -> str:
    tried = request.subject.tried if isinstance(request.subject, Question) else None
    return f"Tried: {tried}" if tried else ""


def _sources(request: Request) -> str:
    count = len(request.words.evidence)
    where = "Full question" if isinstance(request.subject, Question) else "Full arguments"
    found = "1 source" if count == 1 else f"{count} sources"
    return found if request.state.is_settled else f"{found} under ⋯ {where}"  # there is no menu any more


def _details(said: Words) -> Iterator[str]:
    if said.confidence is not None:
        yield f"{said.confidence:.0%} sure"
    for evidence in said.evidence:
        yield f"See: {evidence.title}" + (f": {evidence.url}" if evidence.url else "")
    if said.workflow:
        yield f"Workflow: {said.workflow}"
