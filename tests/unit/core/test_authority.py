"""Who may decide, and when it is enough."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.authority import Account, Authority, Directory, Terms
from escalation.ids import PersonId
from escalation.reason import Reason
from tests.unit.core.kit import (
    DIRECTORY,
    KHALID,
    NOURA,
    OPERATOR,
    OWNER,
    PEOPLE,
    SALMA,
    STRANGER,
    authority,
    terms,
    without,
)

NOBODY: set[PersonId] = set()


@pytest.mark.parametrize(
    ("account", "whose"),
    [
        (Account("T01", "U_SALMA"), SALMA),
        (Account("T01", "U_SALMA_ADMIN"), SALMA),  # a second account is the same person
        (Account("T01", "U_KHALID"), KHALID),
        (Account("T02", "U_SALMA"), None),  # the same user id in another workspace is somebody else
        (Account("T01", "u_salma"), None),
        (Account("T01", "U_GUEST"), None),
        (Account("", ""), None),
    ],
)
def test_an_account_belongs_to_one_person_or_to_nobody(account: Account, whose: PersonId | None) -> None:
    """Who clicked is looked up by workspace and user, exactly."""
    found = DIRECTORY.whose(account)

    assert (None if found is None else found.id) == whose


def test_each_workspace_has_its_own_accounts() -> None:
    """Somebody whose account is in another workspace is known there, and nowhere else."""
    guest = replace(PEOPLE[KHALID], accounts=frozenset({Account("T02", "U_KHALID")}))
    directory = Directory(people={KHALID: guest}, teams={})

    assert directory.whose(Account("T02", "U_KHALID")) == guest
    assert directory.whose(Account("T01", "U_KHALID")) is None


@pytest.mark.parametrize(
    ("names", "members"),
    [
        ((), NOBODY),
        (("treasury",), {SALMA, KHALID, NOURA, OWNER}),
        (("salma",), {SALMA}),
        (("salma", "salma"), {SALMA}),
        (("board", "khalid"), {NOURA, OPERATOR, KHALID}),
        (("tresury",), NOBODY),
        (("", "Treasury", "SALMA"), NOBODY),
    ],
)
def test_a_name_that_nobody_bears_adds_nobody(names: tuple[str, ...], members: set[PersonId]) -> None:
    """Names of teams and people are resolved exactly; a misspelt one is nobody, never everybody."""
    assert DIRECTORY.members(names) == members


def test_a_team_names_people_not_ghosts() -> None:
    """Who left the directory is in no team any more, although the team still names them."""
    assert without(SALMA, KHALID).members(("treasury", "salma")) == {NOURA, OWNER}


def test_a_team_stands_before_a_person_of_the_same_name() -> None:
    """A name has one meaning: a team's name is the team."""
    both = replace(DIRECTORY, teams={"salma": DIRECTORY.teams["board"]})

    assert both.members(("salma",)) == {NOURA, OPERATOR}


@pytest.mark.parametrize(("id_", "name"), [(SALMA, "Salma"), (STRANGER, "stranger")])
def test_people_are_called_by_their_name(id_: PersonId, name: str) -> None:
    """Somebody who left is still called something: their id."""
    assert DIRECTORY.name(id_) == name


TREASURY, BOARD = terms("treasury"), terms("board")


@pytest.mark.parametrize(
    ("of", "approvers"),
    [
        # The owner is in the treasury: {salma, khalid, noura, omar} - {omar}
        ((TREASURY,), {SALMA, KHALID, NOURA}),
        ((BOARD,), {NOURA, OPERATOR}),
        # Asked under one, today the other: {salma, khalid, noura} & {noura, fahad}
        ((TREASURY, BOARD), {NOURA}),
        ((BOARD, TREASURY), {NOURA}),
        ((TREASURY, terms("salma")), {SALMA}),
        ((TREASURY, terms()), NOBODY),
        ((terms(), terms()), NOBODY),
        ((terms("omar"),), NOBODY),  # only the owner: nobody
        ((terms("tresury"),), NOBODY),
    ],
)
def test_approvers_satisfy_all_the_terms(of: tuple[Terms, ...], approvers: set[PersonId]) -> None:
    """An approver is named by the terms it was asked under and by today's, and owns nothing of it."""
    assert authority(*of).approvers == approvers


def test_no_terms_are_no_approvers() -> None:
    """Where nothing says who decides, nobody does, and nothing suffices."""
    empty = Authority(directory=DIRECTORY, terms=(), owners=frozenset())

    assert empty.approvers == NOBODY
    assert empty.quorum == 1
    assert not empty.suffices(PEOPLE)
    assert empty.objection(SALMA) is Reason.NOT_AN_APPROVER


@pytest.mark.parametrize(
    ("owners", "approvers"),
    [
        ((OWNER,), {SALMA, KHALID, NOURA}),
        ((OWNER, SALMA), {KHALID, NOURA}),  # who owned it when it asked, and who owns it today
        ((), {SALMA, KHALID, NOURA, OWNER}),
    ],
)
def test_no_owner_decides_neither_the_old_nor_the_new(
    owners: tuple[PersonId, ...], approvers: set[PersonId]
) -> None:
    """Handing an agent over gives neither owner a say in what it asked."""
    assert authority(TREASURY, owners=owners).approvers == approvers


@pytest.mark.parametrize(
    ("quorums", "needed"), [((1,), 1), ((2,), 2), ((1, 2), 2), ((3, 2), 3), ((2, 2), 2), ((0, 1), 1)]
)
def test_the_larger_quorum_counts(quorums: tuple[int, ...], needed: int) -> None:
    """A change of the rules can raise the number of approvals, never lower it."""
    assert authority(*(terms("treasury", quorum=quorum) for quorum in quorums)).quorum == needed


DENIED = replace(authority(), denied=True)


@pytest.mark.parametrize(
    ("of", "person", "why"),
    [
        (authority(), SALMA, None),
        (authority(), KHALID, None),
        (authority(), STRANGER, Reason.UNKNOWN_PERSON),
        (authority(), OWNER, Reason.OWNER_MAY_NOT_DECIDE),
        (authority(owners=(OWNER, SALMA)), SALMA, Reason.OWNER_MAY_NOT_DECIDE),
        (authority(), OPERATOR, Reason.NOT_AN_APPROVER),
        (authority(TREASURY, BOARD), SALMA, Reason.NOT_AN_APPROVER),
        (authority(directory=without(SALMA)), SALMA, Reason.UNKNOWN_PERSON),
        (authority(directory=without(OWNER)), OWNER, Reason.UNKNOWN_PERSON),
        (DENIED, SALMA, Reason.RULES_CHANGED),
        (DENIED, OPERATOR, Reason.NOT_AN_APPROVER),
    ],
)
def test_everybody_else_is_told_why_not(of: Authority, person: PersonId, why: Reason | None) -> None:
    """Exactly the approvers may decide; each other person gets the reason that is theirs."""
    assert of.objection(person) is why
    assert of.objection(person, to_reject=True) is (None if why is Reason.RULES_CHANGED else why)


@pytest.mark.parametrize(
    ("of", "people", "enough"),
    [
        (authority(), [], "no"),
        (authority(), [SALMA], "yes"),  # 1 of 1
        (authority(), [OWNER], "no"),
        (authority(), [OPERATOR], "no"),
        (authority(), [STRANGER], "no"),
        (authority(terms("treasury", quorum=2)), [SALMA], "no"),  # 1 of 2
        (authority(terms("treasury", quorum=2)), [SALMA, SALMA], "no"),  # one person twice: 1 of 2
        (authority(terms("treasury", quorum=2)), [SALMA, OWNER], "no"),  # 1 and the owner: 1 of 2
        (authority(terms("treasury", quorum=2)), [SALMA, OPERATOR], "no"),
        (authority(terms("treasury", quorum=2)), [SALMA, KHALID], "yes"),  # 2 of 2
        (authority(terms("treasury", quorum=2)), [SALMA, KHALID, NOURA], "yes"),  # 3 of 2
        (authority(terms("treasury"), terms("treasury", quorum=2)), [SALMA], "no"),  # today it takes 2
        (authority(terms("treasury", quorum=2), terms("treasury")), [SALMA], "no"),  # then it took 2
        (authority(TREASURY, BOARD), [SALMA], "no"),  # not on the board
        (authority(TREASURY, BOARD), [NOURA], "yes"),
        (authority(directory=without(SALMA)), [SALMA], "no"),  # left since
        (authority(terms("treasury", quorum=2), directory=without(SALMA)), [SALMA, KHALID], "no"),
        (DENIED, [SALMA, KHALID, NOURA], "no"),
        (authority(terms("treasury", quorum=0)), [], "no"),  # a quorum of nobody is no quorum
        (authority(terms("treasury", quorum=0)), [SALMA], "no"),
        (authority(terms("treasury", quorum=-1)), [SALMA], "no"),
        (authority(terms("treasury"), terms("treasury", quorum=0)), [SALMA], "no"),
        (authority(terms()), [SALMA], "no"),  # an emptied list of approvers is nobody
        (authority(terms("treasury", quorum=4)), [SALMA, KHALID, NOURA, OWNER], "no"),  # only 3 may
    ],
)
def test_enough_is_a_number_of_different_approvers(
    of: Authority, people: list[PersonId], enough: str
) -> None:
    """Approvals suffice when so many distinct people gave them who, as things stand now, may decide."""
    assert of.suffices(people) is (enough == "yes")


EVERYBODY = [*PEOPLE, STRANGER]
any_terms = st.builds(
    Terms,
    approvers=st.lists(st.sampled_from(["treasury", "board", "salma", "omar", "nobody"]), max_size=3).map(
        tuple
    ),
    quorum=st.integers(-1, 4),
)
any_authority = st.builds(
    Authority,
    directory=st.sets(st.sampled_from(sorted(PEOPLE)), max_size=3).map(lambda gone: without(*gone)),
    terms=st.lists(any_terms, max_size=2).map(tuple),
    owners=st.sets(st.sampled_from(EVERYBODY), max_size=2).map(frozenset),
    denied=st.booleans(),
)


@settings(deadline=None)
@given(of=any_authority, more=any_terms, people=st.lists(st.sampled_from(EVERYBODY), max_size=6))
def test_further_terms_never_help(of: Authority, more: Terms, people: list[PersonId]) -> None:
    """Adding terms, as a change of the rules does, makes nobody an approver and nothing sufficient."""
    if not of.terms:
        return  # no terms authorise nobody: then any terms are the first
    stricter = replace(of, terms=(*of.terms, more))

    assert stricter.approvers <= of.approvers
    assert stricter.quorum >= of.quorum
    assert of.suffices(people) or not stricter.suffices(people)


@settings(deadline=None)
@given(of=any_authority, person=st.sampled_from(EVERYBODY), people=st.sets(st.sampled_from(EVERYBODY)))
def test_leaving_or_owning_never_helps(of: Authority, person: PersonId, people: set[PersonId]) -> None:
    """Taking somebody out of the directory, or making them an owner, never makes approvals sufficient."""
    left = {id_: who for id_, who in of.directory.people.items() if id_ != person}
    poorer = (
        replace(of, directory=Directory(people=left, teams=of.directory.teams)),
        replace(of, owners=of.owners | {person}),
        replace(of, denied=True),
    )
    for less in poorer:
        assert less.approvers <= of.approvers
        assert of.suffices(people) or not less.suffices(people)


@settings(deadline=None)
@given(of=any_authority, people=st.lists(st.sampled_from(EVERYBODY), max_size=6))
def test_what_suffices_was_given_by_people_without_objection(of: Authority, people: list[PersonId]) -> None:
    """Whatever the terms: enough means at least one different person per seat, each free to decide."""
    free = {person for person in people if of.objection(person) is None}

    if of.suffices(people):
        assert len(free) >= of.quorum >= 1
        assert not free & of.owners


def test_the_table_of_people_and_terms_is_whole() -> None:
    """Of all people and pairs of terms, exactly who is in both and owns nothing has no objection."""
    teams = {
        "treasury": {SALMA, KHALID, NOURA, OWNER},
        "board": {NOURA, OPERATOR},
        "salma": {SALMA},
        "nobody": NOBODY,
    }
    for then, today, person in product(teams, teams, EVERYBODY):
        may = person in teams[then] & teams[today] and person != OWNER
        assert (authority(terms(then), terms(today)).objection(person) is None) is may
