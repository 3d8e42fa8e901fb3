"""Whether an agent runs, and if not, who stopped it."""

from collections.abc import Sequence

from bot.slack.render.block_kit import blocks
from bot.slack.render.block_kit.blocks import Block, with_plain_words
from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.wording.text import plain
from bot.wording.times import Times
from escalation.authority import Directory
from escalation.configuration import Agent
from escalation.switch import Scope, ScopeKind, Switch


def stop_of(agent: Agent, stopped: Sequence[Switch]) -> Switch | None:
    """Return the first stop that holds *agent* as a whole."""
    scopes = {
        Scope(ScopeKind.ALL),
        Scope(ScopeKind.FUNCTION, agent.function),
        Scope(ScopeKind.AGENT, agent.name),
    }
    return next((switch for switch in stopped if switch.scope in scopes and switch.stop), None)


def state_of(agent: Agent, stopped: Sequence[Switch], directory: Directory, times: Times) -> Block:
    """Return whether *agent* runs, and if not, who stopped it, when and why."""
    name = mrkdwn(agent.name)
    switch = stop_of(agent, stopped)
    owner = f"owner {mrkdwn(directory.name(agent.owner))}"
    if switch is None or switch.stop is None:
        return blocks.section(f"*{name}* is running · {owner}")
    by = f"{mrkdwn(directory.name(switch.stop.by))} {times.at(switch.stop.at)}"
    text = f"⛔ *{name} is stopped* ({mrkdwn(str(switch.scope))}) by {by} · {owner}"
    return with_plain_words(text, f"Reason: {plain(switch.stop.reason, 300)}")
