"""What a server logs may be lost; what it does may not."""

import sys
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from bot.cli.common import log_to_stderr


class _Full(StringIO):
    """A stream on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Log as a server does, to a stream that takes nothing."""
    monkeypatch.setattr(sys, "stderr", _Full())
    log_to_stderr()
    yield
    structlog.reset_defaults()


def test_a_log_that_takes_nothing_stops_nothing(configured: None) -> None:
    """A full disk or a closed pipe behind the log is no error of whoever had something to say."""
    structlog.get_logger("andon").error("module_failed", module="deadlines")
