"""Cards and notices look as they did when somebody last looked at them.

``ANDON_SNAPSHOTS=write`` draws them anew; the difference is then for a person to read.
"""

import json
import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from bot.slack.render import notices, private_replies
from bot.slack.render.block_kit.blocks import Block, Message
from bot.slack.render.block_kit.dates import SlackDates
from bot.slack.render.card import card
from bot.slack.render.modals import deciding, edit
from bot.wording.view import Edited
from escalation import notice
from escalation.authority import Terms
from escalation.request import State, Verdict
from tests.harness.views import (
    ARGUMENTS,
    DIRECTORY,
    KHALID,
    NOON,
    SALMA,
    action_type,
    agent,
    decision,
    grant,
    question,
    request,
    view,
)

SHELF = Path(__file__).parent / "snapshots"
APPROVED = (decision(SALMA, Verdict.APPROVE),)


def _notice(shown: notice.Notice) -> Message:
    return notices.message(shown, notices.Surroundings(directory=DIRECTORY, times=view().times, view=view()))


PICTURES: Mapping[str, Callable[[], Message | Block]] = {
    "proposal": lambda: card(view()),
    "proposal-in-slack-dates": lambda: card(view(writes_times=SlackDates)),
    "proposal-hidden": lambda: card(view(agent=agent(action_type(redact=frozenset({"memo"}))))),
    "proposal-edited": lambda: card(
        view(edited=Edited(arguments={**ARGUMENTS, "amount": "1520.00"}, by=KHALID))
    ),
    "proposal-half-approved": lambda: card(
        view(request(terms=Terms(approvers=("finance",), quorum=2), decisions=APPROVED))
    ),
    "proposal-too-large": lambda: card(view(request({**ARGUMENTS, "memo": "x" * 10_000}))),
    "question": lambda: card(view(question("PO-77", "PO-78", allow_text=True))),
    "approved": lambda: card(
        view(request(state=State.APPROVED, settled_at=NOON, decisions=APPROVED), grant=grant())
    ),
    "timed-out": lambda: card(view(request(state=State.TIMED_OUT, settled_at=NOON + timedelta(minutes=15)))),
    "full": lambda: deciding.full(view()),
    "edit": lambda: edit.edit(view()),
    "reject": lambda: deciding.reject(view()),
    "answer": lambda: deciding.answer(view(question("PO-77", "PO-78", allow_text=True))),
    "alert-unknown": lambda: _notice(notice.EffectUnknown(grant="grt_1")),
    "alert-timed-out": lambda: _notice(notice.Unanswered(state="timed_out", why="nobody decided in time")),
    "help": private_replies.help_,
}


@pytest.mark.parametrize("name", PICTURES)
def test_it_looks_as_it_did(name: str) -> None:
    """What is drawn is what was last looked at."""
    drawn = PICTURES[name]()
    found = {"text": drawn.text, "blocks": drawn.blocks} if isinstance(drawn, Message) else drawn
    text = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    path = SHELF / f"{name}.json"
    if os.environ.get("ANDON_SNAPSHOTS") == "write":
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_no_picture_is_left_over() -> None:
    """Every file on the shelf belongs to a picture that is still drawn."""
    assert {path.stem for path in SHELF.glob("*.json")} == set(PICTURES)
