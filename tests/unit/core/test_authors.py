"""Who wrote the arguments of an edit, and whether they approve them."""

from dataclasses import replace

import pytest

from escalation.authority import Edits, Terms, terms_after_edit
from escalation.ids import PersonId, RequestId
from escalation.reason import Reason, Refused
from escalation.request import Decide, Request, State, Supersede, Verdict, apply
from tests.unit.core.kit import (
    DIRECTORY,
    NOON,
    ONE,
    SALMA,
    TWO,
    applied,
    approve,
    asked,
    authority,
    decide,
    terms,
)

OPEN = asked()


@pytest.mark.parametrize(
    ("of", "barred"),
    [
        ((terms("treasury"),), None),
        ((terms("treasury", quorum=2),), SALMA),
        ((terms("treasury"), terms("treasury", quorum=2)), SALMA),
        ((replace(terms("treasury"), edits=Edits.ANOTHER_PERSON),), SALMA),
        ((terms("treasury"), replace(terms("treasury"), edits=Edits.FORBIDDEN)), SALMA),
    ],
)
def test_an_author_counts_where_one_is_enough(of: tuple[Terms, ...], barred: PersonId | None) -> None:
    """Whoever wrote the arguments approves them only where every term lets one person do so alone."""
    by_salma = replace(authority(*of), author=SALMA)

    assert by_salma.barred == barred
    assert (SALMA in by_salma.approvers) is (barred is None)
    assert by_salma.objection(SALMA) is None  # they may still reject it, or write it anew
    assert by_salma.missing([SALMA]) == by_salma.quorum - (barred is None)
    assert authority(*of).barred is None


@pytest.mark.parametrize(
    ("before", "after", "edits"),
    [
        (terms("treasury"), terms("treasury"), Edits.AUTHOR_MAY_APPROVE),
        (terms("salma"), terms("treasury"), Edits.AUTHOR_MAY_APPROVE),
        (terms("treasury", quorum=2), terms("treasury"), Edits.AUTHOR_MAY_APPROVE),
        (terms("treasury"), terms("treasury", quorum=2), Edits.ANOTHER_PERSON),
        (terms("treasury"), terms("board"), Edits.ANOTHER_PERSON),
        (terms("board"), terms("treasury"), Edits.ANOTHER_PERSON),
        (
            replace(terms("treasury"), edits=Edits.ANOTHER_PERSON),
            terms("treasury"),
            Edits.ANOTHER_PERSON,
        ),
        (terms("treasury"), replace(terms("treasury"), edits=Edits.FORBIDDEN), Edits.FORBIDDEN),
    ],
)
def test_an_edit_is_no_way_around_a_stricter_rule(before: Terms, after: Terms, edits: Edits) -> None:
    """Where more people decide about the edit, or any of those asked no longer does, its author does not."""
    assert terms_after_edit(DIRECTORY, before, after) == replace(after, edits=edits)


def test_edits_are_forbidden_by_any_of_the_terms() -> None:
    """Terms of then and of today: the stricter holds."""
    forbidden = replace(terms("treasury"), edits=Edits.FORBIDDEN)

    assert authority(terms("treasury"), forbidden).forbids_edits
    assert not authority(terms("treasury")).forbids_edits


def test_what_takes_no_edits_is_not_edited() -> None:
    """Where a term forbids edits the request stays as it is."""
    forbidden = replace(ONE, terms=(replace(ONE.terms[0], edits=Edits.FORBIDDEN),))
    command = Supersede(by=SALMA, successor=RequestId("req_2"), authority=forbidden)

    assert apply(OPEN, command, now=NOON) == Refused(Reason.EDITS_FORBIDDEN)


def test_who_wrote_it_rejects_it_but_does_not_approve_it() -> None:
    """An author whom the terms bar is refused as approver, and counts when they say no."""
    wrote = replace(TWO, author=SALMA)

    assert apply(OPEN, replace(approve(SALMA), authority=wrote), now=NOON) == Refused(
        Reason.AUTHOR_MAY_NOT_APPROVE
    )
    no = decide(OPEN, SALMA, Verdict.REJECT, text="the IBAN is wrong")
    rejected = applied(apply(OPEN, Decide(decision=no, authority=wrote), now=NOON))
    assert rejected.state is State.REJECTED


@pytest.mark.parametrize(
    "request_",
    [OPEN, replace(OPEN, state=State.REJECTED, settled_at=NOON, reason="edited by salma")],
)
def test_only_a_superseded_request_was_edited_by_somebody(request_: Request) -> None:
    """A reason that a person wrote is not taken for our own words."""
    assert request_.edited_by is None


def test_a_superseded_request_without_a_reason_names_nobody() -> None:
    """Where nothing says who edited it, nobody is named."""
    assert replace(OPEN, state=State.SUPERSEDED, settled_at=NOON).edited_by is None
