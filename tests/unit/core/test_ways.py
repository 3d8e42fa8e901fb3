"""The ways of an alarm: its own, the operators' channels, then people one by one."""

from dataclasses import replace

from escalation.ids import OutboxId
from escalation.ports import OutboxKind, Outgoing
from escalation.service.steps.ways import is_alarm, ways
from tests.contract import samples
from tests.scenario.rules import shipped


def _alarm(lane: str, kind: OutboxKind = OutboxKind.ALERT) -> Outgoing:
    return replace(samples.outgoing(lane=lane, kind=kind), id=OutboxId("out_1"))


def test_each_way_is_gone_once() -> None:
    """The lane itself, both channels of operators, the owner, then operators; nobody twice."""
    rules = replace(shipped().configuration, alerts_fallback="C06OPS")
    asked = samples.request()
    found = ways(_alarm("C03ALERTS"), asked, rules)
    assert found[:3] == ("C03ALERTS", "C06OPS", "@omar")
    assert set(found[3:]) == {f"@{name}" for name in rules.directory.members(rules.operators)} - {"@omar"}
    assert len(found) == len(set(found))


def test_a_persons_alarm_goes_to_the_channel_next() -> None:
    """What the owner cannot be told directly, operators read where they read all alarms."""
    rules = shipped().configuration
    assert ways(_alarm("@nadia", OutboxKind.DIRECT), None, rules)[:2] == ("@nadia", rules.alerts_channel)


def test_only_so_many_people_are_tried() -> None:
    """An alarm of an installation with a hundred operators is not a hundred messages."""
    rules = shipped().configuration
    everybody = replace(rules, operators=tuple(rules.directory.people))
    assert len(ways(_alarm("C03ALERTS"), None, everybody)) <= 1 + 5


def test_what_has_to_reach_somebody() -> None:
    """Alerts and direct messages are alarms; cards, threads and seals have rules of their own."""
    assert [kind for kind in OutboxKind if is_alarm(_alarm("C1", kind))] == [
        OutboxKind.DIRECT,
        OutboxKind.ALERT,
    ]
