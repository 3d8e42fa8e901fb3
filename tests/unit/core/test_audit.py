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
    Broken,
    ChainHash,
    Event,
    EventName,
    Link,
    Seal,
    UnknownName,
    UnreadEvent,
    Verified,
    Verifier,
    chain,
    data,
    instant,
    link,
)
from escalation.errors import InvalidAction
from escalation.grant import GrantState
from escalation.ids import EventId
from escalation.request import State
from tests.unit.core.kit import BANK, NOON, TICK

Rows: TypeAlias = Sequence[tuple[Link, Event | None]]


def event(number: int, *, of: str = "{}") -> Event:
    return Event(
        id=EventId(f"evt_{number}"),
        at=NOON + number * timedelta(seconds=1),
        name=EventName.REQUEST_ASKED,
        actor=f"agent:{BANK}",
        subject=f"req_{number}",
        agent=BANK,
        data=of,
    )


EVENTS = [event(number) for number in range(1, 7)]
LINKS = link(EVENTS, after=None)
ROWS: Rows = list(zip(LINKS, EVENTS, strict=True))
SEALS = [Seal(seq=seq, hash=LINKS[seq - 1].hash, at=NOON) for seq in (2, 4, 6)]


def verify(rows: Rows, seals: Sequence[Seal] = SEALS, *, noted: Seal | None = None) -> Verified | Broken:
    verifier = Verifier(seals, noted=noted)
    for row, its_event in rows:
        if (broken := verifier.feed(row, its_event)) is not None:
            return broken
    return verifier.finish(unsealed=0)


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
    """Anybody can compute the chain: SHA-256 over the head before, the number, and the event's text."""
    first = hashlib.sha256(f"{'0' * 64}\n1\n{EVENTS[0].text()}".encode()).hexdigest()
    second = hashlib.sha256(f"{first}\n2\n{EVENTS[1].text()}".encode()).hexdigest()

    assert chain(GENESIS, 1, EVENTS[0]) == first
    assert link(EVENTS[:2], after=None) == [
        Link(seq=1, event=EventId("evt_1"), hash=ChainHash(first)),
        Link(seq=2, event=EventId("evt_2"), hash=ChainHash(second)),
    ]


def test_the_same_event_elsewhere_has_another_hash() -> None:
    """The number is part of the hash: a link cannot be cut out and put in again somewhere else."""
    assert chain(GENESIS, 1, EVENTS[0]) != chain(GENESIS, 2, EVENTS[0])


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
    assert len(event(1, of=largest).text()) > 1024 * 1024
    with pytest.raises(InvalidAction, match="at most 524288 are allowed"):
        data({"a": "a" * (512 * 1024 - 7)})


def test_a_whole_record_verifies() -> None:
    """An untouched record is found whole, and the verdict names its head and what is not sealed yet."""
    verifier = Verifier(SEALS)

    assert all(verifier.feed(row, its_event) is None for row, its_event in ROWS)
    assert verifier.finish(unsealed=3) == Verified(events=6, head=SEALS[-1], unsealed=3)


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


def edited(rows: Rows, at: int, forged: Callable[[Event], Event]) -> Rows:
    return [
        (row, forged(its_event) if its_event is not None and row.seq == at else its_event)
        for row, its_event in rows
    ]


def relinked(events: Sequence[Event]) -> Rows:
    return list(zip(link(events, after=None), events, strict=True))


TAMPERED: list[tuple[str, Rows, int]] = [
    ("data edited", edited(ROWS, 3, lambda it: replace(it, data='{"a":1}')), 3),
    ("actor edited", edited(ROWS, 1, lambda it: replace(it, actor="person:salma")), 1),
    ("subject edited", edited(ROWS, 6, lambda it: replace(it, subject="req_7")), 6),
    ("agent edited", edited(ROWS, 6, lambda it: replace(it, agent="other")), 6),
    ("instant edited", edited(ROWS, 4, lambda it: replace(it, at=it.at + TICK)), 4),
    ("name edited", edited(ROWS, 5, lambda it: replace(it, name=EventName.REQUEST_APPROVED)), 5),
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
        ([*ROWS[:2], (LINKS[2], EVENTS[3]), *ROWS[3:]], "event evt_4 or its link was changed"),
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


Change: TypeAlias = Callable[[list[tuple[Link, Event | None]], int], Rows]


def _swap(rows: list[tuple[Link, Event | None]], at: int) -> Rows:
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
        assert verdict.seq <= at + 2  # a repeated row shows at the one behind it


def test_an_event_that_cannot_be_read_is_linked_by_what_is_stored() -> None:
    """A name we do not know and a row we cannot read have their place in the chain, and show any change."""
    named = replace(event(1), name=UnknownName("request.applauded"))
    unread = UnreadEvent(id=EventId("evt_2"), stored='{"at": {"damaged": 1}}')
    events: list[Event | UnreadEvent] = [named, unread, event(3)]
    links, verifier = link(events, after=None), Verifier([])
    for each, linked in zip(events, links, strict=True):
        assert verifier.feed(linked, each) is None
    verifier = Verifier([])
    assert verifier.feed(links[0], named) is None
    changed = UnreadEvent(id=unread.id, stored='{"at": {"damaged": 2}}')
    assert isinstance(verifier.feed(links[1], changed), Broken)
