"""The people in the Slack that Andon's demo and browser tests run in."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in the workspace, as Slack's `users.info` tells it."""

    id: str
    name: str
    real_name: str
    email: str
    tz: str = "Asia/Muscat"


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
