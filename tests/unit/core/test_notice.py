"""The notes beside the cards survive the outbox."""

from typing import get_args

import pytest

from escalation import notice
from escalation.notice import Notice, body, parse

NOTES: list[Notice] = [
    notice.Asked(),
    notice.Nudged(),
    notice.BackupCalled(backup="noura"),
    notice.Acknowledged(by="salma"),
    notice.ApprovedByOne(by="salma", missing=1),
    notice.Settled(state="rejected", by="khalid", text='„Nein“ <!channel> \\ "quoted"\n'),
    notice.Settled(state="cancelled"),
    notice.AskedAgain(by="salma", follow="req_2"),
    notice.Unanswered(state="timed_out", why="nobody decided in time"),
    notice.NeverShown(),
    notice.NeverShown(count=3, since="2026-11-20T12:00:00.000000Z", until="2026-11-20T13:00:00.000000Z"),
    notice.EffectFailed(grant="grt_1"),
    notice.EffectUnknown(grant="grt_1"),
    notice.EffectResolved(grant="grt_1", by="omar", report="succeeded"),
    notice.EffectContradicted(grant="grt_1", by="omar", report="failed"),
    notice.Stopped(scope="all", by="salma", reason=""),
    notice.Swept(scope="all", killed=3, late=1, revoked=0),
    notice.Resumed(scope="agent:bank-reconciliation", by="fahad", stopped_by="salma"),
    notice.ConfigurationRefused(in_force="73b81a7f1ce4", why="andon.yaml:14: `teams` is empty: write one"),
    notice.ConfigurationNotLoaded(host="", why="andon.yaml:26: `horizon` is no key here"),
    notice.Sealed(seq=9_007_199_254_740_991, hash="0" * 64),
    notice.SealRefused(channel="C04AUDIT", why="is_archived"),
    notice.ReleasesFrozen(why="the head kept outside is at 52"),
    notice.RestoreAcknowledged(by="nadia", reason="Disk failed", unknown=3),
    notice.SetAside(kind="requests", id="req_1", why="state is none that this version knows", more=2),
]


@pytest.mark.parametrize("told", NOTES, ids=lambda told: type(told).__name__)
def test_a_note_comes_out_of_the_outbox_as_it_went_in(told: Notice) -> None:
    """Storing a note loses nothing of it, neither its kind nor a field nor a type."""
    assert parse(body(told)) == told


def test_no_kind_of_note_is_forgotten() -> None:
    """The list above has each kind there is: a new one has to prove that it can be stored."""
    assert {type(told) for told in NOTES} == set(get_args(Notice))


def test_a_note_of_an_older_version_is_still_said() -> None:
    """A row that was queued before an upgrade may name what this version does not know, and is not lost."""
    stored = '{"by":"salma","killed":3,"note":"Stopped","reason":"odd","revoked":0,"scope":"all"}'
    assert parse(stored) == notice.Stopped(scope="all", by="salma", reason="odd")


def test_a_stored_note_names_its_kind() -> None:
    """What is stored is canonical JSON that a person can read in the table."""
    assert (
        body(notice.ApprovedByOne(by="salma", missing=1))
        == '{"by":"salma","missing":1,"note":"ApprovedByOne"}'
    )


@pytest.mark.parametrize("stored", ["[]", '"Nudged"', "null", "7"])
def test_what_is_no_note_is_an_error_of_ours(stored: str) -> None:
    """Something else in the outbox's place is not taken for a note."""
    with pytest.raises(TypeError, match="no notice"):
        parse(stored)


@pytest.mark.parametrize("stored", ['{"note":"Note"}', '{"note":"str"}', '{"by":"salma"}'])
def test_only_the_listed_kinds_are_made(stored: str) -> None:
    """A stored name makes one of the notes, never another object."""
    with pytest.raises(KeyError):
        parse(stored)


def test_what_a_newer_version_says_besides_is_left_out() -> None:
    """An unknown field is ignored; what lacks a field, or is of an unknown kind, is no note."""
    assert parse('{"by":"salma","mood":"grim","note":"Acknowledged"}') == notice.Acknowledged(by="salma")
    assert notice.is_known('{"by":"salma","mood":"grim","note":"Acknowledged"}')
    for stored in ('{"note":"Acknowledged"}', '{"note":"Applauded"}', "{", "[]"):
        assert not notice.is_known(stored)
