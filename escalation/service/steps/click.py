"""A click is stored once and counts once; a refusal of it is on the record."""

# Every call makes its use case anew; evaluating the annotations costs more than that.
from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from escalation.authority import Person
from escalation.ids import IngressId, RequestId
from escalation.ports import Ingress, Transaction, UseCase
from escalation.reason import Reason, Refused
from escalation.request import Request
from escalation.service.context import Click, Core, Counted
from escalation.service.steps.clerk import Clerk, by_person
from escalation.service.steps.fence import by_the_one_in_force


@dataclass(frozen=True, slots=True)
class Clicker:
    """The person behind a click that is stored and counts."""

    person: Person
    ingress: IngressId


#: How the request is read: as it is, or locked so that nobody else changes it meanwhile.
Find: TypeAlias = Callable[[Core, Transaction, RequestId], Awaitable[Request | None]]
Use: TypeAlias = Callable[[Clerk, Clicker, Request], Awaitable[Counted | Refused]]


async def take_in(
    core: Core, tx: Transaction, click: Click, subject: str, *, typed: str = ""
) -> Clicker | Refused | None:
    """Store *click* and return who clicked; nothing if this very click was stored before.

    An account that belongs to nobody is refused, and that is on the record. *subject* stands there in
    clear: what somebody *typed* must not be in it.
    """
    person = core.configuration().directory.whose(click.account)
    ingress = Ingress(
        id=IngressId(core.ids.new("ing")),
        fingerprint=click.fingerprint,
        person=None if person is None else person.id,
        what=click.what,
        at=tx.now,
    )
    if not await tx.inbox.add(ingress):
        return None
    if person is None:
        stranger = f"account:{click.account.workspace}/{click.account.user}"
        clerk = Clerk(core=core, tx=tx, actor=stranger)
        return await clerk.refuse(Refused(Reason.UNKNOWN_PERSON, typed), subject, what=click.what)
    return Clicker(person, ingress.id)


async def read(_: Core, tx: Transaction, request_id: RequestId) -> Request | None:
    """Find the request as it is: the use case locks it later, after the switches."""
    return await tx.requests.get(request_id)


async def use_click(
    core: Core, click: Click, request_id: RequestId, *, find: Find, use: Use
) -> Counted | Refused:
    """Take *click* in, *find* the request it is about, and *use* it for the person who clicked."""

    def begin(core: Core) -> UseCase[Counted | Refused]:
        async def in_transaction(tx: Transaction) -> Counted | Refused:
            clicker = await take_in(core, tx, click, request_id)
            if isinstance(clicker, Refused):
                return clicker
            request = await find(core, tx, request_id)
            unknown = Refused(Reason.UNKNOWN_REQUEST)
            if clicker is None:
                return unknown if request is None else Counted(request=request, repeated=True)
            clerk = by_person(core, tx, clicker.person.id)
            outcome = unknown if request is None else await use(clerk, clicker, request)
            if isinstance(outcome, Refused):
                agent = None if request is None else request.agent
                return await clerk.refuse(outcome, request_id, agent=agent, what=click.what)
            return outcome

        return in_transaction

    return await by_the_one_in_force(core, begin, touches=(request_id, click.fingerprint))
