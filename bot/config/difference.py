"""What one configuration changes about another, line by line, for whoever is about to put it in force."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from escalation.authority import Directory
from escalation.configuration import ActionType, Agent, Configuration


def differences(before: Configuration, after: Configuration) -> list[str]:
    """Return what *after* adds, removes and changes; nothing if people and agents notice nothing."""
    return [
        *_agents(before.agents, after.agents),
        *_people(before.directory, after.directory),
        *_members("operators", before.operators, after.operators),
        *_settings(before, after),
    ]


def _agents(before: Mapping[Any, Agent], after: Mapping[Any, Agent]) -> Iterator[str]:
    yield from _members("agents", before, after)
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        yield from _members(f"agent {name}: actions", old.actions, new.actions)
        for type_ in sorted(old.actions.keys() & new.actions.keys()):
            yield from _action(f"agent {name}, {type_}", old.actions[type_], new.actions[type_])
        yield from _fields(
            f"agent {name}", old, new, "function", "owner", "backup", "questions", "questions_channel"
        )


def _action(where: str, old: ActionType, new: ActionType) -> Iterator[str]:
    before, after = ({rule.name: rule for rule in each.policy.rules} for each in (old, new))
    yield from _members(f"{where}: rules", before, after)
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            yield f"{where}: rule {name} changed"
    kept = [name for name in before if name in after]
    if kept != [name for name in after if name in before]:
        yield f"{where}: the order of the rules changed"
    yield from _fields(where, old, new, "title", "schema", "reversible", "display", "redact")


def _people(before: Directory, after: Directory) -> Iterator[str]:
    yield from _members("people", before.people, after.people)
    for person in sorted(before.people.keys() & after.people.keys()):
        if before.people[person] != after.people[person]:
            yield f"person {person} changed"
    yield from _members("teams", before.teams, after.teams)
    for team in sorted(before.teams.keys() & after.teams.keys()):
        yield from _members(f"team {team}", before.teams[team].members, after.teams[team].members)
        yield from _fields(f"team {team}", before.teams[team], after.teams[team], "channel")


def _settings(before: Configuration, after: Configuration) -> Iterator[str]:
    yield from _fields("times", before.times, after.times, "sla", "grant", "report")
    yield from _fields(
        "retention", before.retention, after.retention, "requests", "clicks", "messages", "words"
    )
    yield from _fields(
        "andon.yaml", before, after, "tenant", "alerts_channel", "audit_channel", "plain_times"
    )


def _members(what: str, before: Iterable[str], after: Iterable[str]) -> Iterator[str]:
    old, new = set(before), set(after)
    if added := sorted(new - old):
        yield f"{what}: added {', '.join(added)}"
    if removed := sorted(old - new):
        yield f"{what}: removed {', '.join(removed)}"


def _fields(where: str, before: object, after: object, *names: str) -> Iterator[str]:
    for name in names:
        if getattr(before, name) != getattr(after, name):
            yield f"{where}: {name.replace('_', ' ')} changed"
