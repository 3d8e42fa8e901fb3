"""Those who may decide and want direct messages get one; all others are mentioned on the card."""

from escalation import notice
from escalation.authority import Notify
from escalation.request import Request
from escalation.service.steps.clerk import Clerk
from escalation.service.steps.judge import authority


async def ask_directly(clerk: Clerk, request: Request) -> None:
    """Have those told who may decide *request* now, did not approve it yet, and want direct messages."""
    configuration = clerk.core.configuration()
    people = configuration.directory.people
    for person in sorted(authority(configuration, request).awaited(request.approved_by)):
        if people[person].notify is Notify.DIRECT:
            await clerk.direct(person, notice.Asked(), request)
