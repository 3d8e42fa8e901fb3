"""The channels of the Slack that Andon's demo and browser tests run in."""

from dataclasses import dataclass
from typing import Final

from deploy.demo.people import KHALID, MARYAM, NADIA, PEOPLE, SALMA, YUSUF, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel and who is in it; the bot is a member of every one."""

    id: str
    name: str
    purpose: str
    members: tuple[Person, ...]


FINANCE: Final = Channel(
    id="C01FINANCE",
    name="finance",
    purpose="Requests that finance managers decide",
    members=(SALMA, KHALID, MARYAM, NADIA),
)
DIRECTORS: Final = Channel(
    id="C02DIRECT",
    name="directors",
    purpose="Requests that directors decide",
    members=(MARYAM, YUSUF, NADIA),
)
ALERTS: Final = Channel(
    id="C03ALERTS",
    name="andon-alerts",
    purpose="What Andon wants its operators to know",
    members=(NADIA, MARYAM, YUSUF),
)
GENERAL: Final = Channel(id="C04GENERAL", name="general", purpose="Everybody", members=PEOPLE)

CHANNELS: Final = (FINANCE, DIRECTORS, ALERTS, GENERAL)
