"""Puts the agents' folders where their programs find their own packages."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from reconcile.book import Book

AGENT = Path(__file__).parents[3] / "agents" / "bank_reconciliation"

for folder in (AGENT, AGENT / "data", Path(__file__).parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


@pytest.fixture
def book(tmp_path: Path) -> "Book":
    """Return a book that is not there yet."""
    from reconcile.book import Book

    return Book(tmp_path / "close.beancount")
