"""Why something was refused: every reason has words, and the words can be told apart."""

import pytest

from escalation.reason import WORDS, Reason, Refused


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_one_sentence(reason: Reason) -> None:
    """Nobody is ever refused without being told why, in a sentence."""
    words = WORDS[reason]

    assert words[0].isupper()
    assert words.endswith(".")
    assert str(Refused(reason)) == words


def test_no_two_reasons_say_the_same() -> None:
    """Two reasons that read alike would be one reason."""
    assert len(set(WORDS.values())) == len(Reason) == len(WORDS)


def test_a_reason_is_named_by_its_value() -> None:
    """What agents read is the name in small letters: it can be searched for in the code."""
    assert {reason.value for reason in Reason} == {reason.name.lower() for reason in Reason}


def test_a_detail_says_which() -> None:
    """Where there is a detail it stands behind the sentence."""
    refused = Refused(Reason.UNKNOWN_SCOPE, "agent:nobody")

    assert str(refused) == f"{WORDS[Reason.UNKNOWN_SCOPE]} (agent:nobody)"
