"""A switch is pulled: saved, marked for the sweep, recorded and told."""

from escalation import notice
from escalation import switch as switches
from escalation.audit import EventName
from escalation.commitment import written
from escalation.ids import PersonId
from escalation.ports import Sweep
from escalation.reason import Refused
from escalation.service.steps.clerk import Clerk
from escalation.switch import Stop, Switch


async def pull(clerk: Clerk, by: PersonId, switch: Switch, reason: str) -> Switch | Refused:
    """Stop what *switch*, which is held locked, covers; return it stopped."""
    scope, tx = str(switch.scope), clerk.tx
    outcome = switches.pull(switch, Stop(by=by, at=tx.now, reason=reason))
    if isinstance(outcome, Refused):
        return outcome
    await tx.switches.save(outcome.switch)
    await tx.sweeps.add(Sweep(scope=switch.scope, version=outcome.switch.version))
    await clerk.record(EventName.SWITCH_STOPPED, scope, reason=written(reason))
    await clerk.alert(notice.Stopped(scope=scope, by=by, reason=reason))
    return outcome.switch
