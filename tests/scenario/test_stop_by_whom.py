"""Anybody we know may stop: whom the configuration in force knows, and whom the process still works by."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from escalation.authority import Account
from escalation.errors import InvalidConfiguration
from escalation.ports import StoredConfiguration
from escalation.reason import Reason, Refused
from escalation.service.context import Click
from escalation.service.stop import Moved, stop
from escalation.switch import EVERYTHING
from tests.scenario.conftest import OpenStore
from tests.scenario.replicas import Replica, replicas
from tests.scenario.rules import ANDON, Change, changed, shipped
from tests.scenario.world import PEOPLE, MovableClock

#: Somebody has another account from now on, which only the new configuration knows.
NEW = "U09SALMA"
SALMA_MOVED = changed(Change(ANDON, PEOPLE["salma"], NEW))


@pytest.fixture
async def pair(any_store: OpenStore) -> AsyncIterator[list[Replica]]:
    """Two processes over one database, in each kind of it; neither beats by itself."""
    async with replicas(any_store, MovableClock()) as found:
        yield found


def _click(user: str, mark: str = "1") -> Click:
    return Click(account=Account("T01ANDON", user), fingerprint=f"{user} {mark}", what="command:stop")


async def test_who_was_just_added_stops_through_any_process(pair: list[Replica]) -> None:
    """A process that has not noticed the change learns whom it knows, and takes the stop."""
    here, stale = pair
    await here.puts_in_force(SALMA_MOVED)
    assert stale.version == shipped().configuration.version
    assert isinstance(await stop(stale.core, _click(NEW), EVERYTHING, "odd"), Moved)


async def test_who_was_just_removed_still_stops_through_a_process_behind(pair: list[Replica]) -> None:
    """A stop fails for no newer rule: what the process still works by is enough."""
    here, stale = pair
    await here.puts_in_force(SALMA_MOVED)
    assert isinstance(await stop(stale.core, _click(PEOPLE["salma"]), EVERYTHING, "odd"), Moved)


async def test_a_process_that_cannot_load_the_rules_in_force_stops_for_whom_it_knows(
    pair: list[Replica],
) -> None:
    """Nobody else: a stranger is refused, on the record, and the process does not fail."""
    here, stale = pair

    async def cannot(_: StoredConfiguration) -> None:
        raise InvalidConfiguration("a key of a newer version")

    await here.puts_in_force(SALMA_MOVED)
    behind = replace(stale.core, adopt=cannot)
    refused = await stop(behind, _click(NEW), EVERYTHING, "odd")
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.UNKNOWN_PERSON
    assert isinstance(await stop(behind, _click(PEOPLE["salma"]), EVERYTHING, "odd"), Moved)
