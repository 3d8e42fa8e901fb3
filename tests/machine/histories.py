"""Runs histories by their seeds; one that breaks is made shorter by playing it again, and told as Python."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from structlog.testing import capture_logs

from tests.machine.backends import Backend
from tests.machine.draw import draw
from tests.machine.house import CORES, House, house
from tests.machine.play import Move, Play
from tests.machine.setups import FIRST
from tests.machine.truth import Truth

MOVES = 40
#: How many shorter histories are tried.
_PATIENCE = 300


class Found(AssertionError):
    """A history that breaks, as short as could be made, with what it breaks."""


async def run(where: Backend, seed: int, *, moves: int = MOVES) -> Play:
    """Play the history of *seed*; raise ``Found`` with the shortest one that breaks as well, if it breaks."""
    async with _rooms(where, seed) as rooms:
        play = _begin(rooms)
        try:
            await draw(play, f"history {seed}", moves=moves)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the history
            wrong: Exception = error
        else:
            return play
    shortest = await _shortened(where, seed, play.drawn or play.done)
    raise Found(_told(where, seed, shortest, wrong)) from wrong


async def replay(where: Backend, moves: Sequence[Move], *, seed: int = 0) -> Play:
    """Play *moves*, those that fit, to their end."""
    async with _rooms(where, seed) as rooms:
        play = _begin(rooms)
        await play.all(moves)
        return play


async def _shortened(where: Backend, seed: int, moves: Sequence[Move]) -> Sequence[Move]:
    """Return as few of *moves* as break something, by leaving out ever smaller parts."""
    shortest, size, tries = list(moves), max(1, len(moves) // 2), 0
    while tries < _PATIENCE:
        first = 0
        while first < len(shortest) and tries < _PATIENCE:
            without = shortest[:first] + shortest[first + size :]
            tries += 1
            if await _breaks(where, seed, without):
                shortest = without
            else:
                first += size
        if size == 1:
            break
        size //= 2
    return shortest


async def _breaks(where: Backend, seed: int, moves: Sequence[Move]) -> bool:
    try:
        await replay(where, moves, seed=seed)
    except Exception:  # noqa: BLE001 - whatever it is, it breaks
        return True
    return False


def _told(where: Backend, seed: int, moves: Sequence[Move], wrong: Exception) -> str:
    lines = "\n".join(f"    {move!r}," for move in moves)
    what = f"history {seed} on {where.name}: {type(wrong).__name__}: {wrong}"
    return f"{what}\n\nIt takes, for `replay`:\n[\n{lines}\n]"


@asynccontextmanager
async def _rooms(where: Backend, seed: int) -> AsyncIterator[House]:
    # What is logged is judged at the end; of a history that breaks, it would hide the history.
    with capture_logs() as log:
        async with (
            where.ground() as ground,
            house(ground.open_store, seed=seed, connect=ground.connect) as rooms,
        ):
            rooms.log = log
            yield rooms


def _begin(rooms: House) -> Play:
    return Play(rooms, Truth(rooms.clock.at, FIRST, [FIRST] * CORES))
