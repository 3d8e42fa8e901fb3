"""``andon doctor``: what is set aside, late or not delivered, and how a row is let go again."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from bot.cli import restore
from bot.cli.common import ConfigOption, fail, with_core
from escalation.errors import Unreadable
from escalation.ports import Aside
from escalation.service import doctor as service
from escalation.service.context import Core

#: How many rows are listed, at most.
_MOST = 1000
_RELEASE = "Read this row again, after its repair, and let it go; may be given more than once."


def doctor(
    release: Annotated[list[str] | None, typer.Option(metavar="ID", help=_RELEASE)] = None,
    config: ConfigOption = None,
) -> None:
    """Say what is set aside, late or not delivered, and whether the database is an older copy."""
    for id_ in release or ():
        _release(id_, config)
    if not release:
        found = with_core(config, lambda core: service.findings(core, limit=_MOST))
        _list(found.aside)
        for line in (*_late(found), *_unsaid(found)):
            typer.echo(line)
        for line in with_core(config, restore.troubles):
            typer.echo(line, err=True)


def _list(found: Sequence[Aside]) -> None:
    if not found:
        typer.echo("Nothing is set aside.")
        return
    for aside in found:
        typer.echo(f"{aside.kind}  {aside.id}  since {aside.at:%Y-%m-%d %H:%M}Z  {aside.why}")
    more = " There may be more." if len(found) == _MOST else ""
    typer.echo(
        f"{len(found)} set aside.{more} Repair the row, or run the version that wrote it; then"
        " andon doctor --release ID.",
        err=True,
    )


def _late(found: service.Findings) -> Iterator[str]:
    if found.late_since is not None:
        since = f"{found.late_since:%Y-%m-%d %H:%M:%S}Z"
        yield f"Late: what was due at {since} is not settled. Is `andon serve` running, and ready (/readyz)?"


def _unsaid(found: service.Findings) -> Iterator[str]:
    if found.asks:
        wait = "request waits for its card" if found.asks == 1 else "requests wait for their cards"
        yield f"Not delivered: {found.asks} {wait}."
    for each in found.refused:
        about = f" about {each.request}" if each.request else ""
        yield f"Slack has not taken {each.id} for {each.lane}{about}, written {each.at:%H:%M}Z: {each.error}"


def _release(id_: str, config: ConfigOption) -> None:
    async def read_again(core: Core) -> Sequence[Aside] | Unreadable:
        try:
            return await service.release(core, id_)
        except Unreadable as error:
            return error

    outcome = with_core(config, read_again)
    if isinstance(outcome, Unreadable):
        fail(f"{id_} stays set aside: {outcome}. Nothing was changed; repair it, then release it again.")
    if not outcome:
        fail(f"{id_} is not set aside; see `andon doctor`.")
    for aside in outcome:
        typer.echo(f"{aside.kind} {aside.id} is released.")
