"""
The head of the record as it is kept outside the database, and what it proves about the database.

A database that was brought back from a backup is whole, and knows nothing of what it has lost: stops,
decisions, used grants. A head that was kept elsewhere does.

    the head kept outside ──lost──▶ None      the database has it, and goes on from there
                                    OLDER     it ends before that head: an older copy
                                    FORKED    it has other events there: an older copy that went on
                                    EMPTY     it has no record at all
                                    ANOTHER   the head is of another database's record

An epoch begins each time an operator acknowledges a restore: heads of earlier epochs prove nothing any more.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import assert_never

from escalation.action import Json, canonical, decode
from escalation.audit import ChainHash, Seal, instant
from escalation.errors import HeadUnknown, InvalidAction

_HASH = 64
_LAST = 2**63 - 1
_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of the record at one moment."""

    record: str  #: Names the database's record; empty as long as no head was kept in a file.
    epoch: int
    seq: int  #: Its position: of the last link.
    hash: ChainHash
    at: datetime | None  #: When it was sealed; none where a person copied it from a message.

    def is_newer_than(self, other: "Head | None") -> bool:
        """Return whether it comes after *other*."""
        return other is None or (self.epoch, self.seq) > (other.epoch, other.seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the database holds, beside a head that was kept outside."""

    record: str
    epoch: int
    seal: Seal | None  #: Its own last one.
    hash: ChainHash | None  #: Of its link at the position of the outside head, if it has one.

    def head(self) -> Head | None:
        """Return the database's own head; none before the first event was sealed."""
        if self.seal is None:
            return None
        seal = self.seal
        return Head(record=self.record, epoch=self.epoch, seq=seal.seq, hash=seal.hash, at=seal.at)


class Loss(Enum):
    """What is wrong with a database, by a head that was kept outside."""

    OLDER = "older"
    FORKED = "forked"
    EMPTY = "empty"
    ANOTHER = "another"

    @property
    def is_of_elsewhere(self) -> bool:
        """Whether the head may not be this database's at all: before a start, somebody should look."""
        return self in {Loss.EMPTY, Loss.ANOTHER}


def lost(outside: Head, found: Found) -> Loss | None:
    """Return what is wrong with a database in which *found* is what there is; none if it has *outside*."""
    if found.seal is None:
        return Loss.EMPTY
    if found.record and outside.record and found.record != outside.record:
        return Loss.ANOTHER
    if found.epoch > outside.epoch:
        return None
    if found.epoch < outside.epoch or found.seal.seq < outside.seq:
        return Loss.OLDER
    return None if found.hash == outside.hash else Loss.FORKED


def words(outside: Head, found: Found, loss: Loss) -> str:
    """Return in one sentence what is wrong, for operators: positions and times, and no place."""
    kept = f"the head kept outside is at {outside.seq}"
    kept += "" if outside.at is None else f" of {_minute(outside.at)}"
    ends = "" if found.seal is None else f"ends at {found.seal.seq} of {_minute(found.seal.at)}"
    match loss:
        case Loss.OLDER:
            return f"{kept}, this database {ends}"
        case Loss.FORKED:
            return f"{kept}, this database has other events there and {ends}"
        case Loss.EMPTY:
            return f"{kept}, this database has no record at all"
        case Loss.ANOTHER:
            return f"{kept} in another database's record, this database {ends}"
        case _:
            assert_never(loss)


def text(head: Head) -> str:
    """Return *head* as it is kept."""
    values: dict[str, Json] = {
        "record": head.record,
        "epoch": head.epoch,
        "seq": head.seq,
        "hash": head.hash,
        "at": None if head.at is None else instant(head.at),
    }
    return canonical(values) + "\n"


def parse(kept: str) -> Head:
    """Return the head that ``text`` wrote, or raise ``HeadUnknown``."""
    try:
        values = decode(kept)
        head = _head(values) if isinstance(values, dict) else None
    except (InvalidAction, LookupError, ValueError) as error:
        raise HeadUnknown("it holds no head of a record") from error
    if head is None or not is_head(head):
        raise HeadUnknown("it holds no head of a record")
    return head


def is_head(head: Head) -> bool:
    """Return whether *head*, as somebody wrote it, can be one."""
    is_hash = len(head.hash) == _HASH and _DIGITS.issuperset(head.hash)
    is_instant = head.at is None or head.at.tzinfo is not None
    return is_hash and is_instant and head.epoch >= 1 and 1 <= head.seq <= _LAST


def _head(values: dict[str, Json]) -> Head:
    return Head(
        record=str(values["record"]),
        epoch=int(str(values["epoch"])),
        seq=int(str(values["seq"])),
        hash=ChainHash(str(values["hash"])),
        at=datetime.fromisoformat(str(values["at"])),
    )


def _minute(at: datetime) -> str:
    return instant(at)[:16].replace("T", " ") + "Z"
