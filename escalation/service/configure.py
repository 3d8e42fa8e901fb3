"""Puts the loaded configuration in force: on the record, with a switch for everything that can be stopped."""

from escalation.audit import EventName
from escalation.configuration import Configuration
from escalation.errors import InvalidConfiguration
from escalation.ports import Page, Transaction
from escalation.service.context import Core
from escalation.service.steps.clerk import by_us


async def put_in_force(core: Core, *, body: str) -> None:
    """
    Remember the configuration (*body*: its files, as text) and make sure of its switches.

    Raises ``InvalidConfiguration`` if the database holds another workspace's requests.
    """
    configuration = core.configuration()
    async with core.store.write() as tx:
        await _check_tenant(tx, configuration)
        if await tx.configurations.add(configuration.version, at=tx.now, body=body):
            await by_us(core, tx, "operator").record(
                EventName.CONFIGURATION_LOADED,
                configuration.version,
                agents=sorted(configuration.agents),
            )
        await tx.switches.ensure(configuration.scopes())


async def _check_tenant(tx: Transaction, configuration: Configuration) -> None:
    # Everything in one database belongs to one workspace: the engine settles and shows all of it.
    for request in await tx.requests.page(Page(limit=1)):
        if request.tenant != configuration.tenant:
            raise InvalidConfiguration(
                f"this database belongs to workspace {request.tenant}, but andon.yaml says"
                f" workspace: {configuration.tenant}; give each workspace a database of its own"
            )
