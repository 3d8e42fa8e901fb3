"""How use cases are grouped and their statements merged: the part of sharing that is plain arithmetic."""

from collections import namedtuple

import pytest

from escalation.ports import Transaction
from escalation.store.postgres.members import Member, admit
from escalation.store.postgres.work import Execute, Fetch, Insert, Look, Work, Write, plan, shares
from escalation.store.requests import _ADD, _BY_KEY, _GET, _LOCK_DUE, _MOVE
from escalation.store.switches import _SHARE_STOPPED

_Row = namedtuple("_Row", ["id", "n"])  # noqa: PYI024  # a row as the store has it


async def _nothing(_: Transaction) -> None:
    pass


async def _members(*touches: str) -> list[Member]:
    return [Member(_nothing, frozenset(names.split("+"))) for names in touches]


@pytest.mark.parametrize(
    ("waiting", "under_way", "most", "group"),
    [
        (["a", "b", "c"], "", 9, [0, 1, 2]),
        (["a", "b", "c"], "", 2, [0, 1]),
        (["a", "b", "a"], "", 9, [0, 1]),
        (["a", "b", "c"], "b", 9, [0, 2]),
        (["a+b", "b+c", "c"], "", 9, [0]),  # the third would overtake the second
        (["b+c", "c+d", "d", "e"], "b", 9, [3]),
    ],
)
async def test_who_may_share(waiting: list[str], under_way: str, most: int, group: list[int]) -> None:
    """Those who change nothing in common share, first come, first served, and nobody is overtaken."""
    members = await _members(*waiting)
    admitted = admit(members, under_way=set(under_way), most=most)
    assert list(admitted.group) == [members[number] for number in group]
    assert admitted.waiting == [member for member in members if member not in admitted.group]


def test_the_same_question_goes_once() -> None:
    """Keys of one lookup, rows of one insertion and all changes go together; anything else by itself."""
    works: list[Work] = [
        Look(_GET, ["r1"]),
        Insert(_ADD, [("x",)]),
        Look(_BY_KEY, [("agent", "k")]),
        Look(_GET, ["r2", "r1"]),
        Write({_MOVE: [("a",)]}),
        Execute(_MOVE, {}),
        Insert(_ADD, [("y",)]),
        Write({_MOVE: [("b",)], _ADD: [("c",)]}),
        Execute(_MOVE, {}),
    ]
    trips = plan(works)
    assert [trip.parts for trip in trips] == [[0, 3], [1, 6], [2], [4, 7], [5], [8]]
    first = trips[0].work
    assert isinstance(first, Look)
    assert sorted(map(str, first.keys)) == ["r1", "r2"]
    assert trips[1].work == Insert(_ADD, [("x",), ("y",)])
    assert trips[3].work == Write({_MOVE: [("a",), ("b",)], _ADD: [("c",)]})


def test_a_question_without_values_has_one_answer() -> None:
    """Who asks for the same rows without a value is given them all; other questions go by themselves."""
    works: list[Work] = [
        Fetch(_SHARE_STOPPED, {"tenant": "T01"}),
        Fetch(_LOCK_DUE, {"tenant": "T01", "limit": 1}),
        Fetch(_SHARE_STOPPED, {"tenant": "T01"}),
        Fetch(_LOCK_DUE, {"tenant": "T01", "limit": 1}),
    ]
    trips = plan(works)
    assert [trip.parts for trip in trips] == [[0, 2], [1], [3]]
    assert trips[0].work == works[0]
    rows = [_Row("all", 1)]
    assert list(shares([works[0], works[2]], rows)) == [rows, rows]


def test_each_is_given_its_own_rows() -> None:
    """Rows go to whoever asked for their key, in the order of the keys; who asked for nothing has none."""
    rows = [_Row("r1", 1), _Row("r2", 1), _Row("r2", 2)]
    works: list[Work] = [Look(_GET, ["r2"]), Look(_GET, ["r3"]), Look(_GET, ["r2", "r1"])]
    assert list(shares(works, rows)) == [rows[1:], [], rows]
