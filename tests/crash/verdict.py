"""What must be true once nobody is killed any more: nothing lost, doubled, let through, or stuck."""

from datetime import timedelta

from bot.adapters import open_core
from bot.config import Environment
from bot.config.load import load_remembered
from bot.slack.render.block_kit import action_ids
from escalation.configuration import Configuration
from escalation.grant import Grant, GrantState
from escalation.ports import StoredConfiguration
from escalation.request import Request
from escalation.service import queries
from escalation.service.context import Core
from escalation.store import open_store
from tests.crash.stories import RULES, STRICTER, Broken
from tests.crash.trial import Trial
from tests.scenario import laws

#: Beats after which whatever still waits is stuck.
_BEATS = 60
_LATER = timedelta(hours=25)
_DECIDES = frozenset(
    {*(action_ids.APPROVE, action_ids.EDIT, action_ids.REJECT), action_ids.ANSWER, action_ids.ANSWER_TEXT}
)
_OPEN = frozenset({GrantState.GRANTED, GrantState.CLAIMED})


async def judge(trial: Trial) -> None:
    """Let everything come to its end, and hold it against what everybody was told. Raises ``Broken``."""
    trial.next_death = lambda _: None
    await trial.rest()
    configuration = load_remembered(RULES).configuration
    store = open_store(trial.url, trial.nursery.clock)
    async with open_core(Environment(), configuration, store=store) as core:
        await _comes_to_its_end(trial, core)
        await trial.rest()
        await laws.hold(core, trial.slack, [_of(RULES), _of(STRICTER)])
        await _as_told(trial, core)
    _no_twins(trial)


def _of(stored: StoredConfiguration) -> Configuration:
    return load_remembered(stored).configuration


async def _comes_to_its_end(trial: Trial, core: Core) -> None:
    for beat in range(_BEATS):
        trial.nursery.clock.advance(_LATER)
        await trial.call("tick")
        if beat > 1 and (waits := await _waiting(core)) is None:
            return
    raise Broken(f"stuck: {waits}")


async def _waiting(core: Core) -> str | None:
    async with core.store.read() as tx:
        if (due := await tx.requests.next_due_at()) is not None:
            return f"a request, due {due}"
        if (due := await tx.grants.next_due_at()) is not None:
            return f"a grant, due {due}"
        if (due := await tx.outbox.next_due_at()) is not None:
            return f"a message, due {due}"
        if sweeps := await tx.sweeps.unfinished(1):
            return f"the sweep of {sweeps[0].scope}"
        if aside := await tx.set_aside.all(1):
            return f"{aside[0].kind} {aside[0].id} was set aside: {aside[0].why}"
    return None


async def _as_told(trial: Trial, core: Core) -> None:
    told = trial.told
    for proposed in told.proposals:
        if (await _request(core, proposed.request)).digest != proposed.request.digest:
            raise Broken(f"{proposed.request.id} is not what was proposed")
    for counted in told.clicks:
        kept = {decision.id for decision in (await _request(core, counted.request)).decisions}
        if lost := [each.id for each in counted.request.decisions if each.id not in kept]:
            raise Broken(f"a click that was acknowledged is lost: {lost} of {counted.request.id}")
    for claimed in told.claims:
        if (await _grant(core, claimed.grant)).attempt != claimed.grant.attempt:
            raise Broken(f"the claim of {claimed.grant.id} that was answered is lost")
    for ended in told.ends:
        if (now := (await _grant(core, ended)).state) is not ended.state:
            raise Broken(f"{ended.id} was {ended.state.value}, and is {now.value}")
    if len(told.effects) != len(set(told.effects)):
        raise Broken("an effect ran twice")


async def _request(core: Core, told: Request) -> Request:
    found = await queries.dossier(core, told.id)
    if found is None:
        raise Broken(f"{told.id} was answered, and is lost")
    return found.request


async def _grant(core: Core, told: Grant) -> Grant:
    async with core.store.read() as tx:
        found = await tx.grants.get(told.id)
    if found is None or found.state in _OPEN:
        raise Broken(f"{told.id} was answered, and is {found and found.state.value}")
    return found


def _no_twins(trial: Trial) -> None:
    # Everything has ended: no card anywhere may offer to decide, also none that was posted twice.
    live = [
        posted.ts for posted in trial.slack.messages if any(posted.says(f'"{name}"') for name in _DECIDES)
    ]
    if live:
        raise Broken(f"cards that offer to decide what has ended: {live}")
