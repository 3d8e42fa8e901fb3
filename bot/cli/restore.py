"""``andon restore``: whether the database is an older copy, and how one goes on from there."""

from dataclasses import replace
from typing import Annotated

import typer

from bot.cli.common import ConfigOption, fail, with_core
from escalation.audit import ChainHash
from escalation.grant import Grant, GrantState
from escalation.head import Head, Loss, is_head
from escalation.ids import PersonId
from escalation.reason import Refused
from escalation.service import queries
from escalation.service import restore as service
from escalation.service.context import Core

app = typer.Typer(help="After a restore of the database.", no_args_is_help=True)
_HEAD = "A head that was noted elsewhere, such as in the audit channel, as POSITION:HASH."
_EPOCH = "The epoch it was noted with; the database's own if not given."
_FREEZE = "Freeze releases if the database has not that head."
#: How many grants a dry run counts.
_MOST = 1000
#: Digits of a position.
_LONGEST = 20


@app.command()
def check(
    head: Annotated[str | None, typer.Option(help=_HEAD)] = None,
    epoch: Annotated[int | None, typer.Option(min=1, help=_EPOCH)] = None,
    freeze: Annotated[bool, typer.Option("--freeze", help=_FREEZE)] = False,
    config: ConfigOption = None,
) -> None:
    """Compare the database with the head in its file, and with one that was noted elsewhere.

    If it has both, its own head is kept in the file. Exits with 1 if it is an older copy.
    """
    if head is None:
        typer.echo(with_core(config, _kept))
        return
    copied = _head(head)

    async def use(core: Core) -> service.Sight:
        now = await service.epoch(core)
        noted = replace(copied, epoch=epoch or now)
        if noted.epoch < now:
            fail(f"That head is of epoch {epoch}, and proves nothing in epoch {now}; take a newer one.")
        sight = await service.check(core, noted)
        if freeze and sight.loss is not None and sight.loss is not Loss.ANOTHER:
            # The head in the file may be the one that tells.
            await service.freeze(core, sight.outside or noted)
        return sight

    sight = with_core(config, use)
    if sight.loss is not None:
        done = "Releases are frozen." if freeze else "If that head is right, run it again with --freeze."
        if sight.loss is Loss.ANOTHER:
            done = f"Nothing was changed: {service.ANOTHER_FILE}."
        fail(f"This database is an older copy, or another one: {sight.doubt}.", done)
    if sight.frozen is not None:
        fail(f"The database has that head. Releases are frozen all the same: {sight.frozen}.")
    typer.echo(f"The database has that head{_at(sight.head)}: it is no older copy.")


@app.command()
def acknowledge(
    by: Annotated[str, typer.Option(help="Your name in andon.yaml; you are one of its operators.")],
    reason: Annotated[str, typer.Option(help="What happened; it is on the record.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what follows; change nothing.")] = False,
    config: ConfigOption = None,
) -> None:
    """Go on from an older copy of the database: everything is stopped, and no approval can be used any more.

    Another operator resumes it in Slack.
    """
    if not reason.strip():
        fail("--reason is empty; write what happened, such as 'disk of db-1 failed, backup of 02:00'.")
    if dry_run:
        for line in with_core(config, _foreseen):
            typer.echo(line)
        return
    done = with_core(config, lambda core: service.acknowledge(core, PersonId(by), reason.strip()[:300]))
    if isinstance(done, Refused):
        fail(str(done))
    typer.echo(f"Epoch {done.epoch} begins. Everything is stopped, and what waits is being ended.")
    typer.echo(f"No approval can be used any more; {done.unknown} outcomes are to be found out.")
    typer.echo("What was done since the backup is not known, also of what this copy says nothing was done.")
    typer.echo("Set the other stops that were on again; then another operator: /andon resume all")


async def troubles(core: Core) -> list[str]:
    """Return what an operator should know of the head that is kept outside; nothing if all is well."""
    sight = await service.look(core)
    if sight.frozen is not None:
        return [f"Releases are FROZEN: {sight.frozen}. Next: andon restore acknowledge --dry-run"]
    if sight.doubt is not None:
        return [f"The database may be an older copy: {sight.doubt}. Next: andon restore check --head …"]
    if core.heads.place is None:
        missing = "No head of the record is kept outside, so an older copy of the database cannot be told"
        return [f"{missing}; name a file with ANDON_HEAD_FILE."]
    return []


async def _kept(core: Core) -> str:
    if wrong := await troubles(core):
        fail(*wrong)
    sight = await service.look(core)
    if sight.outside is None:
        return f"No head is kept in {core.heads.place} yet; a server that runs keeps it."
    return f"The database has the head in {core.heads.place}, at {sight.outside.seq}{_at(sight.head)}."


async def _foreseen(core: Core) -> list[str]:
    sight, grants = await service.look(core), await service.open_grants(core, limit=_MOST)
    why = sight.frozen or sight.doubt
    if why is None:
        return [
            "Releases are not frozen, and the database has the head that was kept outside: nothing to do."
        ]
    waiting = sum((await queries.waiting(core)).values())
    return [
        f"Lost: {why}. Who stopped, decided, claimed or reported in between is gone for good,",
        "with keys that were made or revoked; what agents ask again may have been done already.",
        "What follows: a stop of everything, which another operator resumes;",
        f"{waiting} waiting requests end, and cannot be approved any more;",
        f"{_count(grants, GrantState.GRANTED)} approvals that nobody used, by this copy, and",
        f"{_count(grants, GrantState.CLAIMED)} that were claimed cannot be used any more: whether they were,",
        "and how it ended, a person finds out.",
        "Nothing was changed.",
    ]


def _count(grants: list[Grant], state: GrantState) -> str:
    number = sum(grant.state is state for grant in grants)
    return f"{number} or more" if len(grants) == _MOST else str(number)


def _head(written: str) -> Head:
    seq, _, hash_ = written.strip().partition(":")
    position = int(seq) if seq.isascii() and seq.isdecimal() and len(seq) < _LONGEST else 0
    head = Head(record="", epoch=1, seq=position, hash=ChainHash(hash_.lower()), at=None)
    if not is_head(head):
        fail(f"{written!r} is no head; write POSITION:HASH, such as 5210:3f…, as the audit channel has it.")
    return head


def _at(head: Head | None) -> str:
    return "" if head is None else f", and ends at {head.seq}"
