"""What holds once everything has come to an end, beside what was judged step by step."""

from collections.abc import Sequence
from dataclasses import replace

from escalation.service import queries
from tests.machine.house import House
from tests.machine.setups import loaded
from tests.machine.steps import WORDS
from tests.scenario import laws
from tests.scenario.world import told_by

#: What is logged as an error because Slack was told to refuse everything at once.
_OF_SLACK = frozenset({"alarm_reached_nobody"})


async def ends_well(house: House, *, moves: Sequence[object], refusals: int) -> None:
    """Check the laws of every scenario, and that nothing is left over in Slack or off the record."""
    history = [loaded(setup).configuration for setup in house.history]
    core = replace(house.lives[0].core, store=house.store)
    await laws.hold(core, house.slack, history)
    await _people_are_on_the_record(house, refusals)
    await _words_are_not_in_the_chain(house)
    _alarms_reached_somebody(house)
    laws.quiet(house.log, expected=_OF_SLACK)
    async with house.store.read() as tx:
        assert await tx.outbox.next_due_at() is None, "something is still to be said"
    if "'twice'" not in repr(moves):  # a card that Slack itself doubled is nobody's to find
        _no_card_is_alive(house)


def _no_card_is_alive(house: House) -> None:
    """Everything is settled: no message in Slack offers to decide, but one that nobody may change."""
    refused = {call.arguments.get("ts") for call in house.slack.calls if call.error == "is_archived"}
    alive = [
        posted.text
        for posted in house.slack.messages
        if posted.ts not in refused and any(posted.says(f'"{name}"') for name in laws._DECIDES)
    ]
    assert not alive, f"still offers to decide: {alive}"


async def _people_are_on_the_record(house: House, refusals: int) -> None:
    """Each refusal of a person is one event."""
    core = replace(house.lives[0].core, store=house.store)
    found = [told_by(entry) for entry in await queries.events(core, agent=None, subject=None, limit=100_000)]
    told = [each for each in found if each.name.value == "ingress.refused"]
    people = [each for each in told if each.actor.startswith(("person:", "account:"))]
    assert len(people) == refusals, f"{len(people)} refusals of people are on the record, not {refusals}"


async def _words_are_not_in_the_chain(house: House) -> None:
    """What people wrote is committed to, and can be erased: no event holds it in clear."""
    async with house.store.read() as tx:
        async for entry in tx.record.walk():
            said = "" if entry.event is None else entry.event.data
            assert not any(words in said for words in WORDS), f"{said} holds somebody's words"


def _alarms_reached_somebody(house: House) -> None:
    """Slack took each alarm, in the one channel or the other."""
    taken = set()
    for call in house.slack.calls:
        if call.method == "chat.postMessage" and call.error is None:
            taken.add(call.arguments["metadata"]["event_payload"]["row"])
    assert house.alarms <= taken, f"alarms that reached nobody: {house.alarms - taken}"
