"""The agents' API's reference: what it shows is accepted, and what agents are told has its line."""

import json
import re
from datetime import date

from pydantic import TypeAdapter

from bot.api import models, problems
from bot.config import load
from escalation.ids import AgentName
from escalation.reason import Reason, Refused
from escalation.request import State
from tests.unit.house.repository import ROOT

PAGE = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
PROPOSAL, QUESTION, ANSWER = re.findall(r"(?ms)^```json\n(.+?)^```$", PAGE)
REQUEST: TypeAdapter[models.ProposalIn | models.QuestionIn] = TypeAdapter(models.RequestIn)


def test_what_the_page_sends_is_accepted() -> None:
    """Its proposal fits the shipped manifest, and its question the door."""
    proposal = REQUEST.validate_python(json.loads(PROPOSAL))
    assert isinstance(proposal, models.ProposalIn)
    agents = load(ROOT / "andon.yaml", today=date(2026, 11, 21)).configuration.agents
    action = agents[AgentName("bank-reconciliation")].actions[proposal.action.type]

    assert action.misfit(proposal.action.arguments) is None
    assert isinstance(REQUEST.validate_python(json.loads(QUESTION)), models.QuestionIn)


def test_what_the_page_hears_is_what_is_said() -> None:
    """Its answer has the members of an answer, in their order."""
    assert list(json.loads(ANSWER)) == list(models.RequestOut.model_fields)


def test_every_state_and_every_problem_has_its_line() -> None:
    """Whatever an agent can be told of its request, or of its call, stands in a table."""
    names = set(re.findall(r"`([a-z_-]+)`", "".join(line for line in PAGE.splitlines() if line[:1] == "|")))
    told = {problems.problem(Refused(reason)).name for reason in Reason} - {"refused"}

    assert {state.value for state in State} | told <= names
