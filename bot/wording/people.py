"""People in a sentence."""

from collections.abc import Collection

from escalation.authority import Directory
from escalation.ids import PersonId

_NAMED = 6


def up_to(directory: Directory, people: Collection[PersonId]) -> str:
    """Return whom to turn to, as a sentence; nothing if there is nobody."""
    named = sorted(directory.name(person) for person in people)
    more = f" or {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"It is up to: {', '.join(named[:_NAMED])}{more}." if named else ""
