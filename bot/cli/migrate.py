"""``andon migrate``: bring the database's schema up to this program's."""

import typer

from bot.cli.common import places, run_or_fail


def migrate() -> None:
    """Create the schema, or bring it up to date. On PostgreSQL, run it before the new version serves."""
    from bot.adapters import migrate as migrate_store

    run_or_fail(migrate_store(places()))
    typer.echo("The schema is up to date.")
