"""Instants of PostgreSQL: one that no ``datetime`` can tell must not fail the rows around it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from escalation.store.reading import Damaged

#: What PostgreSQL counts microseconds from.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


async def tolerated(connection: Any) -> Any:
    """Return *connection* once it decodes every instant, as ``Damaged`` where there is no other way."""
    try:
        await connection.set_type_codec(
            "timestamptz", schema="pg_catalog", encoder=_encoded, decoder=_decoded, format="tuple"
        )
    except BaseException:
        connection.terminate()
        raise
    return connection


def _encoded(at: datetime) -> tuple[int]:
    return ((at - _EPOCH) // _MICROSECOND,)


def _decoded(stored: tuple[int]) -> datetime | Damaged:
    try:
        return _EPOCH + timedelta(microseconds=stored[0])
    except OverflowError:
        return Damaged(stored[0])
