"""Who edited a request, and whether the author may approve it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column(
        "requests", sa.Column("editing", NAME, nullable=False, server_default=sa.text("'author_may_approve'"))
    )
    op.add_column("requests", sa.Column("author", NAME))
    # Until now the author stood in the reason of the request that was edited, and nowhere else.
    op.execute(
        "UPDATE requests SET author = (SELECT substr(edited.reason, length('edited by ') + 1)"
        " FROM requests AS edited WHERE edited.id = requests.edits) WHERE edits IS NOT NULL"
    )
