"""One commit in a database: the tables that a use case reads and writes."""

from datetime import datetime

from escalation.store.cards import SqlCards
from escalation.store.configurations import SqlConfigurations
from escalation.store.fence import SqlFence
from escalation.store.grants import SqlGrants
from escalation.store.inbox import SqlInbox
from escalation.store.keys import SqlKeys
from escalation.store.outbox import SqlOutbox
from escalation.store.part import Part
from escalation.store.record import SqlRecord
from escalation.store.requests import SqlRequests
from escalation.store.retention import SqlRetention
from escalation.store.session import Session
from escalation.store.set_aside import SqlSetAside
from escalation.store.steps import SqlSteps
from escalation.store.sweeps import SqlSweeps
from escalation.store.switches import SqlSwitches


class SqlTransaction:
    """The tables of one session."""

    requests = Part(SqlRequests)
    grants = Part(SqlGrants)
    switches = Part(SqlSwitches)
    sweeps = Part(SqlSweeps)
    outbox = Part(SqlOutbox)
    cards = Part(SqlCards)
    inbox = Part(SqlInbox)
    steps = Part(SqlSteps)
    keys = Part(SqlKeys)
    record = Part(SqlRecord)
    configurations = Part(SqlConfigurations)
    fence = Part(SqlFence)
    set_aside = Part(SqlSetAside)
    retention = Part(SqlRetention)

    def __init__(self, session: Session) -> None:
        self.source = session

    @property
    def now(self) -> datetime:
        """The instant of this transaction; later where it had to wait for another one."""
        return self.source.now
