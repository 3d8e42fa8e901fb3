"""The record: everything that happened, once, chained and sealed, and whoever edits it is found."""

import sqlite3
from collections import Counter
from dataclasses import replace

import pytest

from escalation.action import decode
from escalation.audit import Broken, Seal, Verified
from escalation.service import seal
from escalation.store.memory import MemoryStore
from escalation.store.memory.record import EVENTS, LINKS, SEALS
from escalation.store.sqlite import SqliteStore
from tests.scenario.agent import CONFIDENT, SMALL
from tests.scenario.rules import shipped, with_second_agent
from tests.scenario.world import World


async def sealed(room: World) -> Seal:
    """Seal everything; return the head, as somebody may have noted it elsewhere."""
    while await seal.seal(room.core, batch=7):
        pass
    async with room.store.read() as tx:
        return (await tx.record.seals())[-1]


async def a_day(room: World) -> None:
    """Let a little of everything happen."""
    asked = await room.approved()
    await room.agent.claims(asked)
    await room.agent.reports(asked, "succeeded")
    await room.agent.asks(confidence=CONFIDENT, **SMALL)
    await room.omar.clicks("Approve", on=await room.card(await room.agent.asks()))
    await room.agent.cancels(await room.agent.asks(memo="never mind"))
    await room.salma.types("/andon stop all odd")
    await room.beats()
    await room.nadia.types("/andon resume all")
    await room.beats()


async def test_a_life_in_events(any_room: World) -> None:
    """Asked, delivered, decided, approved, granted, claimed, done: one event each, in this order."""
    room = any_room
    asked = await room.approved()
    await room.agent.claims(asked)
    await room.agent.reports(asked, "succeeded", result="posted")
    ids = {asked["id"], asked["grant"]["id"]}
    told = [(e.name.value, e.actor) for e in await room.events() if e.subject in ids]
    assert told == [
        ("request.asked", "agent:bank-reconciliation"),
        ("request.delivered", "courier"),
        ("decision.made", "person:salma"),
        ("request.approved", "person:salma"),
        ("grant.granted", "person:salma"),
        ("grant.claimed", "agent:bank-reconciliation"),
        ("grant.succeeded", "agent:bank-reconciliation"),
    ]


async def test_asked_says_under_which_rules(room: World) -> None:
    """The record keeps which rule asked, of which version, who might decide and how many it takes."""
    asked = await room.agent.asks(amount="7200.000")
    (event,) = await room.events("request.asked")
    data = decode(event.data)
    assert isinstance(data, dict)
    assert {name: data[name] for name in ("rule", "approvers", "quorum", "digest", "action")} == {
        "rule": "director",
        "approvers": ["directors"],
        "quorum": 2,
        "digest": asked["digest"],
        "action": "ledger.post",
    }
    assert data["version"] == room.core.configuration().version


async def test_new_rules_are_on_the_record(room: World) -> None:
    """Each version that comes into force is an event of its own, with the agents it names."""
    room.clock.advance(minutes=1)
    await room.rules_become(with_second_agent())
    loaded = await room.events("configuration.loaded")
    assert [event.subject for event in loaded] == [found.version for found in room.rules.history]
    assert decode(loaded[-1].data) == {"agents": ["bank-reconciliation", "expense-review"]}
    room.clock.advance(minutes=1)
    first = room.rules.history[0].version
    await room.rules_become(shipped())
    assert [event.subject for event in (await room.events("configuration.loaded"))[2:]] == [first]


async def test_the_record_verifies(any_room: World) -> None:
    """After a day of everything, the chain is whole up to the last seal, and says what is not sealed yet."""
    room = any_room
    await a_day(room)
    head = await sealed(room)
    await room.agent.asks()
    verdict = await seal.verify(room.store, noted=head)
    assert isinstance(verdict, Verified)
    assert (verdict.events, verdict.unsealed) == (head.seq, 1)
    names = Counter(event.name.value for event in await room.events())
    assert names["switch.stopped"] == names["switch.resumed"] == 1


@pytest.mark.parametrize("where", [0, 5, -1])
async def test_an_edited_event_is_found(room: World, where: int) -> None:
    """One changed word, wherever it is, breaks the chain at that event."""
    await a_day(room)
    await sealed(room)
    assert isinstance(room.store, MemoryStore)
    rows = room.store._rows
    link = list(rows[LINKS].values())[where]
    honest = rows[EVENTS][link.event]
    rows[EVENTS][link.event] = replace(honest, actor="person:khalid")
    verdict = await seal.verify(room.store)
    assert isinstance(verdict, Broken)
    assert verdict.seq == link.seq
    rows[EVENTS][link.event] = honest


async def test_a_deleted_event_is_found(room: World) -> None:
    """An event that is gone breaks the chain where it was."""
    await a_day(room)
    await sealed(room)
    assert isinstance(room.store, MemoryStore)
    rows = room.store._rows
    link = rows[LINKS][4]
    honest = dict(rows[EVENTS])
    del rows[EVENTS][link.event]
    verdict = await seal.verify(room.store)
    assert isinstance(verdict, Broken)
    assert (verdict.seq, "deleted" in verdict.why) == (4, True)
    rows[EVENTS].clear()
    rows[EVENTS].update(honest)


async def test_a_record_cut_off_is_found_by_a_noted_seal(room: World) -> None:
    """Who noted a head elsewhere finds that the end, with its seals, was cut off."""
    await a_day(room)
    head = await sealed(room)
    assert isinstance(room.store, MemoryStore)
    rows = room.store._rows
    links, seals = dict(rows[LINKS]), dict(rows[SEALS])
    for seq in list(rows[LINKS])[-3:]:
        del rows[LINKS][seq]
    for seq in [seq for seq in rows[SEALS] if seq > head.seq - 3]:
        del rows[SEALS][seq]
    assert isinstance(await seal.verify(room.store), Verified)
    assert isinstance(await seal.verify(room.store, noted=head), Broken)
    rows[LINKS].update(links)
    rows[SEALS].update(seals)


async def test_the_database_refuses_to_rewrite_history(any_room: World) -> None:
    """In SQLite, rows of the record can be neither changed nor deleted, not even past the program."""
    room = any_room
    await a_day(room)
    await sealed(room)
    if not isinstance(room.store, SqliteStore):
        return
    with sqlite3.connect(room.store._path) as connection:
        for statement in (
            "UPDATE audit_events SET actor = 'person:khalid'",
            "DELETE FROM audit_events",
            "UPDATE audit_links SET hash = '0'",
            "DELETE FROM audit_seals",
        ):
            with pytest.raises(sqlite3.DatabaseError):
                connection.execute(statement)
    connection.close()


async def test_two_sealers_are_one(any_room: World) -> None:
    """Sealing again with nothing new adds neither link nor seal."""
    room = any_room
    await room.agent.asks()
    head = await sealed(room)
    assert await seal.seal(room.core, batch=1000) == 0
    assert await sealed(room) == head


async def test_secrets_and_slack_tokens_are_not_in_the_record(room: World) -> None:
    """Neither the bot's token, nor the signing secret, nor an agent's key is in the record, cards or log."""
    await a_day(room)
    told = str(await room.events()) + str(room.log) + str(room.slack.messages)
    for secret in ("xoxb-", "a signing secret", room.agent.key):
        assert secret not in told
