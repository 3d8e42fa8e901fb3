"""Who may decide: approvers, quorum and separation of duties. Empty means nobody; doubt means no."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from escalation.ids import PersonId
from escalation.reason import Reason


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account in the chat: the same user id in another workspace is somebody else."""

    workspace: str  #: Slack's team id, such as ``T01ANDON``.
    user: str  #: Slack's user id, such as ``U01SALMA``.


class Notify(Enum):
    """How a person wants to hear of what they may decide."""

    MENTION = "mention"  #: By their name on the card, in the channel.
    DIRECT = "direct"  #: By a direct message that leads to the card.


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody named in ``andon.yaml``."""

    id: PersonId
    name: str
    accounts: frozenset[Account]  #: All of them are this one person.
    time_zone: str = "UTC"  #: An IANA name.
    notify: Notify = Notify.MENTION

    def account_in(self, workspace: str) -> Account | None:
        """Return the account by which this person is told something in *workspace*; always the same one."""
        there = (account for account in self.accounts if account.workspace == workspace)
        return min(there, key=lambda account: account.user, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """People who stand for each other."""

    name: str
    members: frozenset[PersonId]
    channel: str  #: Where their requests are posted: a Slack channel id.
    user_group: str | None = None  #: The Slack user group that is this team, such as ``S01FINANCE``.


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The people and teams that exist."""

    people: Mapping[PersonId, Person]
    teams: Mapping[str, Team]
    _by_account: Mapping[Account, Person] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        index = {account: person for person in self.people.values() for account in person.accounts}
        object.__setattr__(self, "_by_account", index)

    def whose(self, account: Account) -> Person | None:
        """Return the person behind *account*, or nobody."""
        return self._by_account.get(account)

    def members(self, names: Iterable[str]) -> frozenset[PersonId]:
        """Return everybody behind *names* of teams and people; a name nobody bears adds nobody."""
        found: set[PersonId] = set()
        for name in names:
            if (team := self.teams.get(name)) is not None:
                found |= team.members & self.people.keys()
            elif (person := self.people.get(PersonId(name))) is not None:
                found.add(person.id)
        return frozenset(found)

    def name(self, person: str) -> str:
        """Return what people call *person*; an id nobody bears any more is shown as it is."""
        known = self.people.get(PersonId(person))
        return person if known is None else known.name


class Edits(Enum):
    """What a rule says of a person who changes the arguments: each value is stricter than the one before."""

    AUTHOR_MAY_APPROVE = "author_may_approve"  #: Where one person is enough, and no stricter rule applies.
    ANOTHER_PERSON = "another_person"  #: Whoever wrote the arguments does not approve them.
    FORBIDDEN = "forbidden"  #: Nobody edits it.


_STRICTNESS = tuple(Edits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Who may decide a request and how many of them it takes."""

    approvers: tuple[str, ...]  #: Names of teams and people.
    quorum: int  #: How many different people have to approve; at least 1.
    edits: Edits = Edits.AUTHOR_MAY_APPROVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """
    What authorises a decision on one request, at one moment.

    *terms* holds the terms it was asked under and, where the rules changed since, today's as
    well: a decider has to satisfy all of them, so a change can only make approval harder.
    """

    directory: Directory
    terms: tuple[Terms, ...]
    owners: frozenset[PersonId]  #: Who owned the agent when it asked, and who owns it today.
    denied: bool = False  #: Today's rules deny it outright.
    author: PersonId | None = None  #: Who wrote the arguments, if a person edited them.

    @property
    def quorum(self) -> int:
        """How many different people have to approve."""
        return max((terms.quorum for terms in self.terms), default=1)

    @property
    def approvers(self) -> frozenset[PersonId]:
        """Everybody whose approval counts: in all the terms, no owner, and no author who is barred."""
        # What somebody edited under rules that take no edits today is approved by nobody.
        void = self.author is not None and self.forbids_edits
        return frozenset() if void else self.deciders - {self.barred}

    @property
    def deciders(self) -> frozenset[PersonId]:
        """Everybody who may decide one way or the other: in all the terms, and no owner."""
        if not self.terms:
            return frozenset()
        everybody = (self.directory.members(terms.approvers) for terms in self.terms)
        return frozenset.intersection(*everybody) - self.owners

    @property
    def counts_author(self) -> bool:
        """Whether somebody who edits the arguments may approve them as well."""
        return self.quorum == 1 and self.edits is Edits.AUTHOR_MAY_APPROVE

    @property
    def barred(self) -> PersonId | None:
        """The author of the arguments, where somebody else has to approve them."""
        return None if self.counts_author else self.author

    @property
    def forbids_edits(self) -> bool:
        """Whether nobody may change the arguments."""
        return self.edits is Edits.FORBIDDEN

    @property
    def edits(self) -> Edits:
        """What is said of edits, by the strictest of the terms."""
        said = (terms.edits for terms in self.terms)
        return max(said, key=_STRICTNESS.index, default=Edits.FORBIDDEN)

    def objection(self, person: PersonId, *, to_reject: bool = False) -> Reason | None:
        """Return why *person* may not decide, or nothing if they may; what is denied may be rejected."""
        if person not in self.directory.people:
            return Reason.UNKNOWN_PERSON
        if person in self.owners:
            return Reason.OWNER_MAY_NOT_DECIDE
        if person not in self.deciders:
            return Reason.NOT_AN_APPROVER
        return Reason.RULES_CHANGED if self.denied and not to_reject else None

    def awaited(self, approved_by: Iterable[PersonId]) -> frozenset[PersonId]:
        """Return who may decide and has not approved yet: nobody counts twice."""
        return self.approvers - frozenset(approved_by)

    def suffices(self, people: Iterable[PersonId]) -> bool:
        """Return whether the approvals of *people* are enough, as things stand now."""
        return not self.denied and self.missing(people) == 0

    def missing(self, people: Iterable[PersonId]) -> int:
        """Return how many approvals are missing beside those of *people*, as things stand now."""
        if not self.terms or any(terms.quorum < 1 for terms in self.terms):
            return 1  # Nobody can tell how many would do, so none do.
        return max(0, self.quorum - len(frozenset(people) & self.approvers))


def terms_after_edit(directory: Directory, before: Terms, after: Terms) -> Terms:
    """
    Return *after*, the terms that a rule gives a request whose arguments a person changed.

    Under a stricter rule than *before* the author does not approve: an edit must not be a way to
    take part in a decision that the agent's own proposal would have put to others.
    """
    edits = max(before.edits, after.edits, key=_STRICTNESS.index)
    fewer = not directory.members(before.approvers) <= directory.members(after.approvers)
    if edits is Edits.AUTHOR_MAY_APPROVE and (fewer or after.quorum > before.quorum):
        edits = Edits.ANOTHER_PERSON
    return replace(after, edits=edits)
