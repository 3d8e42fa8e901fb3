"""The App Home: what waits for me, the agents and whether they run, and what I decided."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.slack.render.block_kit import action_ids, blocks
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.block_kit.mrkdwn import escaped, mrkdwn
from bot.slack.render.parts.agent_state import state_of, stop_of
from bot.slack.render.parts.brief import brief
from bot.slack.render.parts.link import linked
from bot.wording.gist import gist
from bot.wording.states import TITLES
from bot.wording.times import Times
from bot.wording.view import View
from escalation.authority import Directory, Person
from escalation.configuration import Agent
from escalation.request import Question
from escalation.switch import Scope, ScopeKind, Switch

#: How much of what waits for somebody their Home shows.
QUEUE = 15
_AGENTS = 15
_DECIDED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What one person's Home shows."""

    person: Person
    directory: Directory
    times: Times
    queue: tuple[View, ...]  #: What this person may decide, soonest deadline first.
    more: bool = False  #: Whether more waits for them.
    agents: tuple[Agent, ...]
    stopped: tuple[Switch, ...]
    decided: tuple[View, ...]  #: What this person decided, newest first.


def home(shown: Home) -> Block:
    """Return the Home view of *shown*'s person."""
    drawn = [
        blocks.header("Waiting for you"),
        *_queue(shown),
        blocks.divider(),
        blocks.header("Agents"),
        *_agents(shown),
        blocks.divider(),
        blocks.header("What you decided"),
        blocks.section("\n".join(_decided(shown)) or "_Nothing yet._"),
    ]
    return {"type": "home", "blocks": list(drawn)}


def stranger() -> Block:
    """Return the Home of an account that belongs to nobody we know."""
    sentence = "This account belongs to nobody in andon.yaml, so there is nothing to show or decide here."
    return {"type": "home", "blocks": [blocks.section(sentence)]}


def _queue(shown: Home) -> Iterator[Block]:
    for view in shown.queue[:QUEUE]:
        yield brief(view)
        is_question = isinstance(view.request.subject, Question)
        what = "Open to answer" if is_question else "Open to decide"
        open_ = blocks.button(what, action_ids.FULL, view.request.id, style="primary")
        reject = blocks.button("Reject", action_ids.REJECT, view.request.id, style="danger")
        yield blocks.actions([open_] if is_question else [open_, reject])
    if shown.more or len(shown.queue) > QUEUE:
        yield blocks.context("More waits for you in the channels.")
    elif not shown.queue:
        yield blocks.section("_Nothing waits for you._")


def _agents(shown: Home) -> Iterator[Block]:
    agents = sorted(shown.agents, key=lambda agent: agent.name)
    for agent in agents[:_AGENTS]:
        holding = stop_of(agent, shown.stopped)
        yield state_of(agent, shown.stopped, shown.directory, shown.times)
        own = str(Scope(ScopeKind.AGENT, agent.name))
        if holding is None:
            yield blocks.actions([blocks.button("Stop", action_ids.STOP, own, style="danger")])
        else:
            yield blocks.actions([blocks.button("Resume", action_ids.RESUME, str(holding.scope))])
    more = len(agents) - _AGENTS
    if more > 0:
        yield blocks.context(f"{more} more: /andon status lists them.")
    if not agents:
        yield blocks.section("_No agents._")


def _decided(shown: Home) -> Iterator[str]:
    for view in shown.decided[:_DECIDED]:
        request = view.request
        mine = next((d for d in reversed(request.decisions) if d.person == shown.person.id), None)
        when = "" if mine is None else f" · {shown.times.at(mine.at)}"
        has_title = view.type is not None and view.type.title is not None
        about = mrkdwn(view.title, 100) if has_title else escaped(gist(view, of=3))
        yield f"*{linked(view.link, TITLES[request.state])}* · {mrkdwn(request.agent)}: {about}{when}"
