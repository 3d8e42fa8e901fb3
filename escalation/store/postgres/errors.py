"""What goes wrong in PostgreSQL, or on the way to it, as errors of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from escalation.errors import StatementRefused, StoreError, StoreUnavailable

#: SQLSTATEs of a transaction that PostgreSQL rolled back to let another one through: a deadlock and the like.
_ROLLED_BACK = "40"
#: SQLSTATEs of a statement that met somebody else's: a lock, its time limit.
_MET_OTHERS = ("55P03", "57014")
#: SQLSTATE classes that tell of values that the database does not take, not of a database that is away.
_OUR_MISTAKES = frozenset({"22", "23"})
#: Of a statement that it does not take whatever its values: a table, a column or a right is missing.
_NOT_THE_VALUES = "42"


class MetOthers(StoreUnavailable):
    """Others held what a statement needed, for too long or in a circle. The connection is sound."""


class Deadlocked(MetOthers):
    """PostgreSQL rolled this transaction back to resolve a deadlock: the others go on, and a retry may."""


class CommitUnknown(StoreUnavailable):
    """The connection was lost during the commit: whether it took effect is not known."""


@contextmanager
def our_errors() -> Iterator[None]:
    """Raise what goes wrong in PostgreSQL, or on the way to it, as errors of ours."""
    try:
        yield
    except asyncpg.PostgresError as error:
        text = f"PostgreSQL: {type(error).__name__}: {error.args[0] if error.args else ''}"
        if (error.sqlstate or "")[:2] in _OUR_MISTAKES:
            raise StoreError(text) from error
        if (error.sqlstate or "").startswith(_NOT_THE_VALUES):
            raise StatementRefused(text) from error
        if (error.sqlstate or "").startswith(_ROLLED_BACK):
            raise Deadlocked(text) from error
        if (error.sqlstate or "").startswith(_MET_OTHERS):
            raise MetOthers(text) from error
        raise StoreUnavailable(text) from error
    except (asyncpg.DataError, UnicodeError, OverflowError) as error:
        raise StoreError(f"PostgreSQL refused a value: {error}") from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise StoreUnavailable(f"PostgreSQL: {error}") from error
    except TimeoutError as error:
        raise StoreUnavailable("PostgreSQL did not answer in time") from error
    except OSError as error:
        raise StoreUnavailable(f"PostgreSQL cannot be reached: {error.strerror or error}") from error
