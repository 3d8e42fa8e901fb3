"""Plays the demo's people, scene by scene, while the agent closes the month and afterwards."""

import asyncio

from andon import Andon
from deploy.demo.cards import WITHIN
from deploy.demo.processes import running
from deploy.demo.scenes import AFTERWARDS, WHILE_THE_AGENT_ASKS, Scene
from deploy.demo.stack import PLACE, Stack


async def play(on: Stack) -> int:
    """Play every scene and print the transcript; return the exit code."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with (
        Andon(url=on.bot_url, key=on.key, workflow="demo") as andon,
        running(on.agent_command(), on.agent_environment, PLACE / "agent.log") as agent,
    ):
        for title, scene in WHILE_THE_AGENT_ASKS:
            await _show(title, scene, on, andon)
        async with asyncio.timeout(WITHIN):
            await agent.wait()
        for title, scene in AFTERWARDS:
            await _show(title, scene, on, andon)
    print(f"\n  Every scene went as it should, in {loop.time() - began:.0f} s.")
    return 0


async def _show(title: str, scene: Scene, on: Stack, andon: Andon) -> None:
    print(f"  ✔ {title}: {await scene(on, andon)}", flush=True)
