"""What the bot says to one person alone: answers to commands, and refusals with their reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches

from bot.slack.render.block_kit import action_ids, blocks
from bot.slack.render.block_kit.blocks import Block, Message
from bot.slack.render.block_kit.mrkdwn import escaped, mrkdwn
from bot.slack.render.parts.agent_state import state_of, stop_of
from bot.slack.render.parts.brief import brief
from bot.slack.render.parts.outcome import outcome, too_late
from bot.slack.render.parts.scopes import covered
from bot.slack.render.parts.summary import summary
from bot.slack.render.parts.why import why_blocks
from bot.wording.gist import gist
from bot.wording.text import cut, plain
from bot.wording.times import Times
from bot.wording.view import View
from escalation.authority import Directory
from escalation.configuration import Agent
from escalation.ids import AgentName
from escalation.reason import Refused
from escalation.request import Decision, Verdict
from escalation.switch import Scope, Switch

#: How much a list shows.
LISTED = 20
#: So long after a decision the same click is a second tap.
_A_MOMENT = timedelta(minutes=1)

_HELP: Mapping[str, str] = {
    "status": "Which agents run, which are stopped, and how much waits.",
    "queue": "What waits for your decision, soonest deadline first.",
    "why REQUEST": "Why a request needed a person.",
    "stop SCOPE [reason]": "Stop all, agent:NAME, function:NAME or action:TYPE.",
    "resume SCOPE": "Let it go on; an operator other than the one who stopped it.",
    "runbook AGENT": "What to do when that agent needs help.",
    "help": "This.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How things stand."""

    agents: tuple[Agent, ...]
    stopped: tuple[Switch, ...]
    waiting: Mapping[AgentName, int]  #: How many requests of each agent are pending.
    directory: Directory
    times: Times


def status(shown: Status) -> Message:
    """Answer ``/andon status``."""
    agents = sorted(shown.agents, key=lambda agent: agent.name)
    drawn: list[Block] = [blocks.header("Status")]
    for agent in agents[:LISTED]:
        drawn.append(state_of(agent, shown.stopped, shown.directory, shown.times))
        drawn.append(blocks.context(_waiting(shown.waiting.get(agent.name, 0))))
    halted = sum(stop_of(agent, shown.stopped) is not None for agent in agents)
    running = f"{len(agents) - halted} of {len(agents)} agents are running"
    text = f"{running}; {_waiting(sum(shown.waiting.values()))}"
    return Message(text=text, blocks=(*drawn, *_others(agents, shown.stopped)))


def hampered(answer: Message, lines: Sequence[str]) -> Message:
    """Return *answer* below *lines*, what Andon itself suffers from."""
    if not lines:
        return answer
    said = blocks.section("\n".join(f"⚠️ *{mrkdwn(line, 500)}*" for line in lines))
    return Message(text=f"{mrkdwn('; '.join(lines), 1000)}. {answer.text}", blocks=(said, *answer.blocks))


def unreadable() -> Message:
    """Answer a click about something that cannot be read."""
    return sentence(
        "This did not count: what is stored about it cannot be read, so nobody can decide it now."
        " The operators were told."
    )


def queue(views: Sequence[View], *, more: bool = False) -> Message:
    """Answer ``/andon queue``: what this person may decide, and whether there is *more* of it."""
    if not views and not more:
        return sentence("Nothing waits for your decision.")
    drawn: list[Block] = []
    for view in views[:LISTED]:
        open_ = blocks.button("Open to decide", action_ids.FULL, view.request.id)
        drawn.extend((brief(view), blocks.actions([open_])))
    more = more or len(views) > LISTED
    drawn.extend([blocks.context("More waits for you in the channels.")] if more else [])
    listed = "; ".join(escaped(f"{plain(v.title, 60)}: {cut(gist(v), 120)}") for v in views[:5])
    count = f"More than {len(views)} requests wait." if more else _waiting(len(views))
    return Message(text=cut(f"{count} {listed}", 2900), blocks=tuple(drawn))


def why(view: View) -> Message:
    """Answer ``/andon why REQUEST``."""
    text = f"{mrkdwn(view.title)}: rule {mrkdwn(view.request.ruling.rule)} asked for a person."
    return Message(text=text, blocks=why_blocks(view))


def help_() -> Message:
    """Answer ``/andon help``."""
    lines = [f"*/andon {escaped(words)}*: {what}" for words, what in _HELP.items()]
    text = "/andon " + ", ".join(escaped(words) for words in _HELP)
    return Message(text=text, blocks=(blocks.section("\n".join(lines)),))


def unknown_command(typed: str) -> Message:
    """Say that there is no such command, which was meant perhaps, and which there are."""
    known = help_()
    meant = get_close_matches(typed.lower(), [words.partition(" ")[0] for words in _HELP], n=1)
    said = f"There is no /andon {plain(typed, 200)}."
    said += f" Did you mean /andon {meant[0]}?" if meant else ""
    return Message(text=f"{escaped(said)} {known.text}", blocks=(blocks.verbatim(said), *known.blocks))


def choose(said: str, word: str, known: Sequence[str], meant: str = "") -> Message:
    """Say what is wrong with what was typed after *word*, which was *meant* perhaps, and what there is."""
    close = get_close_matches(meant, known, n=1, cutoff=0.5) if meant else []
    guess = f" Did you mean /andon {word} {close[0]}?" if close else ""
    listed = f" There is: {', '.join(known[:LISTED])}." if known else f" There is nothing to {word}."
    return sentence(f"{said}{guess}{listed}")


def stopped(scope: Scope) -> Message:
    """Tell the person who stopped *scope* that it holds."""
    return _marked(
        f"*Stopped:* {covered(scope)}. Nothing new starts, and what waits is being ended."
        " A different operator can resume it."
    )


def resumed(scope: Scope) -> Message:
    """Tell the person who resumed *scope* that it runs."""
    return _marked(f"*Resumed:* {covered(scope)}. New requests are taken again.")


def refused(refusal: Refused, who: str = "") -> Message:
    """Say why nothing changed, and *who* may do it instead."""
    return sentence(f"{refusal} {who}".strip())


def late(view: View) -> Message:
    """Say how it ended without this click, and offer to ask again what nobody answered."""
    request = view.request
    over = request.state.went_unanswered or not request.state.is_settled
    again = blocks.actions([blocks.button("Ask again", action_ids.ASK_AGAIN, request.id)])
    drawn = (*too_late(view), *([again] if over and request.follow is None else []))
    return Message(text=f"Too late: your click changed nothing. {summary(view)}", blocks=drawn)


def again(view: View, decision: Decision) -> Message:
    """Say that this very *decision* counted before, and what became of it."""
    how = "approved" if decision.verdict is Verdict.APPROVE else "answered"
    just_now = view.now - decision.at < _A_MOMENT
    when = "a moment ago" if just_now else f"{view.times.at(decision.at)} already"
    said = f"You {how} this {when}: {mrkdwn(view.title)}."
    return Message(
        text=f"{said} {summary(view)}".replace("*", ""), blocks=(blocks.section(f"*{said}*"), *outcome(view))
    )


def sentence(said: str) -> Message:
    """Say one thing, in plain text."""
    return Message(text=escaped(plain(said, 2800)), blocks=(blocks.verbatim(plain(said, 2800)),))


def _marked(text: str) -> Message:
    return Message(text=text.replace("*", ""), blocks=(blocks.section(text),))


def _waiting(count: int) -> str:
    if count == 0:
        return "Nothing waits."
    return "1 request waits." if count == 1 else f"{count} requests wait."


def _others(agents: Sequence[Agent], stopped: Sequence[Switch]) -> list[Block]:
    """Return the stops that hold no listed agent as a whole: action types, or what is configured no more."""
    holding = {switch.scope for agent in agents if (switch := stop_of(agent, stopped))}
    rest = [switch for switch in stopped if switch.stop and switch.scope not in holding]
    more = len(agents) - LISTED
    listed = ", ".join(mrkdwn(str(switch.scope)) for switch in rest[:LISTED])
    return [
        *([blocks.context(f"{more} more agents.")] if more > 0 else []),
        *([blocks.section(f"⛔ *Stopped as well:* {listed}")] if listed else []),
    ]
