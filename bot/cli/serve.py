"""``andon serve``: the doors and the engine, in one process."""

import socket
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvloop

from bot.cli.common import ConfigOption, all_settings, fail, loaded, log_to_stderr
from bot.config import Loaded, Settings, SlackMode
from escalation.errors import EscalationError


def serve(
    port: Annotated[int, typer.Option(help="Where agents (and Slack, over HTTP) reach it.")] = 8080,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    config: ConfigOption = None,
) -> None:
    """Serve Slack and the agents, and keep the clock."""
    log_to_stderr()
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
