"""What the core needs from outside: a store, a courier, wake-ups and a place to break on purpose."""

from escalation.ports.cards import Card, Cards
from escalation.ports.configurations import Configurations
from escalation.ports.courier import Courier, Delivered, Delivery, Impossible, TryLater
from escalation.ports.dossier import Dossier
from escalation.ports.grants import Grants
from escalation.ports.inbox import Inbox, Ingress
from escalation.ports.keys import Key, Keys
from escalation.ports.kills import Kills, never
from escalation.ports.outbox import Outbox, OutboxKind, Outgoing
from escalation.ports.record import Record
from escalation.ports.requests import Page, Requests
from escalation.ports.set_aside import Aside, SetAside, Unreadables
from escalation.ports.steps import Step, Steps
from escalation.ports.store import Store, Transaction, UseCase
from escalation.ports.switches import Switches
from escalation.ports.wakeups import Topic, Waiter, Wakeups

__all__ = [
    "Aside",
    "Card",
    "Cards",
    "Configurations",
    "Courier",
    "Delivered",
    "Delivery",
    "Dossier",
    "Grants",
    "Impossible",
    "Inbox",
    "Ingress",
    "Key",
    "Keys",
    "Kills",
    "Outbox",
    "OutboxKind",
    "Outgoing",
    "Page",
    "Record",
    "Requests",
    "SetAside",
    "Step",
    "Steps",
    "Store",
    "Switches",
    "Topic",
    "Transaction",
    "TryLater",
    "Unreadables",
    "UseCase",
    "Waiter",
    "Wakeups",
    "never",
]
