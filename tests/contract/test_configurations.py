"""The configurations that were in force, over every store."""

from escalation.ports import Store, StoredConfiguration
from tests.contract.samples import NOON, TICK

AA = StoredConfiguration(version="aa", body='{"andon.yaml": "workspace: T1"}')


async def test_a_configuration_is_remembered(store: Store) -> None:
    """What was in force is found by its version, however often it came into force; nothing else is."""
    for again in range(2):
        async with store.write() as tx:
            await tx.configurations.add(AA, at=NOON + TICK * again)
            assert await tx.configurations.get("aa") == AA
    async with store.read() as tx:
        assert await tx.configurations.get("aa") == AA
        assert await tx.configurations.get("bb") is None
