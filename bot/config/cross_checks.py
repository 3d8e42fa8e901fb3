"""Checks what one file says against what the others say: every name exists, and somebody can decide."""

from collections.abc import Iterable, Iterator, Sequence

from bot.config.field_types import in_words
from bot.config.installation import InstallationShape
from bot.config.manifest import ManifestShape, RuleShape
from bot.config.problem import Problem, did_you_mean
from bot.config.reader import Part
from bot.config.yaml_document import Document, Path
from escalation.authority import Directory, Terms
from escalation.configuration import Retention
from escalation.ids import PersonId
from escalation.runbook import Runbook


def check_installation(document: Document, shape: InstallationShape, people: Directory) -> Iterator[Problem]:
    """Yield what does not hold together in ``andon.yaml``."""
    yield from _accounts(document, shape)
    yield from _terms_of_retention(document, shape)
    for name, team in shape.teams.items():
        path: Path = ("teams", name)
        if name in shape.people:
            yield document.problem(path, "is the name of a person too", "give the team another name")
        yield from _known(document, (*path, "members"), team.members, people.people)
    unknown = list(_known(document, ("operators",), shape.operators, [*people.teams, *people.people]))
    yield from unknown
    if not unknown and len(people.members(shape.operators)) == 1:
        advice = "name a second person: whoever stops something may not resume it"
        yield document.problem(("operators",), "is one person", advice)


def check_manifest(document: Document, shape: ManifestShape, people: Directory) -> Iterator[Problem]:
    """Yield what a manifest says that ``andon.yaml`` does not bear out."""
    for key, name in (("owner", shape.owner), ("backup", shape.backup)):
        if name in people.teams:
            yield document.problem((key,), f"is the team {name!r}", "write the name of one person")
        else:
            yield from _known(document, (key,), [name], people.people)
    if shape.owner == shape.backup:
        yield document.problem(("backup",), "is the owner", "write somebody else's name")
    yield from _terms(
        document,
        ("questions",),
        Terms(approvers=tuple(shape.questions.approvers), quorum=1),
        shape.owner,
        people,
    )
    for path, rule in _rules(shape):
        if rule.approvers is not None and rule.quorum is not None:
            terms = Terms(approvers=tuple(rule.approvers), quorum=rule.quorum)
            yield from _terms(document, path, terms, shape.owner, people)


def check_rules(document: Document, shape: ManifestShape) -> Iterator[Problem]:
    """Yield the rules that can never have a say, and the names that two rules share."""
    for type_, action in shape.actions.items():
        for later, rule in enumerate(action.rules):
            path: Path = ("actions", type_, "rules", later)
            before = action.rules[:later]
            if any(rule.name == first.name for first in before):
                yield document.problem(
                    (*path, "name"), f"is {rule.name!r} again", "give each rule its own name"
                )
            if (first := next((first for first in before if first.when is None), None)) is not None:
                advice = f"move it up, or give `{first.name}` a condition"
                yield document.problem(path, f"comes after `{first.name}`, which always has the say", advice)
            elif (first := next((first for first in before if first.when == rule.when), None)) is not None:
                advice = "remove it, or change its condition"
                yield document.problem(
                    (*path, "when"), f"is that of `{first.name}`, which comes first", advice
                )


def check_agents(manifests: Iterable[Part[ManifestShape]]) -> Iterator[Problem]:
    """Yield the names that two agents share."""
    first: dict[str, Document] = {}
    for part in manifests:
        if part.shape is None:
            continue
        other = first.setdefault(part.shape.agent, part.document)
        if other is not part.document:
            message = f"is {part.shape.agent!r}, as in {other.file}"
            yield part.document.problem(("agent",), message, "give each agent its own name")


def check_runbook(
    front: Document,
    runbook: Runbook,
    people: Directory | None,
    *,
    agents: Iterable[str],
    users: Sequence[str],
) -> Iterator[Problem]:
    """Yield the names in front matter that nobody bears, and those of its *users* that it lacks."""
    if people is not None:
        yield from _known(front, ("owner",), [runbook.owner], people.people)
        yield from _known(front, ("on_call",), runbook.on_call, [*people.teams, *people.people])
    yield from _known(front, ("agents",), runbook.agents, agents, where="any manifest")
    for agent in users:
        if agent not in runbook.agents:
            yield front.problem(("agents",), f"does not name {agent!r}, whose runbook it is", f"add {agent}")


def _accounts(document: Document, shape: InstallationShape) -> Iterator[Problem]:
    whose: dict[str, str] = {}
    for name, person in shape.people.items():
        for index, user in enumerate(person.slack):
            if whose.setdefault(user, name) != name:
                path: Path = ("people", name, "slack", index)
                message = f"is the account of {whose[user]!r} already"
                yield document.problem(path, message, "write each account under one person")


def _terms_of_retention(document: Document, shape: InstallationShape) -> Iterator[Problem]:
    terms, words = shape.retention, None if shape.audit is None else shape.audit.retention
    given = {("retention", "requests"): terms.requests, ("retention", "clicks"): terms.clicks}
    least = in_words(terms.minimum)
    for path, term in {**given, ("audit", "retention"): words}.items():
        if term is not None and term < terms.minimum:
            message = f"is {in_words(term)}, below the minimum of {least}"
            advice = f"write {least} or more, or what the law asks of you as `retention: {{minimum: …}}`"
            yield document.problem(path, message, advice)
    requests = max(Retention().requests, terms.minimum) if terms.requests is None else terms.requests
    if words is not None and terms.minimum <= words < requests:
        message = f"is {in_words(words)}, but requests keep the same words for {in_words(requests)}"
        advice = f"write {in_words(requests)} or more, or `retention: {{requests: {in_words(words)}}}`"
        yield document.problem(("audit", "retention"), message, advice)


def _terms(document: Document, path: Path, terms: Terms, owner: str, people: Directory) -> Iterator[Problem]:
    unknown = list(_known(document, (*path, "approvers"), terms.approvers, [*people.teams, *people.people]))
    yield from unknown
    able = people.members(terms.approvers) - {PersonId(owner)}
    if not able and not unknown:
        message = "names nobody but the agent's owner, who may not decide"
        yield document.problem((*path, "approvers"), message, "add somebody else")
    elif len(able) < terms.quorum and not unknown:
        message = (
            f"asks for {terms.quorum} people where {len(able)} can decide; the agent's owner never counts"
        )
        yield document.problem((*path, "quorum"), message, f"write {len(able)}, or add approvers")


def _known(
    document: Document, path: Path, names: Sequence[str], known: Iterable[str], *, where: str = "andon.yaml"
) -> Iterator[Problem]:
    there = set(known)
    for index, name in enumerate(names):
        if name not in there:
            at = (*path, index) if (*path, index) in document.lines else path
            yield document.problem(at, f"is {name!r}, which is not in {where}", did_you_mean(name, there))


def _rules(shape: ManifestShape) -> Iterator[tuple[Path, RuleShape]]:
    for type_, action in shape.actions.items():
        for index, rule in enumerate(action.rules):
            yield ("actions", type_, "rules", index), rule
