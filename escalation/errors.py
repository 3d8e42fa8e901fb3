"""
What can go wrong on our side.

    EscalationError
    ├── InvalidAction          the action cannot be put into canonical form (path, problem)
    ├── InvalidConfiguration   something we were told makes no sense (problem)
    ├── RecordBroken           the audit record does not verify
    ├── HeadUnknown            the head kept outside is missing, unreadable, or of another database
    └── StoreError
        ├── StoreUnavailable   the database is away, locked, full or read-only; nothing was changed
        ├── NotInForce         this process works by another configuration than the one in force
        ├── StatementRefused   the database takes a statement with no values: a table or a right is missing
        ├── SchemaMismatch     the database's schema is behind or ahead of this program
        ├── Unreadable         one row cannot be read by this version, or is set aside (kind, id, why)
        └── AlreadyServed      another process serves this SQLite file

A person's or an agent's mistake is no exception: it is a ``Refused`` with a ``Reason``.
"""

from traceback import extract_tb


class EscalationError(Exception):
    """The root of every error this package raises."""


class InvalidAction(EscalationError):
    """The action cannot be put into canonical form."""

    def __init__(self, problem: str, *, path: str = "$") -> None:
        super().__init__(f"{path}: {problem}")
        self.problem = problem
        self.path = path


class InvalidConfiguration(EscalationError):
    """A rule, scope or setting that makes no sense."""


class RecordBroken(EscalationError):
    """The audit record does not verify."""


class HeadUnknown(EscalationError):
    """The head of the record that is kept outside is missing, cannot be read or written, or is another's."""


class StoreError(EscalationError):
    """The database did not do what it was asked."""


class StoreUnavailable(StoreError):
    """The database is away, locked, full or read-only; nothing was changed.

    Unless it went away during the very commit: then the message says that this is not known, and
    a retry with the same idempotency key finds out.
    """


class StatementRefused(StoreError):
    """The database refuses a statement whatever its values: a table, a column or a right is missing."""


class NotInForce(StoreError):
    """This process works by another configuration than the one in force, and cannot load that one."""


class SchemaMismatch(StoreError):
    """The database's schema is behind or ahead of this program."""


class Unreadable(StoreError):
    """
    One row cannot be read by this version, or is set aside until an operator released it.

    *kind* is its table, *id* its key there. *why* names what is wrong, and never what stands in it.
    """

    def __init__(self, kind: str, id_: str, why: str) -> None:
        super().__init__(f"{kind} {id_} cannot be read: {why}")
        self.kind = kind
        self.id = id_
        self.why = why


class AlreadyServed(StoreError):
    """Another process serves this SQLite file."""


def places(error: BaseException) -> list[str]:
    """Return the innermost places that *error* came through, for a log that must not quote its message."""
    return [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)[-3:]]
