"""Finds what is pending by agent, channel and approvers, and who was asked lately."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add indexes alone: the three of what is pending stay as small as that is."""
    _of_pending("requests_pending_agent", "agent")
    _of_pending("requests_pending_channel", "channel")
    _of_pending("requests_pending_approvers", "approvers", "deadline", "id")
    op.create_index("requests_asked", "requests", ["approvers", "asked_at"])


def _of_pending(name: str, *columns: str) -> None:
    condition = sa.text("next_due_at IS NOT NULL")
    op.create_index(name, "requests", columns, postgresql_where=condition, sqlite_where=condition)
