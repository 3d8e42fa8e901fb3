"""What agents and people send to the processes of these tests."""

from itertools import count
from typing import Any

from escalation.authority import Account
from escalation.grant import Claim, Grant, Report, Tell
from escalation.ids import AgentName
from escalation.ports import StoredConfiguration
from escalation.request import Question, Words
from escalation.service.context import Click
from escalation.service.propose import Proposal, Propose
from tests.scenario.agent import POSTING
from tests.scenario.rules import ANDON, Change, changed
from tests.scenario.world import AGENT, PEOPLE

_AGENT = AgentName(AGENT)
_clicks = count(1)

#: Deadlines come when the clock is moved there; and a caller that never tires reaches every cap.
_TIMES = Change(
    ANDON,
    "times:\n",
    "caps: {pending_per_agent: 1000000, pending_per_channel: 1000000, asks_per_person_and_hour: 1000000}\n"
    "times:\n",
)


def configuration(*changes: Change) -> StoredConfiguration:
    """Return the shipped configuration with *changes*, as it is put in force."""
    loaded = changed(_TIMES, *changes)
    return StoredConfiguration(version=loaded.configuration.version, body=loaded.body)


def posting(key: str, **changes: Any) -> Propose:
    """Return a proposal to post something."""
    subject = Proposal(type="ledger.post", arguments={**POSTING, **changes})
    return Propose(agent=_AGENT, key=key, subject=subject, words=Words(summary="Post what is missing"))


def question(key: str, text: str, *options: str) -> Propose:
    """Return a question."""
    asked = Question(text=text, options=options, allow_text=False)
    return Propose(agent=_AGENT, key=key, subject=asked, words=Words())


def click(who: str, what: str = "request:approve") -> Click:
    """Return a click of *who*, as it arrives once verified; each is another one."""
    account = Account("T01ANDON", PEOPLE[who])
    return Click(account=account, fingerprint=f"click-{next(_clicks)}", what=what)


def claiming(grant: Grant, attempt: str) -> Claim:
    """Return what an agent says before it acts."""
    return Claim(agent=_AGENT, digest=grant.digest, attempt=attempt)


def telling(attempt: str, report: Report = Report.SUCCEEDED) -> Tell:
    """Return what an agent says after it acted."""
    return Tell(agent=_AGENT, report=report, attempt=attempt)
