"""What the core needs from outside: a store, a courier, wake-ups and a place to break on purpose."""

from escalation.ports.cards import Card, Cards
from escalation.ports.configurations import Adopt, Configurations, StoredConfiguration
from escalation.ports.courier import Courier, Delivered, Delivery, Impossible, TryLater, Unposted
from escalation.ports.dossier import Dossier
from escalation.ports.fence import Fence, InForce
from escalation.ports.grants import Grants
from escalation.ports.heads import Heads, Nowhere
from escalation.ports.inbox import Inbox, Ingress
from escalation.ports.keys import Key, Keys
from escalation.ports.kills import Kills, never
from escalation.ports.outbox import Again, Doubt, Folded, Outbox, OutboxKind, Outgoing, Turn
from escalation.ports.record import Record
from escalation.ports.requests import Asked, Page, Pending, Requests
from escalation.ports.retention import Looked, Place, Removed, Retention
from escalation.ports.set_aside import Aside, SetAside, Unreadables
from escalation.ports.steps import Step, Steps
from escalation.ports.store import Store, Transaction, UseCase
from escalation.ports.sweeps import Sweep, Sweeps
from escalation.ports.switches import Switches
from escalation.ports.wakeups import Topic, Waiter, Wakeups

__all__ = [
    "Adopt",
    "Again",
    "Aside",
    "Asked",
    "Card",
    "Cards",
    "Configurations",
    "Courier",
    "Delivered",
    "Delivery",
    "Dossier",
    "Doubt",
    "Fence",
    "Folded",
    "Grants",
    "Heads",
    "Impossible",
    "InForce",
    "Inbox",
    "Ingress",
    "Key",
    "Keys",
    "Kills",
    "Looked",
    "Nowhere",
    "Outbox",
    "OutboxKind",
    "Outgoing",
    "Page",
    "Pending",
    "Place",
    "Record",
    "Removed",
    "Requests",
    "Retention",
    "SetAside",
    "Step",
    "Steps",
    "Store",
    "StoredConfiguration",
    "Sweep",
    "Sweeps",
    "Switches",
    "Topic",
    "Transaction",
    "TryLater",
    "Turn",
    "Unposted",
    "Unreadables",
    "UseCase",
    "Waiter",
    "Wakeups",
    "never",
]
