"""``andon check``: whether what the files say is complete and makes sense."""

import typer

from bot.cli.common import ConfigOption, loaded, places


def check(config: ConfigOption = None) -> None:
    """Check andon.yaml, every manifest and every runbook, as a whole."""
    path = config or places().andon_config
    found = loaded(path).configuration
    actions = sum(len(agent.actions) for agent in found.agents.values())
    people, teams = len(found.directory.people), len(found.directory.teams)
    typer.echo(
        f"{path} is valid: {_count(len(found.agents), 'agent')}, {_count(actions, 'action type')}, "
        f"{_count(people, 'person', 'people')}, {_count(teams, 'team')}. Version {found.version}."
    )


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
