"""The configuration that one process works by: it is replaced as a whole, never changed."""

import asyncio

from bot.config.load import Loaded, load_remembered
from escalation.configuration import Configuration
from escalation.errors import InvalidConfiguration
from escalation.ports import StoredConfiguration


class Held:
    """Begins with *loaded*, and adopts what is put in force after that."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._turn = asyncio.Lock()

    def configuration(self) -> Configuration:
        """Return what the process works by now."""
        return self._loaded.configuration

    def runbook_text(self, name: str) -> str | None:
        """Return the Markdown of the runbook *name*."""
        return self._loaded.runbook_text(name)

    def become(self, loaded: Loaded) -> None:
        """Work by *loaded* from now on."""
        self._loaded = loaded

    def check_workspace(self, loaded: Loaded) -> None:
        """Raise ``InvalidConfiguration`` if *loaded* is for another workspace than this process serves."""
        mine, its = self.configuration().tenant, loaded.configuration.tenant
        if mine != its:
            raise InvalidConfiguration(
                f"andon.yaml says workspace: {its}, and this process serves {mine}; stop every process,"
                " then start them with the new one"
            )

    async def adopt(self, stored: StoredConfiguration) -> None:
        """Work by *stored* from now on. Raises ``InvalidConfiguration`` if that cannot be."""
        async with self._turn:
            # Whoever had to wait here waited for the same.
            if stored.version == self.configuration().version:
                return
            loaded = await asyncio.to_thread(load_remembered, stored)
            self.check_workspace(loaded)
            self.become(loaded)
