"""One tree of errors, drawn where it is defined."""

import re

import pytest
from pydantic import JsonValue

from andon import errors
from andon.errors import AndonError, Problem, problem

API = """unauthenticated 401 · forbidden 403 · not-found 404 · malformed 400 · unknown-action-type 422 ·
arguments-invalid 422 · invalid 422 · idempotency-key-missing 400 · idempotency-key-reused 409 ·
too-large 413 · unsupported-media-type 415 · stopped 423 ·
digest-mismatch 409 · grant-expired 409 · grant-revoked 409 ·
grant-claimed 409 · not-claimed 409 · already-reported 409 · already-settled 409 · awaiting-person 409 ·
over-cap 429"""
NAMES = [(name, int(status)) for name, status in re.findall(r"([a-z-]+) (\d+)", API)]


def _below(error: type[AndonError]) -> set[str]:
    found = {error.__name__}
    for child in error.__subclasses__():
        found |= _below(child)
    return found


def test_the_tree_is_complete() -> None:
    """Every public error is drawn in the module's docstring, and nothing is drawn that is not there."""
    names = {name for name in _below(AndonError) if not name.startswith("_")}
    drawn = set(
        re.findall(r"[A-Z]\w+", "\n".join(re.findall(r"[├└]── (.*?)(?:   |\n)", errors.__doc__ + "\n")))
    )
    assert drawn | {"AndonError"} == names


@pytest.mark.parametrize(("name", "status"), NAMES)
def test_each_problem_of_the_contract_has_its_own_type(name: str, status: int) -> None:
    """Each problem name becomes one class of its own, with the bot's words in its message."""
    body: dict[str, JsonValue] = {
        "type": f"urn:andon:problem:{name}",
        "title": "T",
        "detail": "write X instead",
        "path": "a.b",
    }
    error = problem(status, body)
    assert type(error) is not Problem
    assert error.status == status
    assert "write X instead" in str(error)
    assert len({type(problem(status, {"type": f"urn:andon:problem:{each}"})) for each, _ in NAMES}) == len(
        NAMES
    )


def test_the_path_is_told() -> None:
    """An error about arguments says where."""
    error = problem(422, {"type": "urn:andon:problem:arguments-invalid", "path": "a.b"})
    assert isinstance(error, errors.ArgumentsInvalid)
    assert error.path == "a.b"


@pytest.mark.parametrize("body", [None, [], "text", {}, {"type": 7, "title": None}])
def test_any_body_makes_a_problem(body: object) -> None:
    """A refusal is a Problem whatever its body is."""
    error = problem(418, body)  # type: ignore[arg-type]  # anything at all
    assert (type(error), error.status) == (Problem, 418)
