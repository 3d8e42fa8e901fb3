"""The record: chained, sealed, and every change to it found and located."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.audit import (
    GENESIS,
    SEALING_DELAY,
    ChainHash,
    Entry,
    Event,
    EventName,
    Link,
    Seal,
    Standing,
    Stored,
    data,
    follows,
    in_order,
    instant,
    link,
    standing,
    values_of,
)
from escalation.errors import InvalidAction
from escalation.grant import GrantState
from escalation.ids import EventId
from escalation.request import State
from escalation.verification import Broken, Verified, Verifier
from tests.unit.core.kit import BANK, NOON, TICK

Rows: TypeAlias = Sequence[tuple[Link, Stored | None]]


def event(number: int, *, of: str = "{}") -> Stored:
    return Stored(
        position=10 * number,
        id=EventId(f"evt_{number}"),
        at=NOON + number * timedelta(seconds=1),
        name="request.asked",
        actor=f"agent:{BANK}",
        subject=f"req_{number}",
        agent=BANK,
        data=of,
    )


EVENTS = [event(number) for number in range(1, 7)]
LINKS = link(EVENTS, after=None)
ROWS: Rows = list(zip(LINKS, EVENTS, strict=True))
#: Data that nobody could have written: quoted once more it is too long for any event.
LONG = '"' * (2 * 1024 * 1024)
SEALS = [Seal(seq=seq, hash=LINKS[seq - 1].hash, at=NOON) for seq in (2, 4, 6)]


def verify(rows: Rows, seals: Sequence[Seal] = SEALS, *, noted: Seal | None = None) -> Verified | Broken:
    verifier = Verifier(seals, noted=noted)
    for row, its_event in rows:
        if (broken := verifier.feed(Entry(link=row, event=its_event))) is not None:
            return broken
    return verifier.cut_off() or verifier.finish()


@pytest.mark.parametrize("state", [state for state in State if state.is_settled])
def test_every_end_of_a_request_has_a_name_in_the_record(state: State) -> None:
    """A request cannot settle in a way that the record has no word for."""
    assert EventName(f"request.{state.value}").name == f"REQUEST_{state.name}"


@pytest.mark.parametrize("state", GrantState)
def test_every_state_of_a_grant_has_a_name_in_the_record(state: GrantState) -> None:
    """A grant cannot be given, claimed or ended in a way that the record has no word for."""
    assert EventName(f"grant.{state.value}").name == f"GRANT_{state.name}"


@pytest.mark.parametrize("name", EventName)
def test_names_read_as_what_happened_to_what(name: EventName) -> None:
    """Each name is a noun, a dot and a past participle: ``request.approved``."""
    assert name.value == name.name.lower().replace("_", ".", 1)


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (NOON, "2026-11-20T12:00:00.000000Z"),
        (NOON + TICK, "2026-11-20T12:00:00.000001Z"),
        (NOON.astimezone(timezone(timedelta(hours=3))), "2026-11-20T12:00:00.000000Z"),
        (NOON - timedelta(hours=12, microseconds=1), "2026-11-19T23:59:59.999999Z"),
    ],
)
def test_an_instant_is_written_in_one_way(at: datetime, written: str) -> None:
    """UTC with microseconds, whatever zone it came in: the same instant hashes the same."""
    assert instant(at) == written


def test_an_event_is_hashed_as_canonical_text() -> None:
    """All seven fields are in the text, so that none can be changed unseen."""
    assert event(1, of='{"a":1}').text() == (
        '{"actor":"agent:bank-reconciliation","agent":"bank-reconciliation",'
        '"at":"2026-11-20T12:00:01.000000Z","data":"{\\"a\\":1}","id":"evt_1",'
        '"name":"request.asked","subject":"req_1"}'
    )


def test_a_link_hashes_its_predecessor_its_place_and_its_event() -> None:
    """Anybody can compute the chain: SHA-256 over the head before, number, position and the event's text."""
    first = hashlib.sha256(f"{'0' * 64}\n1\n10\n{EVENTS[0].text()}".encode()).hexdigest()
    second = hashlib.sha256(f"{first}\n2\n20\n{EVENTS[1].text()}".encode()).hexdigest()

    assert link(EVENTS[:2], after=None) == [
        Link(seq=1, event=EventId("evt_1"), hash=ChainHash(first), position=10),
        Link(seq=2, event=EventId("evt_2"), hash=ChainHash(second), position=20),
    ]


def test_a_link_that_does_not_say_its_position_is_still_a_link() -> None:
    """The first links of all hashed no position; what they vouch for is vouched for as before."""
    old = hashlib.sha256(f"{'0' * 64}\n1\n{EVENTS[0].text()}".encode()).hexdigest()
    first = Link(seq=1, event=EventId("evt_1"), hash=ChainHash(old))

    assert follows(GENESIS, first, EVENTS[0])
    assert not follows(GENESIS, replace(first, position=10), EVENTS[0])
    assert not follows(GENESIS, replace(LINKS[0], position=None), EVENTS[0])


def test_the_same_event_elsewhere_has_another_hash() -> None:
    """The number is part of the hash: a link cannot be cut out and put in again somewhere else."""
    assert follows(GENESIS, LINKS[0], EVENTS[0])
    assert not follows(GENESIS, replace(LINKS[0], seq=2), EVENTS[0])


@pytest.mark.parametrize(
    "odd", [{"at": None, "no_instant": "infinity"}, {"data": "\0bytes 00"}, {"data": LONG}]
)
def test_what_is_no_event_is_linked_as_it_stands(odd: dict[str, str | None]) -> None:
    """A row that no event can be is linked in its turn, and shows any change like every other one."""
    hollow = replace(EVENTS[1], **odd)  # type: ignore[arg-type]  # it is a stranger's row
    links = link([EVENTS[0], hollow, *EVENTS[2:]], after=None)

    assert hollow.problem() is not None
    assert [each.event for each in links] == [each.event for each in LINKS]
    assert follows(links[0].hash, links[1], hollow)
    for changed in ({"at": None, "no_instant": "-infinity"}, {"data": "\0bytes 01"}, {"actor": "person:eve"}):
        assert not follows(links[0].hash, links[1], replace(hollow, **changed))
    assert Verifier([]).beside(Entry(event=hollow, link=None, waits=True), now=NOON) is None


def test_a_long_event_is_an_event() -> None:
    """Only what cannot be written in the end is no event."""
    assert event(1, of=f'{{"a":"{"x" * 100_000}"}}').problem() is None


def test_what_is_linked_as_it_stood_is_named() -> None:
    """Verification goes on behind a row that is no event, and names the first of them."""
    rows = [replace(each, at=None) for each in EVENTS * 2]
    rows = [replace(each, id=EventId(f"evt_{n}"), position=n) for n, each in enumerate(rows)]
    verifier = Verifier([])
    for each, its in zip(rows, link(rows, after=None), strict=True):
        assert verifier.feed(Entry(event=each, link=its)) is None
    verdict = verifier.finish()
    assert verdict.events == 12
    assert len(verdict.odd) == 10
    assert verdict.odd[0] == "at 1 (event evt_0, position 0): its instant is impossible"


@pytest.mark.parametrize("cut", range(7))
def test_linking_in_parts_is_linking_at_once(cut: int) -> None:
    """Wherever one batch ends and the next begins, the chain is the same."""
    first = link(EVENTS[:cut], after=None)

    assert first + link(EVENTS[cut:], after=first[-1] if first else None) == LINKS


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "{}"),
        ({"b": 1, "a": None}, '{"b":1}'),  # what is not known is left out
        ({"b": False, "a": ""}, '{"a":"","b":false}'),  # what is known and empty is not
    ],
)
def test_data_holds_what_is_known(values: dict[str, bool | int | str | None], text: str) -> None:
    """Only what is not known is left out of an event."""
    assert data(values) == text


def test_whatever_is_written_can_be_sealed() -> None:
    """Data of the largest size, all of it quotes, still has a text: no event can hold up the chain."""
    # n quotes are 2n bytes in the data ({"a":"..."} adds 8), and 4n in the event's text.
    largest = data({"a": '"' * ((512 * 1024 - 8) // 2)})

    assert len(largest) == 512 * 1024
    assert len(event(1, of=largest).text() or "") > 1024 * 1024
    with pytest.raises(InvalidAction, match="at most 524288 are allowed"):
        data({"a": "a" * (512 * 1024 - 7)})


def test_a_whole_record_verifies() -> None:
    """An untouched record is found whole, and the verdict names its head and what is not sealed yet."""
    verifier = Verifier(SEALS)
    waiting = [Entry(event=event(number), link=None, waits=True) for number in (7, 8, 9)]

    assert all(verifier.feed(Entry(link=row, event=its_event)) is None for row, its_event in ROWS)
    assert all(verifier.beside(each, now=NOON) is None for each in waiting)
    assert verifier.finish() == Verified(events=6, head=SEALS[-1], unsealed=3)


def test_an_empty_record_verifies() -> None:
    """Before anything happened there is nothing to break."""
    assert verify([], []) == Verified(events=0, head=None)


def test_a_noted_seal_agrees_with_an_untouched_record() -> None:
    """A seal that somebody kept elsewhere verifies as long as nothing before it changed."""
    for noted in SEALS:
        assert verify(ROWS, noted=noted) == Verified(events=6, head=SEALS[-1])
    assert verify(ROWS, [], noted=SEALS[1]) == Verified(events=6, head=SEALS[1])


def test_seals_may_arrive_in_any_order() -> None:
    """Seals are checked by their place, not by the order in which they were read."""
    assert verify(ROWS, SEALS[::-1]) == Verified(events=6, head=SEALS[-1])


def edited(rows: Rows, at: int, forged: Callable[[Stored], Stored]) -> Rows:
    return [
        (row, forged(its_event) if its_event is not None and row.seq == at else its_event)
        for row, its_event in rows
    ]


def relinked(events: Sequence[Stored]) -> Rows:
    return list(zip(link(events, after=None), events, strict=True))


TAMPERED: list[tuple[str, Rows, int]] = [
    ("data edited", edited(ROWS, 3, lambda it: replace(it, data='{"a":1}')), 3),
    ("actor edited", edited(ROWS, 1, lambda it: replace(it, actor="person:salma")), 1),
    ("subject edited", edited(ROWS, 6, lambda it: replace(it, subject="req_7")), 6),
    ("agent edited", edited(ROWS, 6, lambda it: replace(it, agent="other")), 6),
    ("instant edited", edited(ROWS, 4, lambda it: replace(it, at=NOON + TICK)), 4),
    ("name edited", edited(ROWS, 5, lambda it: replace(it, name="request.approved")), 5),
    ("name unknown", edited(ROWS, 5, lambda it: replace(it, name="request.frobbed")), 5),
    ("instant impossible", edited(ROWS, 5, lambda it: replace(it, at=None)), 5),
    ("not UTF-8", edited(ROWS, 5, lambda it: replace(it, actor="\ud800")), 5),
    ("row moved", edited(ROWS, 5, lambda it: replace(it, position=11)), 5),
    ("rows changed places", [(LINKS[0], replace(EVENTS[0], position=20)), *ROWS[1:]], 1),
    ("position forgotten", [(replace(LINKS[0], position=None), EVENTS[0]), *ROWS[1:]], 1),
    ("row and link moved", [(replace(LINKS[0], position=9), replace(EVENTS[0], position=9)), *ROWS[1:]], 1),
    ("event renamed", edited(ROWS, 2, lambda it: replace(it, id=EventId("evt_9"))), 2),
    ("link renamed", [(replace(LINKS[0], event=EventId("evt_9")), EVENTS[0]), *ROWS[1:]], 1),
    ("first row deleted", ROWS[1:], 1),
    ("row deleted", [*ROWS[:2], *ROWS[3:]], 3),
    ("event deleted", [(row, None if row.seq == 4 else its_event) for row, its_event in ROWS], 4),
    ("rows swapped", [ROWS[0], ROWS[2], ROWS[1], *ROWS[3:]], 2),
    ("row repeated", [*ROWS[:3], ROWS[2], *ROWS[3:]], 4),
    ("cut off", ROWS[:5], 6),
    ("cut off before a seal", ROWS[:3], 4),
    ("all deleted", [], 1),
    ("events swapped under their links", [(LINKS[0], EVENTS[1]), (LINKS[1], EVENTS[0]), *ROWS[2:]], 1),
    # The whole chain computed anew: the first seal behind the change does not fit.
    ("edited and relinked", relinked([EVENTS[0], event(2, of='{"a":1}'), *EVENTS[2:]]), 2),
    ("deleted and relinked", relinked([*EVENTS[:2], *EVENTS[3:]]), 4),
    ("inserted and relinked", relinked([*EVENTS[:4], event(9), *EVENTS[4:]]), 6),
    ("swapped and relinked", relinked([*EVENTS[:4], EVENTS[5], EVENTS[4]]), 6),
]


@pytest.mark.parametrize(
    ("rows", "where"), [case[1:] for case in TAMPERED], ids=[case[0] for case in TAMPERED]
)
def test_a_change_is_found_and_located(rows: Rows, where: int) -> None:
    """Editing, inserting, deleting, reordering or cutting off is found, at the link where it first shows."""
    broken = verify(rows)

    assert isinstance(broken, Broken)
    assert broken.seq == where
    assert broken.why


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([*ROWS[:2], *ROWS[3:]], "link 3 is missing; the next one is 4"),
        ([*ROWS[:2], (LINKS[2], None), *ROWS[3:]], "event evt_3 was deleted"),
        ([*ROWS[:2], (LINKS[2], EVENTS[3]), *ROWS[3:]], "it or its link was changed"),
        ([(LINKS[0], replace(EVENTS[0], position=7))], "its row was moved: it was linked at position 10"),
        ([(LINKS[0], replace(EVENTS[0], at=None))], "it was changed: its instant is impossible"),
        ([(LINKS[0], replace(EVENTS[0], data="\0"))], "it was changed: its row holds what no event can"),
        (
            [(LINKS[0], replace(EVENTS[0], name="a.b"))],
            "it or its link was changed: nothing is called 'a.b'",
        ),
        (ROWS[:5], "the record ends at 5, but a seal covers 6 events"),
        (relinked([event(9), *EVENTS[1:]]), "the chain at 2 is not the one that was sealed"),
    ],
)
def test_who_looks_for_the_damage_is_told_what_it_is(rows: Rows, why: str) -> None:
    """Missing, deleted, changed, cut off and rewritten are different words."""
    broken = verify(rows)

    assert isinstance(broken, Broken)
    assert broken.why == why


@pytest.mark.parametrize(
    ("rows", "seals"),
    [
        ([], []),
        (ROWS[:3], []),
        (ROWS[:4], SEALS[:2]),
        (
            forged := relinked([*EVENTS[:5], event(6, of='{"a":1}')]),
            [Seal(seq=6, hash=forged[-1][0].hash, at=NOON)],
        ),
    ],
    ids=["all gone", "cut off", "cut off with its seal", "rewritten with its seals"],
)
def test_who_noted_a_seal_needs_nobodys_word(rows: Rows, seals: Sequence[Seal]) -> None:
    """A record rewritten with all of its seals looks whole, except to whoever noted a seal elsewhere."""
    assert isinstance(verify(rows, seals), Verified)
    assert isinstance(verify(rows, seals, noted=SEALS[-1]), Broken)


def test_a_seal_that_covers_nothing_is_no_seal() -> None:
    """A made-up seal before the first link does not verify, and does not hide the real ones."""
    assert isinstance(verify(ROWS, [Seal(seq=0, hash=GENESIS, at=NOON), *SEALS]), Broken)


Change: TypeAlias = Callable[[list[tuple[Link, Stored | None]], int], Rows]


def _swap(rows: list[tuple[Link, Stored | None]], at: int) -> Rows:
    rows[at], rows[at - 1] = rows[at - 1], rows[at]
    return rows


CHANGES: dict[str, Change] = {
    "delete": lambda rows, at: [*rows[:at], *rows[at + 1 :]],
    "repeat": lambda rows, at: [*rows[:at], rows[at], *rows[at:]],
    "swap": _swap,
    "cut": lambda rows, at: rows[:at],
    "lose its event": lambda rows, at: [*rows[:at], (rows[at][0], None), *rows[at + 1 :]],
    "edit": lambda rows, at: edited(rows, at + 1, lambda it: replace(it, data='{"forged":true}')),
    "relink": lambda rows, at: relinked([*EVENTS[:at], event(99), *EVENTS[at + 1 :]]),
}


@settings(deadline=None)
@given(change=st.sampled_from(sorted(CHANGES)), at=st.integers(0, 5), seal=st.integers(1, 6))
def test_no_single_change_passes_a_noted_seal(change: str, at: int, seal: int) -> None:
    """Whatever one change does to the record up to a noted seal, it is found there or before."""
    touched = CHANGES[change](list(ROWS), at)
    noted = Seal(seq=seal, hash=LINKS[seal - 1].hash, at=NOON)
    verdict = verify(touched, [], noted=noted)

    if isinstance(verdict, Verified):
        assert list(touched)[:seal] == list(ROWS)[:seal]  # nothing that the seal covers was touched
    elif change != "relink":
        assert (verdict.seq or 99) <= at + 2  # a repeated row shows at the one behind it


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        (Broken(seq=3, why=""), "at 3"),
        (Broken(seq=3, why="", event="evt_1"), "at 3 (event evt_1)"),
        (Broken(seq=3, why="", event="evt_1", position=7), "at 3 (event evt_1, position 7)"),
        (Broken(seq=None, why="", event="evt_1", position=7), "beside the chain (event evt_1, position 7)"),
    ],
)
def test_a_place_is_told_in_full(broken: Broken, place: str) -> None:
    """Who has to look at the row is told its number in the chain, its id and its position."""
    assert broken.place == place


def test_a_newer_versions_event_is_whole_and_named() -> None:
    """What a newer version recorded is proven like the rest; who asks is told which it is, the first ten."""
    events = [replace(event(number), name="request.frobbed") for number in range(1, 13)]
    verdict = verify(relinked(events), [])

    assert isinstance(verdict, Verified)
    assert (verdict.events, len(verdict.unknown)) == (12, 10)
    assert verdict.unknown[0] == "request.frobbed at 1 (event evt_1, position 10)"
    assert events[0].event() is None
    assert replace(EVENTS[0], at=None).event() is None


def test_a_stored_event_is_the_event() -> None:
    """A row that this version wrote is read as the event that it was."""
    assert EVENTS[0].event() == Event(
        id=EventId("evt_1"),
        at=NOON + timedelta(seconds=1),
        name=EventName.REQUEST_ASKED,
        actor=f"agent:{BANK}",
        subject="req_1",
        agent=BANK,
        data="{}",
    )


@pytest.mark.parametrize("of", ["", "[1]", "{", "\0"])
def test_data_of_a_strangers_hand_is_none(of: str) -> None:
    """What is in no event's data holds no values, and raises nothing."""
    assert values_of(event(1, of=of)) == {}


WAITING = Entry(event=event(7), link=None, waits=True)


@pytest.mark.parametrize(
    ("entry", "after", "why"),
    [
        (WAITING, SEALING_DELAY, None),
        (WAITING, SEALING_DELAY + TICK, "it was never linked, since 2026-11-20T12:00:07.000000Z"),
        (replace(WAITING, waits=False), timedelta(0), "it was never linked, and nothing is left"),
        (Entry(event=replace(event(7), at=None), link=None, waits=True), SEALING_DELAY + TICK, None),
        (Entry(event=None, link=None), timedelta(0), None),
    ],
)
def test_what_stands_beside_the_chain_is_found(entry: Entry, after: timedelta, why: str | None) -> None:
    """An event without a link may wait for one for a moment; else it was put there, or taken out of line."""
    broken = Verifier([]).beside(entry, now=NOON + timedelta(seconds=7) + after)

    assert (broken is None) == (why is None)
    if broken is not None and why is not None:
        assert broken.why.startswith(why)
        assert (broken.seq, broken.event, broken.position) == (None, "evt_7", 70)


def test_a_link_that_is_missing_altogether_is_found() -> None:
    """A walk that yields an event without its link is no chain."""
    broken = Verifier([]).feed(Entry(event=EVENTS[0], link=None))

    assert broken == Broken(seq=1, why="link 1 is missing")


SECOND = Entry(event=EVENTS[1], link=LINKS[1], before=LINKS[0].hash)


@pytest.mark.parametrize(
    ("entry", "how"),
    [
        (Entry(event=EVENTS[0], link=LINKS[0]), Standing.CHAINED),
        (SECOND, Standing.CHAINED),
        (replace(SECOND, before=None), Standing.CHANGED),
        (replace(SECOND, before=LINKS[2].hash), Standing.CHANGED),
        (replace(SECOND, event=None), Standing.CHANGED),
        (replace(SECOND, event=replace(EVENTS[1], actor="person:salma")), Standing.CHANGED),
        (replace(SECOND, event=replace(EVENTS[1], position=99)), Standing.CHANGED),
        (Entry(event=EVENTS[1], link=None, waits=True), Standing.WAITING),
        (Entry(event=EVENTS[1], link=None), Standing.BESIDE),
    ],
)
def test_whoever_shows_an_event_knows_how_far_it_is_proven(entry: Entry, how: Standing) -> None:
    """By its link and the one before, an event is in the chain, about to be, beside it, or changed."""
    assert standing(entry) is how


def test_events_are_shown_in_the_chains_order() -> None:
    """The order is that of the links, whatever positions say; what is not linked comes last."""
    chained = [Entry(event=each, link=row) for row, each in ROWS]
    lost = Entry(event=None, link=None)
    moved = [
        WAITING,
        replace(chained[2], event=replace(EVENTS[2], position=1)),
        chained[1],
        lost,
        chained[0],
    ]

    assert in_order(moved) == [chained[0], chained[1], moved[1], lost, WAITING]
