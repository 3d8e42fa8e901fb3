"""One commit in memory: the tables that a use case reads and writes."""

from datetime import datetime

from escalation.store.memory.cards import MemoryCards
from escalation.store.memory.configurations import MemoryConfigurations
from escalation.store.memory.fence import MemoryFence
from escalation.store.memory.grants import MemoryGrants
from escalation.store.memory.inbox import MemoryInbox
from escalation.store.memory.keys import MemoryKeys
from escalation.store.memory.outbox import MemoryOutbox
from escalation.store.memory.record import MemoryRecord
from escalation.store.memory.requests import MemoryRequests
from escalation.store.memory.retention import MemoryRetention
from escalation.store.memory.set_aside import MemorySetAside
from escalation.store.memory.steps import MemorySteps
from escalation.store.memory.sweeps import MemorySweeps
from escalation.store.memory.switches import MemorySwitches
from escalation.store.memory.view import View
from escalation.store.part import Part


class MemoryTransaction:
    """The tables of one view."""

    requests = Part(MemoryRequests)
    grants = Part(MemoryGrants)
    switches = Part(MemorySwitches)
    sweeps = Part(MemorySweeps)
    outbox = Part(MemoryOutbox)
    cards = Part(MemoryCards)
    inbox = Part(MemoryInbox)
    steps = Part(MemorySteps)
    keys = Part(MemoryKeys)
    record = Part(MemoryRecord)
    configurations = Part(MemoryConfigurations)
    fence = Part(MemoryFence)
    set_aside = Part(MemorySetAside)
    retention = Part(MemoryRetention)

    def __init__(self, view: View, now: datetime) -> None:
        self.source = view
        self.now = now
