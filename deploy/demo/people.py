"""The people, channels and keys of the Slack that Andon's demo and browser tests run in."""

from dataclasses import dataclass
from typing import Final

TEAM_ID: Final = "T01ANDON"
APP_ID: Final = "A01ANDON"
BOT_USER_ID: Final = "U0ANDON"

# Keys to nothing: they open a Slack that lives in one process on this machine and ends with it.
BOT_TOKEN: Final = "xoxb-local-andon"  # noqa: S105
APP_TOKEN: Final = "xapp-local-andon"  # noqa: S105
SIGNING_SECRET: Final = "local-andon-signing-secret"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in the workspace, as Slack's `users.info` tells it."""

    id: str
    name: str
    real_name: str
    email: str
    tz: str = "Asia/Muscat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel and who is in it; the bot is a member of every one."""

    id: str
    name: str
    purpose: str
    members: tuple[Person, ...]


def _person(person_id: str, real_name: str) -> Person:
    name = real_name.split(maxsplit=1)[0].lower()
    return Person(id=person_id, name=name, real_name=real_name, email=f"{name}@andon.example")


SALMA: Final = _person("U01SALMA", "Salma Al Harthi")  # finance manager
KHALID: Final = _person("U02KHALID", "Khalid Al Balushi")  # finance manager
MARYAM: Final = _person("U03MARYAM", "Maryam Al Lawati")  # director
YUSUF: Final = _person("U04YUSUF", "Yusuf Al Riyami")  # director
NADIA: Final = _person("U05NADIA", "Nadia Al Kindi")  # owner of the agent, operator
OMAR: Final = _person("U06OMAR", "Omar Al Saidi")  # in the workspace, on nobody's list

PEOPLE: Final = (SALMA, KHALID, MARYAM, YUSUF, NADIA, OMAR)

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
