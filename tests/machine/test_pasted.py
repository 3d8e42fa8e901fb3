"""Histories that once told something, pasted back: each is a list of steps, and plays on every database."""

from collections.abc import Sequence

import pytest

from tests.machine.backends import MEMORY
from tests.machine.histories import replay
from tests.machine.house import Death
from tests.machine.play import Move, Together
from tests.machine.setups import Setup
from tests.machine.steps import Ask, AskAgain, Claim, Decide, Edit, Report, Resolve, Resume, Stop
from tests.machine.surroundings import Clockwork, Configure, Deliver, Sweep, Trouble, Wait

#: By what happens in them.
PASTED: dict[str, Sequence[Move]] = {
    "an approver is removed between the approval and the claim": [
        Ask(agent="ledger", key="k1", amount=4999),
        Decide(request="k1", who="salma", click="c1", choice="approve"),
        Configure(core=1, setup=Setup(managers=("khalid",))),
        Claim(request="k1", agent="ledger", attempt="one"),
        Claim(core=1, request="k1", agent="ledger", attempt="one"),
    ],
    "a process dies after its commit, and the click comes again": [
        Ask(agent="ledger", key="k1", amount=9000, death=Death(after=True)),
        Ask(core=1, agent="ledger", key="k1", amount=9000),
        Decide(request="k1", who="maryam", click="c1", choice="approve", death=Death(after=True)),
        Decide(request="k1", who="maryam", click="c1", choice="approve"),
        Decide(core=1, request="k1", who="maryams_phone", click="c2", choice="approve"),
        Decide(core=1, request="k1", who="yusuf", click="c3", choice="approve", death=Death()),
        Decide(request="k1", who="yusuf", click="c3", choice="approve"),
        Claim(request="k1", agent="ledger", attempt="one", death=Death(after=True)),
        Claim(request="k1", agent="ledger", attempt="one"),
    ],
    "a stop at the deadline itself is too late to kill": [
        Ask(agent="ledger", key="k1", amount=500),
        Ask(agent="travel", key="k2", amount=500),
        Deliver(),
        Wait(to="deadline", of="k1", plus=-1),
        Stop(scope="agent:travel", who="salma", click="c1"),
        Wait(to="deadline", of="k1"),
        Stop(core=1, scope="agent:ledger", who="salma", click="c2"),
        Together((Sweep(), Decide(core=1, request="k1", who="khalid", click="c3", choice="approve"))),
        Resume(scope="agent:travel", who="nadia", click="c4"),
        AskAgain(core=1, request="k1", who="khalid", click="c5"),
    ],
    "an edit upwards, under rules that were tightened since": [
        Ask(agent="ledger", key="k1", amount=499),
        Configure(setup=Setup(directors=("salma", "khalid", "yusuf"), second_key=1, edits="another_person")),
        Edit(core=1, request="k1", who="salma", click="c1", amount=9000),
        Decide(request="k1+", who="khalid", click="c2", choice="approve"),
    ],
    "Slack takes a card in silence, and what was decided meanwhile closes it": [
        Ask(agent="ledger", key="k1", amount=50),
        Trouble(method="chat.postMessage", faults=("silent", "broken", "silent")),
        Deliver(death=Death(commit=1)),
        Decide(core=1, request="k1", who="khalid", click="c1", choice="reject"),
        Wait(plus=31_000_000),
        Deliver(core=1),
    ],
    "an effect whose outcome nobody knew is resolved by one person": [
        Ask(agent="ledger", key="k1", amount=49, sure=True),
        Claim(request="k1", agent="ledger", attempt="one"),
        Wait(to="lapse", of="k1", plus=-1),
        Clockwork(),
        Wait(to="lapse", of="k1"),
        Together((Clockwork(), Report(core=1, request="k1", agent="ledger", outcome="succeeded"))),
        Report(request="k1", agent="ledger", outcome="failed"),
        Resolve(request="k1", who="khalid", click="c1", outcome="succeeded"),
        Resolve(core=1, request="k1", who="nadia", click="c2", outcome="failed"),
    ],
}


@pytest.mark.parametrize("name", PASTED)
async def test_it_holds(name: str) -> None:
    """Every step of it fits, and comes to what it has to."""
    moves = PASTED[name]
    play = await replay(MEMORY, moves)
    assert play.drawn == list(moves)
