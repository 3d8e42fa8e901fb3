"""The configurations that were in force, over every store."""

from escalation.ports import Store
from tests.contract.samples import NOON, TICK


async def test_a_change_of_configuration_is_recognised(store: Store) -> None:
    """The configuration in force is no news; another one is, and so is going back to an earlier one."""
    async with store.write() as tx:
        assert await tx.configurations.add("sha256:aa", at=NOON, body="{}")
    async with store.write() as tx:
        assert not await tx.configurations.add("sha256:aa", at=NOON + TICK, body="{}")
        assert await tx.configurations.add("sha256:bb", at=NOON + TICK, body="{}")
    async with store.write() as tx:
        assert not await tx.configurations.add("sha256:bb", at=NOON + TICK * 2, body="{}")
        assert await tx.configurations.add("sha256:aa", at=NOON + TICK * 3, body="{}")
        assert not await tx.configurations.add("sha256:aa", at=NOON + TICK * 4, body="{}")
