"""Which ways an alarm goes, one after the other, until it has reached somebody."""

from escalation.configuration import Configuration
from escalation.ports import OutboxKind, Outgoing
from escalation.request import Request

#: Operators who are tried one by one; there may be hundreds, and the alarm is one.
_OPERATORS = 5


def is_alarm(outgoing: Outgoing) -> bool:
    """Return whether somebody has to be reached with *outgoing*, whoever it was meant for."""
    return outgoing.kind in {OutboxKind.ALERT, OutboxKind.DIRECT}


def ways(outgoing: Outgoing, request: Request | None, configuration: Configuration) -> tuple[str, ...]:
    """Return the lanes of an alarm about *request*: its own, the operators' channels, then people."""
    spare = configuration.alerts_fallback
    channels = (configuration.alerts_channel, *([] if spare is None else [spare]))
    owner = () if request is None else (request.owner,)
    operators = sorted(configuration.directory.members(configuration.operators))[:_OPERATORS]
    people = (f"@{person}" for person in (*owner, *operators))
    return tuple(dict.fromkeys((outgoing.lane, *channels, *people)))
