"""A request with what belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from escalation.grant import Grant
from escalation.ports.cards import Card
from escalation.ports.steps import Step
from escalation.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A request with what belongs to it."""

    request: Request
    grant: Grant | None = None
    card: Card | None = None  #: Where it stands in Slack.
    original: Request | None = None  #: The request that this one edits.
    old_card: Card | None = None  #: Of the request that this one edits or asks again.
    new_card: Card | None = None  #: Of the request that took its place.
    steps: Sequence[Step] = ()
