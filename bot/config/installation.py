"""What ``andon.yaml`` may say: who is who in this workspace, where to ask, and how long things take."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from bot.config.field_types import (
    Cap,
    ChannelId,
    Given,
    Name,
    Short,
    Sla,
    Term,
    Text,
    TimeZone,
    UserGroupId,
    UserId,
    WorkspaceId,
    choice,
)
from bot.config.shape import Shape, wrong

_EMPTY_IS_NOBODY = "; empty means nobody"


def _link(url: str) -> str:
    if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise wrong("is no https address")
    if url.count("{name}") != 1 or "{" in url.replace("{name}", ""):
        raise wrong("does not say once where the runbook's name goes")
    return url


class PersonShape(Shape):
    """One of the people."""

    name: Text = Field(description="the name that colleagues know, such as Salma Al Harthi")
    slack: list[UserId] = Field(
        min_length=1, description="the Slack ids of this person, such as [U01SALMA]" + _EMPTY_IS_NOBODY
    )
    time_zone: TimeZone = Field(default="UTC", description="a time zone of IANA's, such as Asia/Muscat")
    notify: Annotated[str, choice("mention", "direct")] = Field(
        default="mention",
        description="mention to be named on cards, or direct to get a direct message that leads to them",
    )

    unbuilt: ClassVar[Mapping[str, str]] = {
        "delegate": "name a second approver in the team",
        "leave": "take people on leave out of their teams",
        "email": "remove it; people are told in Slack",
    }


class TeamShape(Shape):
    """People who stand for each other."""

    members: list[Name] = Field(
        min_length=1, description="the names of people, such as [salma, khalid]" + _EMPTY_IS_NOBODY
    )
    channel: ChannelId = Field(
        description="the id of the Slack channel where they are asked, such as C01FINANCE"
    )
    user_group: Annotated[UserGroupId | None, Given] = Field(
        default=None, description="the id of the Slack user group that is this team, such as S01FINANCE"
    )

    unbuilt: ClassVar[Mapping[str, str]] = {
        "calendar": "remove it; the clock runs around the clock",
        "rota": "name the people in `members`",
    }


class AlertsShape(Shape):
    """Where operators are told."""

    channel: ChannelId = Field(description="the id of a Slack channel, such as C03ALERTS")
    fallback: Annotated[ChannelId | None, Given] = Field(
        default=None, description="another channel of operators, such as C06OPS; or leave it out"
    )


class AuditShape(Shape):
    """Where the record is anchored."""

    channel: ChannelId = Field(description="the id of a Slack channel, such as C03ALERTS")
    retention: Annotated[Term | None, Given] = Field(
        default=None,
        description="how long words stay readable in the record, such as 730d; or leave it out",
    )

    unbuilt: ClassVar[Mapping[str, str]] = {
        "anchors": "remove it; seals are noted in the channel",
    }


class TimesShape(Shape):
    """How long things take, at most."""

    sla: Sla = Field(default=timedelta(minutes=15), description="how long people have to decide, such as 15m")
    grant: Short = Field(
        default=timedelta(minutes=10), description="how long an approval can be used, such as 10m"
    )
    report: Short = Field(
        default=timedelta(minutes=10), description="how long an agent may take to report, such as 10m"
    )


class CapsShape(Shape):
    """How much may be asked of people, at most."""

    pending_per_agent: Cap = Field(
        default=1000, description="how many requests of one agent may wait, such as 1000"
    )
    pending_per_channel: Cap = Field(
        default=2000, description="how many requests may wait in one channel, such as 2000"
    )
    asks_per_person_and_hour: Cap = Field(
        default=1000, description="how often one person may be asked within an hour, such as 1000"
    )


class RetentionShape(Shape):
    """How long rows are kept that nobody works with any more."""

    minimum: Term = Field(
        default=timedelta(days=184), description="how long evidence has to be kept by law, such as 184d"
    )
    requests: Annotated[Term | None, Given] = Field(
        default=None, description="how long settled requests are kept, such as 400d"
    )
    clicks: Annotated[Term | None, Given] = Field(
        default=None, description="how long stored clicks are kept, such as 400d"
    )
    messages: Term = Field(
        default=timedelta(days=30), description="how long sent messages are kept in the database, such as 30d"
    )


class FoldersShape(Shape):
    """Where the other files are, seen from the folder of ``andon.yaml``."""

    agents: Text = Field(default="agents", description="the folder of the agents' folders, such as agents")
    runbooks: Text = Field(default="runbooks", description="the folder of the runbooks, such as runbooks")


class InstallationShape(Shape):
    """The whole of ``andon.yaml``."""

    workspace: WorkspaceId = Field(description="the id of your Slack workspace, such as T01ANDON")
    people: dict[Name, PersonShape] = Field(
        min_length=1, description="everybody who has a say, such as salma: {name: Salma, slack: [U01SALMA]}"
    )
    teams: dict[Name, TeamShape] = Field(
        min_length=1,
        description="who decides together, such as finance: {members: [salma], channel: C01FINANCE}",
    )
    operators: list[Name] = Field(
        min_length=1,
        description="the people and teams who may resume what was stopped, such as [nadia, khalid]"
        + _EMPTY_IS_NOBODY,
    )
    alerts: AlertsShape = Field(description="where operators are told, such as {channel: C03ALERTS}")
    audit: Annotated[AuditShape | None, Given] = Field(
        default=None, description="where seals are noted, such as {channel: C05AUDIT}; or leave it out"
    )
    times: TimesShape = Field(default=TimesShape(), description="limits, such as {sla: 15m, grant: 10m}")
    caps: CapsShape = Field(
        default=CapsShape(), description="limits on what is asked, such as {pending_per_agent: 1000}"
    )
    retention: RetentionShape = Field(
        default=RetentionShape(), description="how long rows are kept, such as {requests: 400d}"
    )
    plain_times: bool = Field(
        default=False, description="true to print times in words, or false to let Slack draw them"
    )
    runbook_url: Annotated[Annotated[str, AfterValidator(_link)] | None, Given] = Field(
        default=None, description="an address with {name} in it, such as https://wiki.example/{name}"
    )
    folders: FoldersShape = Field(default=FoldersShape(), description="folders, such as {agents: agents}")

    unbuilt: ClassVar[Mapping[str, str]] = {
        "calendars": "remove it; the clock runs around the clock",
        "rotas": "remove it; name the people in `teams`",
        "defaults": "write `times` for the SLA; the ladder is 50, 80 and 100 % of it",
        "steering": "remove it; there is no weekly digest yet",
        "second_channel": "remove it; people are asked in Slack alone",
    }
