"""
What the commands share: loading what they need, and saying what is wrong with it.

The store and its drivers are imported by those who need them: to check a file takes none.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NoReturn, TextIO, TypeVar, cast

import typer

from bot.config import (
    ConfigurationProblems,
    Environment,
    InvalidSettings,
    Loaded,
    Settings,
    environment,
    load,
    settings,
)
from escalation.clock import SystemClock
from escalation.errors import EscalationError
from escalation.service.context import Core

T = TypeVar("T")
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="The configuration; ANDON_CONFIG or andon.yaml if not given.")
]


def fail(*lines: str) -> NoReturn:
    """Say what is wrong and exit with status 1."""
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(1)


def all_settings() -> Settings:
    """Return the whole environment, or say which variable is wrong."""
    try:
        return settings()
    except InvalidSettings as error:
        fail(*str(error).splitlines())


def places() -> Environment:
    """Return where things are, or say which variable is wrong."""
    try:
        return environment()
    except InvalidSettings as error:
        fail(*str(error).splitlines())


def today() -> date:
    """Return today's date, in UTC."""
    return SystemClock().now().date()


def loaded(config: Path) -> Loaded:
    """Return what the files around *config* say, or say what is wrong with them."""
    try:
        found = load(config, today=today())
    except ConfigurationProblems as problems:
        fail(*(str(problem) for problem in problems.problems))
    for warning in found.warnings:
        typer.echo(str(warning), err=True)
    return found


def log_to_stderr() -> None:
    """Have the log written to stderr, without a value of any variable: stdout is for what was asked."""
    import structlog

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    # Bolt warns of variables that it finds and does not need; APScheduler, of each beat that it
    # drops because the last one still works, which is as it should be.
    for chatty in ("slack_bolt", "apscheduler"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    # Each failed try to reach Slack's socket would be fifty lines; /readyz says it in one.
    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)
    tty = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if tty else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Lossy(sys.stderr))),
    )


def with_core(
    config: Path | None,
    use: Callable[[Core], Awaitable[T]],
    *,
    first: Callable[[Environment], Awaitable[None]] | None = None,
) -> T:
    """Do what comes *first*, open what the environment names, run *use* with it, and close it again."""
    return with_core_of(loaded(config or places().andon_config), use, first=first)


def with_core_of(
    known: Loaded,
    use: Callable[[Core], Awaitable[T]],
    *,
    first: Callable[[Environment], Awaitable[None]] | None = None,
) -> T:
    """Do the same by a configuration that is *known*."""
    from bot.adapters import heads_of, open_core

    log_to_stderr()
    where = places()

    async def run() -> T:
        if first is not None:
            await first(where)
        async with open_core(where, known.configuration) as core:
            await core.store.check()
            return await use(replace(core, heads=heads_of(where)))

    return run_or_fail(run())


def run_or_fail(work: Coroutine[Any, Any, T]) -> T:
    """Run *work*; turn what is our own trouble into one clear line."""
    try:
        return asyncio.run(work)
    except EscalationError as error:
        fail(str(error))


class _Lossy:
    """*stream*, without what it cannot take: what a full disk keeps from being told goes on all the same."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()
