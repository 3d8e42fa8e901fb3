"""``andon audit``: ask the record, and check that nobody changed it."""

import json
from typing import Annotated

import typer

from bot.cli.common import ConfigOption, fail, with_core
from escalation.audit import ChainHash, Entry, Seal, Standing, Stored, instant, standing, values_of
from escalation.clock import SystemClock
from escalation.commitment import joined
from escalation.service import queries, seal
from escalation.service.context import Core
from escalation.verification import Broken, Verified

app = typer.Typer(help="The audit record.", no_args_is_help=True)
_NOTED = "A seal that you noted elsewhere, as SEQ:HASH; the record must contain it."
_ABOUT = "Only about this request (and what became of it), grant, key or scope."
_MOST = 1_000_000
#: What is said of a line that nothing proves.
_FOREIGN = {Standing.BESIDE: "NOT IN THE CHAIN:", Standing.CHANGED: "NOT WHAT THE CHAIN HOLDS:"}


@app.command()
def verify(
    noted: Annotated[str | None, typer.Option("--seal", help=_NOTED)] = None, config: ConfigOption = None
) -> None:
    """Recompute the whole chain and compare it with every seal."""
    kept = None if noted is None else _seal(noted)
    verdict = with_core(config, lambda core: seal.verify(core.store, noted=kept))
    if isinstance(verdict, Broken):
        fail(f"The record is BROKEN {verdict.place}: {verdict.why}.")
    typer.echo(f"The record is whole: {verdict.events} events, each where it was written.")
    if verdict.head is not None:
        typer.echo(f"Seal {verdict.head.seq}:{verdict.head.hash} of {instant(verdict.head.at)}")
    _tell_more(verdict)


def _tell_more(verdict: Verified) -> None:
    if verdict.unsealed:
        newer = "1 newer event is" if verdict.unsealed == 1 else f"{verdict.unsealed} newer events are"
        typer.echo(f"{newer} not sealed yet; a running server seals in seconds.")
    if verdict.erased:
        texts = "1 text was" if verdict.erased == 1 else f"{verdict.erased} texts were"
        typer.echo(f"{texts} erased; that there were words, and when, is proven all the same.")
    for each in verdict.unknown:
        typer.echo(f"Written by a newer version: {each}.")
    for each in verdict.odd:
        typer.echo(f"Linked as it stood, though no event: {each}.")


@app.command()
def show(
    agent: Annotated[str | None, typer.Option(help="Only this agent's.")] = None,
    about: Annotated[str | None, typer.Option(help=_ABOUT)] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many, at most: the newest.")] = 200,
    config: ConfigOption = None,
) -> None:
    """Print the newest events, in the chain's order: when, what, who, whose agent's, about what, the rest."""

    async def read(core: Core) -> list[Entry]:
        # One more than is printed tells whether there are older ones.
        return list(await queries.events(core, agent=agent, subject=about, limit=limit + 1))

    found = with_core(config, read)
    for entry in found[-limit:]:
        typer.echo(_line(entry))
    if len(found) > limit:
        typer.echo(f"Older events were left out; --limit {min(5 * limit, _MOST)} shows more.", err=True)
    if not found:
        _nothing(agent, about)
    if any(standing(entry) in _FOREIGN for entry in found[-limit:]):
        fail("Lines above are not what the chain holds. Run `andon audit verify`.")


def _line(entry: Entry) -> str:
    event, how = entry.event, standing(entry)
    if event is None:
        return _FOREIGN[Standing.CHANGED]
    if how in _FOREIGN:
        # Whoever wrote it may have written anything, for a terminal too.
        line = _told(event, f"{event.data}").encode("unicode_escape").decode()
        return f"{_FOREIGN[how]}  {line}"
    values = joined(values_of(event), entry.texts)
    line = _told(event, json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True))
    return f"{line}  (not sealed yet)" if how is Standing.WAITING else line


def _told(event: Stored, data: str) -> str:
    at = "no instant" if event.at is None else instant(event.at)
    return f"{at}  {event.name}  {event.actor}  {event.agent or '-'}  {event.subject}  {data}"


def _nothing(agent: str | None, about: str | None) -> None:
    asked = [*([f"of {agent}"] if agent else []), *([f"about {about}"] if about else [])]
    if asked:
        fail(f"There are no events {' '.join(asked)}.")


def _seal(written: str) -> Seal:
    seq, _, hash_ = written.partition(":")
    if not seq.isdecimal() or len(hash_) != 64:
        fail(f"{written!r} is no seal; write SEQ:HASH as `andon audit verify` prints it.")
    return Seal(seq=int(seq), hash=ChainHash(hash_), at=SystemClock().now())
