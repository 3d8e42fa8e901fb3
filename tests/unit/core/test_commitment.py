"""What somebody wrote: the record commits to it, and can forget it without coming apart."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace

import pytest

from escalation.audit import Entry, Stored, data, link
from escalation.commitment import (
    Disclosure,
    Lost,
    Written,
    commit,
    commitment,
    committed,
    disclose,
    joined,
    lost,
    written,
)
from escalation.errors import InvalidAction
from escalation.ids import EventId
from escalation.verification import Broken, Verified, Verifier
from tests.unit.core.kit import NOON

EVENT = EventId("evt_1")
VALUES, (REASON, TEXT) = commit(
    EVENT,
    {"verdict": "reject", "reason": Written("too much"), "text": Written("مرفوض"), "more": None},
    salt=iter(["salt-1", "salt-2"]).__next__,
)


def test_a_commitment_can_be_computed_by_anybody() -> None:
    """HMAC-SHA256, keyed with the salt, over the field's name, a line feed and the text."""
    assert commitment("reason", "too much", "s") == (
        hmac.new(b"s", b"reason\ntoo much", hashlib.sha256).hexdigest()
    )
    assert {
        "verdict": "reject",
        "more": None,
        "commit:reason": commitment("reason", "too much", "salt-1"),
        "commit:text": commitment("text", "مرفوض", "salt-2"),
    } == VALUES
    assert Disclosure(event=EVENT, field="reason", salt="salt-1", text="too much") == REASON
    assert committed(VALUES).keys() == {"reason", "text"}


def test_what_nobody_wrote_needs_no_salt() -> None:
    """Where there are no words the values stay as they are."""

    def salt() -> Iterator[str]:
        raise AssertionError

    assert commit(EVENT, {"rule": "large", "n": 1}, salt=salt) == ({"rule": "large", "n": 1}, [])  # type: ignore[arg-type]  # never called
    assert written(None) is None
    assert written("") == Written("")


@pytest.mark.parametrize("text", ["\0", "\ud800", "a" * (512 * 1024 + 1)])
def test_words_that_not_every_database_holds_are_refused(text: str) -> None:
    """What a database would refuse, or what is beyond all measure, is refused before it is written."""
    with pytest.raises(InvalidAction):
        commit(EVENT, {"reason": Written(text)}, salt=lambda: "s")


def test_words_come_back() -> None:
    """Who asks for an event gets the words in place of the commitments."""
    told = {"verdict": "reject", "more": None, "reason": "too much", "text": "مرفوض"}
    assert disclose(VALUES, [TEXT, REASON]) == told
    assert joined(VALUES, [TEXT, REASON]) == told
    assert lost(VALUES, [TEXT, REASON]) == {}


def test_erased_words_are_told_as_erased() -> None:
    """Once text and salt are gone the event says that there were words."""
    assert disclose(VALUES, [TEXT])["reason"] is Lost.ERASED
    assert joined(VALUES, [TEXT])["reason"] == {"erased": True}
    assert lost(VALUES, []) == {"reason": Lost.ERASED, "text": Lost.ERASED}


@pytest.mark.parametrize(
    "forged",
    [
        replace(REASON, text="too little"),
        replace(REASON, salt="salt-2"),
        replace(REASON, salt=7),  # type: ignore[arg-type]  # what a stranger's hand can put there
        replace(REASON, text=b"too much"),  # type: ignore[arg-type]  # as above
    ],
)
def test_other_words_are_told_as_changed(forged: Disclosure) -> None:
    """Words or salts that are not those recorded are shown to nobody."""
    assert disclose(VALUES, [forged, TEXT])["reason"] is Lost.CHANGED
    assert lost(VALUES, [forged, TEXT]) == {"reason": Lost.CHANGED}


def test_words_that_were_never_recorded_are_found() -> None:
    """A text beside an event that commits to none is somebody else's."""
    foreign = replace(REASON, field="answer")
    assert lost(VALUES, [REASON, TEXT, foreign]) == {"answer": Lost.CHANGED}
    assert "answer" not in disclose(VALUES, [REASON, TEXT, foreign])


def _verdict(*texts: Disclosure) -> Verified | Broken:
    event = Stored(
        position=1,
        id=EVENT,
        at=NOON,
        name="decision.made",
        actor="person:salma",
        subject="req_1",
        agent=None,
        data=data(VALUES),
    )
    [first] = link([event], after=None)
    verifier = Verifier([])
    return verifier.feed(Entry(event=event, link=first, texts=texts)) or verifier.finish()


def test_the_chain_outlives_the_words() -> None:
    """With all words, with some, with none: the record is whole, and says how many were erased."""
    assert _verdict(REASON, TEXT) == Verified(events=1, head=None)
    assert _verdict(TEXT) == Verified(events=1, head=None, erased=1)
    assert _verdict() == Verified(events=1, head=None, erased=2)


def test_changed_words_break_the_record() -> None:
    """Words put in place of those that were said are found, with their place."""
    broken = _verdict(replace(REASON, text="fine"), TEXT)
    assert isinstance(broken, Broken)
    assert broken.place == "at 1 (event evt_1, position 1)"
    assert broken.why == "its reason is not what was recorded"
