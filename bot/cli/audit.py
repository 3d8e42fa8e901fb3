"""``andon audit``: ask the record, and check that nobody changed it."""

from typing import Annotated

import typer

from bot.cli.common import ConfigOption, fail, with_core
from escalation.audit import Broken, ChainHash, Event, Seal, instant
from escalation.clock import SystemClock
from escalation.service import queries, seal
from escalation.service.context import Core

app = typer.Typer(help="The audit record.", no_args_is_help=True)
_NOTED = "A seal that you noted elsewhere, as SEQ:HASH; the record must contain it."
_ABOUT = "Only about this request (and what became of it), grant, key or scope."
_MOST = 1_000_000


@app.command()
def verify(
    noted: Annotated[str | None, typer.Option("--seal", help=_NOTED)] = None, config: ConfigOption = None
) -> None:
    """Recompute the whole chain and compare it with every seal."""
    kept = None if noted is None else _seal(noted)
    verdict = with_core(config, lambda core: seal.verify(core.store, noted=kept))
    if isinstance(verdict, Broken):
        fail(f"The record is BROKEN at {verdict.seq}: {verdict.why}.")
    typer.echo(f"The record is whole: {verdict.events} events, each where it was written.")
    if verdict.head is not None:
        typer.echo(f"Seal {verdict.head.seq}:{verdict.head.hash} of {instant(verdict.head.at)}")
    if verdict.unsealed:
        newer = "1 newer event is" if verdict.unsealed == 1 else f"{verdict.unsealed} newer events are"
        typer.echo(f"{newer} not sealed yet; a running server seals in seconds.")


@app.command()
def show(
    agent: Annotated[str | None, typer.Option(help="Only this agent's.")] = None,
    about: Annotated[str | None, typer.Option(help=_ABOUT)] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many, at most: the newest.")] = 200,
    config: ConfigOption = None,
) -> None:
    """Print the newest events, in order: when, what, who, whose agent's business, about what, the rest."""

    async def read(core: Core) -> list[Event]:
        # One more than is printed tells whether there are older ones.
        return list(await queries.events(core, agent=agent, subject=about, limit=limit + 1))

    found = with_core(config, read)
    for event in found[-limit:]:
        whose = event.agent or "-"
        line = (instant(event.at), event.name.value, event.actor, whose, event.subject, event.data)
        typer.echo("  ".join(line))
    if len(found) > limit:
        typer.echo(f"Older events were left out; --limit {min(5 * limit, _MOST)} shows more.", err=True)
    if not found:
        _nothing(agent, about)


def _nothing(agent: str | None, about: str | None) -> None:
    asked = [*([f"of {agent}"] if agent else []), *([f"about {about}"] if about else [])]
    if asked:
        fail(f"There are no events {' '.join(asked)}.")


def _seal(written: str) -> Seal:
    seq, _, hash_ = written.partition(":")
    if not seq.isdecimal() or len(hash_) != 64:
        fail(f"{written!r} is no seal; write SEQ:HASH as `andon audit verify` prints it.")
    return Seal(seq=int(seq), hash=ChainHash(hash_), at=SystemClock().now())
