"""One commit in a database."""

from datetime import datetime

from escalation.store.aside import SqlCards, SqlConfigurations, SqlInbox, SqlKeys, SqlSteps
from escalation.store.grants import SqlGrants
from escalation.store.outbox import SqlOutbox
from escalation.store.record import SqlRecord
from escalation.store.requests import SqlRequests
from escalation.store.session import Session
from escalation.store.switches import SqlSwitches


class SqlTransaction:
    """The tables of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.requests = SqlRequests(session)
        self.grants = SqlGrants(session)
        self.switches = SqlSwitches(session)
        self.outbox = SqlOutbox(session)
        self.cards = SqlCards(session)
        self.inbox = SqlInbox(session)
        self.steps = SqlSteps(session)
        self.keys = SqlKeys(session)
        self.record = SqlRecord(session)
        self.configurations = SqlConfigurations(session)

    @property
    def now(self) -> datetime:
        """The instant of this transaction; later where it had to wait for another one."""
        return self._session.now
