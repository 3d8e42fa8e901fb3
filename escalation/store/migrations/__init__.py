"""The history of the schema: one file a change, each seen by SQLite and PostgreSQL alike."""

from typing import Final

#: Every revision, oldest first. A test compares it with the files.
REVISIONS: Final = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
)
