"""The card in one escaped paragraph, for notifications and screen readers."""

from dataclasses import replace

from bot.slack.render.block_kit.mrkdwn import escaped, mrkdwn
from bot.slack.render.parts.facts import undone
from bot.slack.render.parts.outcome import sentence
from bot.slack.render.parts.people import person
from bot.wording.arguments import hidden_texts, merge_empty, redacted, rows
from bot.wording.states import TITLES
from bot.wording.text import cut, plain
from bot.wording.times import Times
from bot.wording.view import View
from escalation.request import Question


def summary(view: View) -> str:
    """Return the card in one escaped paragraph, for notifications and screen readers."""
    request = view.request
    about = mrkdwn(view.title)
    if request.state.is_settled:
        ended = sentence(replace(view, writes_times=Times))
        return cut(f"{TITLES[request.state]}: {about}. {ended}".replace("*", ""), 2900)
    due = view.times.with_span(request.deadline)
    asked = _question(request.subject) if isinstance(request.subject, Question) else _values(view)
    said = redacted(request.words.summary, hidden_texts(view))
    parts = [
        f"A {about}: {asked}" if isinstance(request.subject, Question) else f"{about} — approve? {asked}.",
        f"Edited by {person(view, view.edited.by)}." if view.edited is not None else "",
        undone(view).replace("*", ""),
        f"Decide by {due}, or nothing is done.",
        f"{mrkdwn(request.agent)} says: “{escaped(plain(said, 300))}”" if said.strip() else "",
    ]
    return cut(" ".join(part for part in parts if part), 2900)


def _question(question: Question) -> str:
    return escaped(plain(question.text, 500))


def _values(view: View) -> str:
    every = merge_empty(rows(view))
    shown = ", ".join(escaped(f"{cut(row.label, 80)} {cut(row.value, 80)}") for row in every[:8])
    return f"{shown} and {len(every) - 8} more values" if len(every) > 8 else shown or "no arguments"
