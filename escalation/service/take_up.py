"""What every click about a request goes through: it counts once, and a refusal is on the record."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from escalation.grant import Grant
from escalation.ids import RequestId
from escalation.ports import Transaction
from escalation.reason import Reason, Refused
from escalation.request import Request
from escalation.service.core import Clerk, Click, Clicker, Core, by_person, take_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """It counts."""

    request: Request
    grant: Grant | None = None
    repeated: bool = False  #: This very click was taken before; nothing changed now.


#: How the request is read: as it is, or held so that nobody else changes it meanwhile.
Find: TypeAlias = Callable[[RequestId], Awaitable[Request | None]]
Use: TypeAlias = Callable[[Clerk, Clicker, Request], Awaitable[Decided | Refused]]


async def take_up(
    core: Core, tx: Transaction, click: Click, about: tuple[RequestId, Find], use: Use
) -> Decided | Refused:
    """Take *click* in, find the request it is about, and *use* it for the person who clicked."""
    request_id, find = about
    clicker = await take_in(core, tx, click, request_id)
    if isinstance(clicker, Refused):
        return clicker
    request = await find(request_id)
    unknown = Refused(Reason.UNKNOWN_REQUEST)
    if clicker is None:
        return unknown if request is None else Decided(request=request, repeated=True)
    clerk = by_person(core, tx, clicker.person.id)
    outcome = unknown if request is None else await use(clerk, clicker, request)
    if isinstance(outcome, Refused):
        agent = None if request is None else request.agent
        return await clerk.refuse(outcome, request_id, agent=agent, what=click.what)
    return outcome
