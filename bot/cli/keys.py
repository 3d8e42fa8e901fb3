"""``andon keys``: the keys with which agents call."""

from typing import Annotated

import typer

from bot.cli.common import ConfigOption, fail, with_core
from escalation.ids import AgentName, KeyId
from escalation.reason import Refused
from escalation.service import keys

app = typer.Typer(help="Agents' keys.", no_args_is_help=True)


@app.command()
def create(
    agent: Annotated[str, typer.Option(help="The agent's name, as its manifest says.")],
    config: ConfigOption = None,
) -> None:
    """Make a key for an agent and print it, once. Only its hash is kept."""
    from bot.adapters import create_file

    # Whoever makes a key before the first `andon serve` should not have to know that it makes the file.
    made = with_core(config, lambda core: keys.create(core, AgentName(agent)), first=create_file)
    if isinstance(made, Refused):
        fail(f"{made} The manifests are agents/*/manifest.yaml.")
    typer.echo(f"{made.key.id} for {agent}. It is shown only now; keep it as ANDON_AGENT_KEY:", err=True)
    typer.echo(made.secret)


@app.command("list")
def list_(config: ConfigOption = None) -> None:
    """List the keys: whose, since when, and whether they still work."""
    for key in with_core(config, keys.every):
        state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}Z" if key.revoked_at else "in use"
        typer.echo(f"{key.id}  {key.agent}  made {key.created_at:%Y-%m-%d %H:%M}Z  {state}")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The key's id, from `andon keys list`.")],
    config: ConfigOption = None,
) -> None:
    """Make a key useless, at once."""
    if not with_core(config, lambda core: keys.revoke(core, KeyId(key))):
        fail(f"There is no key {key} in use; see `andon keys list`.")
    typer.echo(f"{key} is revoked.")
