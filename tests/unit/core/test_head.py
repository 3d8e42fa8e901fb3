"""The head kept outside: what it proves about a database, and its form in a file."""

from dataclasses import replace

import pytest

from escalation.audit import ChainHash, Seal
from escalation.errors import HeadUnknown
from escalation.head import Found, Head, Loss, is_head, lost, parse, text, words
from tests.unit.core.kit import NOON, TICK

HASH, OTHER = ChainHash("ab" * 32), ChainHash("cd" * 32)
HEAD = Head(record="rec_1", epoch=2, seq=40, hash=HASH, at=NOON)
SAME = Found(record="rec_1", epoch=2, seal=Seal(seq=40, hash=HASH, at=NOON), hash=HASH)


def ending(seq: int) -> Found:
    """Return a database whose record ends at *seq*, with the head's hash at its position if it reaches it."""
    return replace(SAME, seal=Seal(seq=seq, hash=OTHER, at=NOON), hash=HASH if seq >= HEAD.seq else None)


@pytest.mark.parametrize(
    ("found", "loss"),
    [
        (SAME, None),
        (ending(41), None),
        (ending(39), Loss.OLDER),
        (replace(SAME, hash=OTHER), Loss.FORKED),
        (replace(SAME, hash=None), Loss.FORKED),
        (replace(ending(50), hash=OTHER), Loss.FORKED),
        (replace(SAME, epoch=1), Loss.OLDER),
        (replace(ending(9), epoch=3), None),
        (replace(SAME, record="rec_2"), Loss.ANOTHER),
        (replace(SAME, record="rec_2", epoch=3), Loss.ANOTHER),
        (replace(SAME, record=""), None),
        (replace(ending(39), record=""), Loss.OLDER),
        (replace(SAME, seal=None), Loss.EMPTY),
    ],
)
def test_a_database_is_judged_by_the_head_outside(found: Found, loss: Loss | None) -> None:
    """Behind it, beside it, empty, another's: only one that has the head, or a newer epoch, is whole."""
    assert lost(HEAD, found) is loss


def test_a_loss_is_told_in_positions_and_times() -> None:
    """Operators read where both end and when, and no place."""
    kept = "the head kept outside is at 40 of 2026-11-20 12:00Z"
    told = {loss: words(HEAD, ending(39), loss) for loss in Loss}
    assert told == {
        Loss.OLDER: f"{kept}, this database ends at 39 of 2026-11-20 12:00Z",
        Loss.FORKED: f"{kept}, this database has other events there and ends at 39 of 2026-11-20 12:00Z",
        Loss.EMPTY: f"{kept}, this database has no record at all",
        Loss.ANOTHER: f"{kept} in another database's record, this database ends at 39 of 2026-11-20 12:00Z",
    }
    assert words(replace(HEAD, at=None), replace(SAME, seal=None), Loss.EMPTY).startswith(
        "the head kept outside is at 40, this"
    )
    assert {loss for loss in Loss if loss.is_of_elsewhere} == {Loss.EMPTY, Loss.ANOTHER}


def test_of_two_heads_the_newer_one_is_known() -> None:
    """An epoch goes before a position; a head is newer than none."""
    assert HEAD.is_newer_than(None)
    assert not HEAD.is_newer_than(HEAD)
    assert HEAD.is_newer_than(replace(HEAD, seq=39))
    assert not HEAD.is_newer_than(replace(HEAD, epoch=3, seq=1))


def test_a_database_tells_its_own_head() -> None:
    """It is that of its last seal; before the first there is none."""
    assert SAME.head() == HEAD
    assert replace(SAME, seal=None).head() is None


def test_a_head_is_read_as_it_was_written() -> None:
    """To the microsecond; one without an instant is never kept."""
    head = replace(HEAD, at=NOON + TICK)
    assert parse(text(head)) == head
    with pytest.raises(HeadUnknown):
        parse(text(replace(HEAD, at=None)))


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "[]",
        "{}",
        "no json",
        text(HEAD)[:-20],
        text(HEAD).replace('"seq":40', '"seq":0'),
        text(HEAD).replace('"seq":40', '"seq":true'),
        text(HEAD).replace('"seq":40', '"seq":9223372036854775808'),
        text(HEAD).replace('"epoch":2', '"epoch":0'),
        text(HEAD).replace(HASH, HASH[:-1]),
        text(HEAD).replace(HASH, HASH.upper()),
        text(HEAD).replace(HASH, "é" * 64),
        text(HEAD).replace("000000Z", "000000"),
        text(HEAD).replace("2026-11", "2026-13"),
    ],
)
def test_what_is_no_head_is_refused(kept: str) -> None:
    """A file that was cut off or changed is no head, whatever is left of it."""
    with pytest.raises(HeadUnknown, match="holds no head"):
        parse(kept)


def test_a_typed_head_needs_no_instant() -> None:
    """What a person copies from the audit channel is a position and a hash."""
    assert is_head(replace(HEAD, at=None))
    assert not is_head(replace(HEAD, at=None, hash=ChainHash("g" * 64)))
