"""One tree of errors, drawn where it is defined."""

import re

import pytest
from pydantic import JsonValue

from andon import errors
from andon.errors import AndonError, Problem, problem
from andon.models import Kind, Request, State
from andon.testing.fake_bot import NOON

API = """unauthenticated 401 · forbidden 403 · not-found 404 · malformed 400 · unknown-action-type 422 ·
arguments-invalid 422 · invalid 422 · idempotency-key-missing 400 · idempotency-key-reused 409 ·
too-large 413 · unsupported-media-type 415 · stopped 423 ·
digest-mismatch 409 · grant-expired 409 · grant-revoked 409 ·
grant-claimed 409 · not-claimed 409 · already-reported 409 · already-settled 409 · awaiting-person 409 ·
over-cap 429"""
NAMES = [(name, int(status)) for name, status in re.findall(r"([a-z-]+) (\d+)", API)]


SAID = Request(
    id="req_1",
    kind=Kind.PROPOSAL,
    agent="bank",
    state=State.APPROVED,
    created_at=NOON,
    deadline=NOON,
    digest="sha256:",
    what_to_do_next="Claim the grant, act, report.",
)


def _below(error: type[AndonError]) -> set[type[AndonError]]:
    return {error}.union(*map(_below, error.__subclasses__()))


PUBLIC = sorted((one for one in _below(AndonError) if one.__name__[0] != "_"), key=lambda one: one.__name__)


def test_the_tree_is_complete() -> None:
    """Every public error is drawn in the module's docstring, and nothing is drawn that is not there."""
    names = {error.__name__ for error in PUBLIC}
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


@pytest.mark.parametrize("error", PUBLIC)
def test_every_no_says_what_to_do_next(error: type[AndonError]) -> None:
    """Each public error has words of its own about what to do next, whole sentences on one line."""
    assert "what_to_do_next" in vars(error) or issubclass(error, errors.NotAllowed)
    assert re.fullmatch(r"[A-Z][^\n]{10,150}\.", error.what_to_do_next)


def test_the_bot_knows_best_what_to_do_next() -> None:
    """A no of people says the bot's sentence about that request, and has one when the bot says none."""
    told, untold = (SAID.model_copy(update={"what_to_do_next": words}) for words in ("Ask Salma.", ""))
    assert errors.Rejected(told).what_to_do_next == "Ask Salma."
    assert errors.Rejected(untold).what_to_do_next == errors.Rejected.what_to_do_next


@pytest.mark.parametrize("error", [errors.Expired, errors.Revoked])
def test_what_lapsed_is_not_to_be_claimed(error: type[errors.NotAllowed]) -> None:
    """A request read while its grant was good says to claim it; the error about that grant does not."""
    assert "another key=" in error(SAID).what_to_do_next
    assert "Claim the grant" not in str(error(SAID))


def test_the_title_is_said_once() -> None:
    """A detail that begins with its title is not put behind it again; any other is."""
    body: dict[str, JsonValue] = {"title": "Stopped", "detail": "Stopped: nothing new starts."}
    assert str(problem(423, body)) == "423 Stopped: nothing new starts."
    assert str(problem(423, {**body, "detail": "Audit."})) == "423 Stopped: Audit."
    assert str(problem(423, {"title": "Stopped"})) == "423 Stopped"


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
