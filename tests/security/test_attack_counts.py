"""How much is tried against the doors and the cards: the numbers that docs/guarantees.md gives."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bot.api.routes import OPERATIONS
from bot.slack.render.block_kit.dates import SlackDates
from escalation.request import State
from tests.scenario import test_authority as authority
from tests.security import test_configuration_slips as slips
from tests.security import test_hostile_text as hostile
from tests.security.guard_forgeries import every_attack

_KINDS = ("deleted", "emptied", "mistyped")
#: Each draws whatever the words and arguments of a request reach, and checks that nothing in it is live.
RENDERERS: Mapping[str, Callable[..., Any]] = {
    "the card": hostile.test_a_card_is_dead_within_limits_and_approvable_only_when_whole,
    "the full view": hostile.test_the_full_view_approves_only_what_it_shows,
    "cards of what ended": hostile.test_settled_and_edited_cards_are_dead,
    "questions": hostile.test_questions_are_dead_and_answerable_only_when_whole,
    "forms": hostile.test_forms_are_dead,
    "notices": hostile.test_notices_are_dead,
    "Home and answers": hostile.test_home_and_answers_are_dead,
    "titles": hostile.test_titles_are_dead,
    "runbooks": hostile.test_a_runbook_stays_within_limits,
    "what is hidden": hostile.test_what_the_manifest_hides_stays_hidden,
}


@pytest.mark.parametrize("where", RENDERERS)
def test_every_attack_is_dead_everywhere(where: str) -> None:
    """Each text of the list of attacks, by itself, at each place; Hypothesis mixes them besides."""
    check: Any = RENDERERS[where]
    for attack in _texts():
        check.hypothesis.inner_test(**_given(where, attack))


def _texts() -> list[str]:
    """Return each attack, and some of them one after the other."""
    pairs = zip(hostile.ATTACKS[::4], hostile.ATTACKS[1::4], strict=False)
    return list(dict.fromkeys([*hostile.ATTACKS, *(first + second for first, second in pairs)]))


def _given(where: str, attack: str) -> dict[str, Any]:
    arguments = {"memo": attack, "amount": "1.000"}
    match where:
        case "the card":
            return {"arguments": arguments, "text": attack, "writes_times": SlackDates}
        case "cards of what ended":
            ended = State.REJECTED
            return {"before": {"memo": "x"}, "arguments": arguments, "text": attack, "state": ended}
        case "questions":
            return {"options": ["Ours", attack[:70] or "Theirs"], "text": attack or "?", "allow_text": True}
        case "titles":
            return {"text": attack}
        case "runbooks":
            return {"text": attack, "times": 2}
        case "what is hidden":
            return {"secret": "of the house", "text": attack}
        case _:
            return {"arguments": arguments, "text": attack}


def test_the_numbers() -> None:
    """At least 300 forged requests and 500 hostile texts drawn, every one of them another."""
    assert len({attack.name for attack in every_attack()}) >= 300
    assert len(_texts()) * len(RENDERERS) >= 500


def test_every_route_is_tried_with_every_credential() -> None:
    """The matrix: each route that there is, with no key, each wrong one, and another agent's."""
    routes = {(operation.method, operation.path) for operation in OPERATIONS}
    assert set(authority.ROUTES) == routes
    assert len(routes) * len(authority.CREDENTIALS) >= 90


@pytest.mark.parametrize("file", ["andon.yaml", slips.MANIFEST, slips.RUNBOOK])
def test_every_key_is_deleted_emptied_and_mistyped(file: str) -> None:
    """No key of a shipped file is left out: each is deleted, and each is emptied and mistyped."""
    every = set(slips.keys(slips.shipped(file)))
    tried = {kind: {slip.key for slip in slips.mutations(file) if slip.kind == kind} for kind in _KINDS}
    assert every
    assert tried["deleted"] == every
    assert tried["mistyped"] == every
    assert tried["emptied"] <= every
