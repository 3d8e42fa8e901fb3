"""``andon serve``: the doors and the engine, in one process."""

import logging
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TextIO, cast

import structlog
import typer
import uvloop

from bot.cli.common import ConfigOption, all_settings, fail, loaded
from bot.config import Loaded, Settings, SlackMode
from escalation.errors import EscalationError


def serve(
    port: Annotated[int, typer.Option(help="Where agents (and Slack, over HTTP) reach it.")] = 8080,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    config: ConfigOption = None,
) -> None:
    """Serve Slack and the agents, and keep the clock."""
    _log_to_stderr()
    environment = all_settings()
    files = config or environment.andon_config
    known = loaded(files)
    listener = _listen(host, port)
    try:
        uvloop.run(_serve(environment, known, listener, files=files))
    except EscalationError as error:
        fail(str(error))
    finally:
        listener.close()


async def _serve(environment: Settings, known: Loaded, listener: socket.socket, *, files: Path) -> None:
    from bot.wiring import serve as serve_house

    host, port = listener.getsockname()[:2]
    mode = "Socket Mode" if environment.slack_mode is SlackMode.SOCKET else "HTTP at /slack/events"
    structlog.get_logger(__name__).info(
        # It serves once the database is open: until then nothing has been achieved.
        "opening the database",
        then_serving=f"http://{f'[{host}]' if ':' in host else host}:{port}",
        slack=mode,
        configuration=known.configuration.version,
        agents=sorted(known.configuration.agents),
    )
    await serve_house(environment, known, listener, files=files)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except (socket.gaierror, UnicodeError):
        listener.close()
        fail(f"cannot listen on {host}: there is no such address. Write one of this machine with --host.")
    except OverflowError:
        listener.close()
        fail(
            f"cannot listen on {host}:{port}: there is no such port. Choose one from 0 to 65535 with --port."
        )
    except OSError as error:
        listener.close()
        fail(f"cannot listen on {host}:{port}: {error.strerror}. Choose another one with --port.")
    return listener


def _log_to_stderr() -> None:
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
