"""The command line: serve, check, apply, migrate, doctor, restore, keys, audit, slack-manifest."""

import typer

from bot.cli import apply, audit, check, doctor, keys, migrate, restore, serve, slack_manifest

app = typer.Typer(
    name="andon",
    help="Keeps people in charge of AI agents: agents ask in Slack, people decide, the clock never approves.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback with local variables could show a secret
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("check")(check.check)
app.command("apply")(apply.apply)
app.command("migrate")(migrate.migrate)
app.command("doctor")(doctor.doctor)
app.command("slack-manifest")(slack_manifest.slack_manifest)
app.add_typer(keys.app, name="keys")
app.add_typer(restore.app, name="restore")
app.add_typer(audit.app, name="audit")


def main() -> None:
    """Run the command line."""
    app()
