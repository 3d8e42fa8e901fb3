"""Loads ``andon.yaml``, manifests and runbooks as one configuration, or says everything that is wrong."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from bot.config import build
from bot.config.action_checks import check_arguments, check_schemas
from bot.config.cross_checks import (
    check_agents,
    check_installation,
    check_manifest,
    check_rules,
    check_runbook,
)
from bot.config.files import Folder, Remembered
from bot.config.installation import FoldersShape, InstallationShape
from bot.config.manifest import ManifestShape
from bot.config.problem import ConfigurationProblems, Problem, Severity, in_order
from bot.config.reader import Part, Reader
from bot.config.runbooks import RunbookFile, freshness
from bot.config.source import version
from bot.config.yaml_document import Document
from escalation.authority import Directory
from escalation.configuration import Configuration
from escalation.errors import InvalidConfiguration
from escalation.ports import StoredConfiguration
from escalation.runbook import Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReadRunbook:
    """A runbook, and its front matter for problems that other files cause."""

    front: Document
    runbook: Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration that can be put in force."""

    configuration: Configuration
    runbooks: Mapping[str, Runbook]  #: By name.
    warnings: tuple[Problem, ...]  #: What somebody should look at.
    sources: Mapping[str, str]  #: The text of each file, by its name from the folder of ``andon.yaml``.

    @property
    def body(self) -> str:
        """All the files as one text, to be remembered under the version."""
        return json.dumps(dict(self.sources), ensure_ascii=False, sort_keys=True)

    def runbook_text(self, name: str) -> str | None:
        """Return the Markdown of the runbook *name*."""
        files = (file for file in self.sources if file.endswith(".md"))
        texts = (self.sources[file] for file in files if Path(file).stem == name)
        return next((text.removeprefix("\ufeff") for text in texts), None)


def load(path: Path, *, today: date) -> Loaded:
    """Return the configuration that begins at *path*; *today* tells what is out of date.

    Raises ``ConfigurationProblems`` with all the problems of all the files. What one file says
    against another is checked once each of the two is right by itself.
    """
    return _load(Reader(Folder(path.parent)), path.name, today=today)


def load_remembered(stored: StoredConfiguration) -> Loaded:
    """Return the configuration that was put in force as *stored*.

    Raises ``InvalidConfiguration`` if this version of the program cannot load it, or it is another one.
    """
    files = Remembered(stored.body)
    try:
        # Whether a day lay ahead was checked when it was put in force, by the clock of that machine.
        loaded = _load(Reader(files), files.first, today=date.max)
    except ConfigurationProblems as found:
        errors = [problem for problem in found.problems if problem.severity is Severity.ERROR]
        raise ConfigurationProblems(errors) from found
    if loaded.configuration.version != stored.version:
        raise InvalidConfiguration(
            f"its files were changed in the database: they are version {loaded.configuration.version}"
        )
    return loaded


def _load(reader: Reader, first: str, *, today: date) -> Loaded:
    installation = _installation(reader, first)
    folders = FoldersShape() if installation is None else installation.folders
    directory = None if installation is None else build.directory(installation)
    manifests = list(_manifests(reader, folders.agents, installed=first))
    _check_manifests(reader, manifests, directory, today=today)
    runbooks = list(_runbooks(reader, manifests, folder=folders.runbooks, today=today))
    _check_runbooks(reader, manifests, runbooks, directory)
    if installation is None or reader.failed:
        raise ConfigurationProblems(reader.problems)
    return Loaded(
        configuration=build.configuration(
            installation, _shapes(manifests), version=version(reader.sources.values())
        ),
        runbooks=MappingProxyType({read.runbook.name: read.runbook for read in runbooks}),
        warnings=in_order(reader.problems),
        sources=MappingProxyType(
            {name: source.raw.decode() for name, source in sorted(reader.sources.items())}
        ),
    )


def _installation(reader: Reader, name: str) -> InstallationShape | None:
    part = reader.part(name, InstallationShape)
    if part is None or part.shape is None:
        return None
    reader.report(check_installation(part.document, part.shape, build.directory(part.shape)))
    return part.shape


def _manifests(reader: Reader, folder: str, *, installed: str) -> Iterator[Part[ManifestShape]]:
    found, files = reader.files.manifests(folder), reader.files
    if not found:
        message = f"there is no manifest in {files.path(folder)}/*/"
        advice = "write one for each agent and call it manifest.yaml"
        reader.report([Problem(file=files.path(installed), line=1, message=message, advice=advice)])
    for name in found:
        part = reader.part(name, ManifestShape)
        if part is not None:
            yield part


def _check_manifests(
    reader: Reader, parts: Sequence[Part[ManifestShape]], directory: Directory | None, *, today: date
) -> None:
    for part in parts:
        faults = list(check_schemas(part.document))
        reader.report(faults)
        if part.shape is None:
            continue
        verified = part.shape.rollback.verified
        reader.report(check_rules(part.document, part.shape))
        reader.report(freshness(part.document, ("rollback", "verified"), verified, today=today))
        if not faults:
            reader.report(check_arguments(part.document, part.shape))
        if directory is not None:
            reader.report(check_manifest(part.document, part.shape, directory))
    reader.report(check_agents(parts))


def _runbooks(
    reader: Reader, parts: Sequence[Part[ManifestShape]], *, folder: str, today: date
) -> Iterator[_ReadRunbook]:
    users = {name: part.document for part in reversed(parts) if (name := _runbook_of(part)) is not None}
    pages, has = reader.files.pages(folder), reader.files.has
    for name, user in sorted(users.items(), key=lambda item: item[0]):
        if name not in pages:
            close = get_close_matches(name, pages, n=1)
            advice = f"did you mean `{close[0]}`?" if close else "write that runbook"
            message = f"is {name!r}; there is no {reader.files.path(f'{folder}/{name}.md')}"
            reader.report([user.problem(("runbook",), message, advice)])
        elif (source := reader.source(f"{folder}/{name}.md")) is not None:
            file = RunbookFile(source, name=name)
            runbook, problems = file.read(today=today)
            reader.report([*problems, *file.dead_links(lambda target: has(f"{folder}/{target}"))])
            if runbook is not None:
                yield _ReadRunbook(front=file.front, runbook=runbook)


def _check_runbooks(
    reader: Reader,
    parts: Sequence[Part[ManifestShape]],
    runbooks: Iterable[_ReadRunbook],
    directory: Directory | None,
) -> None:
    shapes = _shapes(parts)
    for read in runbooks:
        users = [shape.agent for shape in shapes if shape.runbook == read.runbook.name]
        # Of a manifest that is not in shape the agent's name is not known either.
        agents = {shape.agent for shape in shapes} if len(shapes) == len(parts) else {*read.runbook.agents}
        reader.report(check_runbook(read.front, read.runbook, directory, agents=agents, users=users))


def _shapes(parts: Sequence[Part[ManifestShape]]) -> list[ManifestShape]:
    return [part.shape for part in parts if part.shape is not None]


def _runbook_of(part: Part[ManifestShape]) -> str | None:
    if part.shape is not None:
        return part.shape.runbook
    # Something else is wrong with the manifest; the runbook can be checked all the same.
    said = part.document.value.get("runbook") if isinstance(part.document.value, dict) else None
    return said if isinstance(said, str) and said.replace("-", "").replace("_", "").isalnum() else None
