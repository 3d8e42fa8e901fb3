"""Turns checked shapes into the values that the core works with."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import cast

from bot.config.argument_validator import misfit
from bot.config.installation import InstallationShape
from bot.config.manifest import ActionShape, ManifestShape, RuleShape
from escalation.action import Json
from escalation.authority import Account, Directory, Edits, Notify, Person, Team, Terms
from escalation.configuration import ActionType, Agent, Caps, Configuration, Retention, Times
from escalation.ids import AgentName, PersonId
from escalation.policy import Policy, Rule, Then


def directory(installation: InstallationShape) -> Directory:
    """Return the people and teams."""
    people = {
        PersonId(id_): Person(
            id=PersonId(id_),
            name=person.name,
            accounts=frozenset(Account(installation.workspace, user) for user in person.slack),
            time_zone=person.time_zone,
            notify=Notify(person.notify),
        )
        for id_, person in installation.people.items()
    }
    teams = {
        name: Team(
            name=name,
            members=frozenset(map(PersonId, team.members)),
            channel=team.channel,
            user_group=team.user_group,
        )
        for name, team in installation.teams.items()
    }
    return Directory(people=MappingProxyType(people), teams=MappingProxyType(teams))


def configuration(
    installation: InstallationShape, manifests: Iterable[ManifestShape], *, version: str
) -> Configuration:
    """Return the whole, under its *version*."""
    agents = {AgentName(manifest.agent): _agent(manifest, installation) for manifest in manifests}
    times = installation.times
    return Configuration(
        version=version,
        tenant=installation.workspace,
        directory=directory(installation),
        operators=tuple(installation.operators),
        agents=MappingProxyType(agents),
        alerts_channel=installation.alerts.channel,
        alerts_fallback=installation.alerts.fallback,
        audit_channel=None if installation.audit is None else installation.audit.channel,
        times=Times(sla=times.sla, grant=times.grant, report=times.report),
        caps=Caps(**dict(installation.caps)),
        retention=_retention(installation),
        plain_times=installation.plain_times,
    )


def _retention(installation: InstallationShape) -> Retention:
    terms, usual = installation.retention, Retention()
    return Retention(
        # What nobody wrote down is kept for as long as the law asks.
        requests=terms.requests or max(usual.requests, terms.minimum),
        clicks=terms.clicks or max(usual.clicks, terms.minimum),
        messages=terms.messages,
        words=None if installation.audit is None else installation.audit.retention,
    )


def _agent(manifest: ManifestShape, installation: InstallationShape) -> Agent:
    link = installation.runbook_url
    return Agent(
        name=AgentName(manifest.agent),
        function=manifest.function,
        owner=PersonId(manifest.owner),
        backup=PersonId(manifest.backup),
        runbook=manifest.runbook,
        runbook_url=None if link is None else link.replace("{name}", manifest.runbook),
        actions=MappingProxyType({type_: _action(type_, it) for type_, it in manifest.actions.items()}),
        questions=Terms(approvers=tuple(manifest.questions.approvers), quorum=1),
        questions_channel=manifest.questions.channel,
    )


def _action(type_: str, action: ActionShape) -> ActionType:
    # That it is JSON was checked with the rest of the schema.
    arguments = cast("dict[str, Json]", action.schema_)
    return ActionType(
        type=type_,
        title=action.title,
        schema=arguments,
        misfit=misfit(arguments),
        reversible=action.reversible,
        display=tuple(action.display),
        redact=frozenset(action.redact),
        policy=Policy(rules=tuple(map(_rule, action.rules))),
        report=action.report,
    )


def _rule(rule: RuleShape) -> Rule:
    terms = None
    if rule.approvers is not None and rule.quorum is not None:
        edits = Edits.AUTHOR_MAY_APPROVE if rule.edits is None else Edits(rule.edits)
        terms = Terms(approvers=tuple(rule.approvers), quorum=rule.quorum, edits=edits)
    return Rule(
        name=rule.name, when=rule.when, then=Then(rule.then), terms=terms, sla=rule.sla, channel=rule.channel
    )
