"""``andon apply``: puts the configuration in force, in every process that serves, without a restart."""

import socket
from typing import Annotated

import typer

from bot.cli.common import ConfigOption, loaded, places, with_core_of
from bot.config import Loaded, load_remembered
from bot.config.difference import differences
from escalation.errors import InvalidConfiguration
from escalation.ports import StoredConfiguration
from escalation.service import configure
from escalation.service.context import Core

#: The status of a dry run that found something to change.
_WOULD_CHANGE = 3


def apply(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
    beside: Annotated[
        bool, typer.Option("--beside", help="Serve this workspace beside those that the database serves.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Put the configuration in force everywhere.

    Exits with 0 if it is in force, with 1 if it was refused; a dry run that finds changes, with 3.
    """
    from bot.adapters import create_file

    known = loaded(config or places().andon_config)

    async def use(core: Core) -> int:
        before = await configure.in_force(core)
        if before is not None and before.version == known.configuration.version:
            typer.echo(f"Version {before.version} is in force already.")
            return 0
        for line in _told(before, known):
            typer.echo(line)
        return _WOULD_CHANGE if dry_run else await _apply(core, known, beside=beside)

    if status := with_core_of(known, use, first=None if dry_run else create_file):
        raise typer.Exit(status)


async def _apply(core: Core, known: Loaded, *, beside: bool) -> int:
    change = await configure.put_in_force(
        core, body=known.body, source=configure.Source.COMMAND, host=socket.gethostname(), beside=beside
    )
    typer.echo(f"Version {known.configuration.version} is in force, as change {change.seq}.")
    return 0


def _told(before: StoredConfiguration | None, known: Loaded) -> list[str]:
    version = known.configuration.version
    if before is None:
        return [f"none -> {version}", "Nothing was in force before."]
    try:
        old = load_remembered(before).configuration
    except InvalidConfiguration:
        changes = ["What is in force cannot be loaded by this version of andon, so nothing can be compared."]
    else:
        changes = differences(old, known.configuration) or ["Only words changed, such as a runbook's."]
    return [f"{before.version} -> {version}", *changes]
