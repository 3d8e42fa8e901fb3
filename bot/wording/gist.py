"""A request in one line: the beginning of what is asked."""

from bot.wording.arguments import merge_empty, rows
from bot.wording.text import cut, plain
from bot.wording.view import View
from escalation.request import Question


def gist(view: View, *, of: int = 4) -> str:
    """Return the beginning of what is asked, the first *of* values, as plain text nobody has escaped."""
    subject = view.request.subject
    if isinstance(subject, Question):
        return plain(subject.text, 300)
    every = merge_empty(rows(view))
    first = ", ".join(f"{cut(row.label, 40)} {cut(row.value, 60)}" for row in every[:of])
    more = len(every) - of
    return (
        f"{first} and {more} more {'value' if more == 1 else 'values'}"
        if more > 0
        else first or "no arguments"
    )
