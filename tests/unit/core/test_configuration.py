"""What can be stopped and where people are asked, as the configuration says."""

from datetime import timedelta

import pytest

from escalation.authority import Terms
from escalation.calendar import ALWAYS_OPEN
from escalation.configuration import ActionType, Agent, Configuration, Times
from escalation.ids import AgentName
from escalation.policy import Policy
from escalation.switch import scope
from tests.unit.core.kit import BANK, DIRECTORY, NOURA, OTHER_AGENT, OWNER, terms


def action_type(name: str) -> ActionType:
    return ActionType(
        type=name,
        schema={},
        misfit=lambda _: None,
        reversible=True,
        display=(),
        redact=frozenset(),
        policy=Policy(rules=()),
    )


def agent(name: AgentName, function: str, *types: str) -> Agent:
    return Agent(
        name=name,
        function=function,
        owner=OWNER,
        backup=NOURA,
        runbook="bank",
        runbook_url=None,
        actions={type_: action_type(type_) for type_ in types},
        questions=terms("treasury"),
        questions_channel=None,
    )


def configuration(*agents: Agent) -> Configuration:
    return Configuration(
        version="v1",
        tenant="T01",
        directory=DIRECTORY,
        operators=("fahad",),
        agents={one.name: one for one in agents},
        alerts_channel="C_ALERTS",
        audit_channel=None,
        times=Times(),
    )


def test_everything_that_is_named_can_be_stopped() -> None:
    """There is a switch for all, for each agent, each function and each type of action, and no other."""
    two = configuration(
        agent(BANK, "finance", "ledger.post", "ledger.match"), agent(OTHER_AGENT, "finance", "mail.send")
    )

    assert two.scopes() == {
        scope(text)
        for text in (
            "all",
            "function:finance",
            "agent:bank-reconciliation",
            "agent:invoice-chaser",
            "action:ledger.post",
            "action:ledger.match",
            "action:mail.send",
        )
    }


def test_all_can_be_stopped_before_there_is_any_agent() -> None:
    """The widest stop does not depend on what is configured."""
    assert configuration().scopes() == {scope("all")}


@pytest.mark.parametrize(
    ("asked", "channel"),
    [
        (terms("treasury"), "C_TREASURY"),
        (terms("board", "treasury"), "C_BOARD"),
        (terms("salma", "board"), "C_BOARD"),  # people have no channel; the first team does
        (terms("salma"), "C_ALERTS"),
        (terms("nobody-we-know"), "C_ALERTS"),
        (terms(), "C_ALERTS"),
    ],
)
def test_people_are_asked_where_their_first_team_is(asked: Terms, channel: str) -> None:
    """A request never lacks a place: without a team it is asked in the alerts channel."""
    assert configuration().channel_of(asked) == channel


def test_times_are_bounded_where_nobody_sets_them() -> None:
    """Without a word about times: 15 minutes to decide, 10 to claim, 10 to report, around the clock."""
    plain = configuration()

    assert plain.times == Times(
        sla=timedelta(minutes=15), grant=timedelta(minutes=10), report=timedelta(minutes=10)
    )
    assert plain.calendar is ALWAYS_OPEN
