"""
The demo: ``make demo`` lets you decide, ``make demo AUTO=1`` plays everybody's part.

A local Slack in the browser, the bot on SQLite, and an agent that closes a month's bank account.
"""

import asyncio
import os
import signal
import sys

from deploy.demo.autoplay import play
from deploy.demo.local_slack import LocalSlackError
from deploy.demo.processes import ROOT, DidNotWork, running
from deploy.demo.stack import PLACE, Stack, running_stack

_WELCOME = """
  Andon is running. An agent is closing October and asks you before it posts.

  1. Open {slack} and act as Salma (finance manager). In #finance: approve one, edit one,
     reject one with a reason, answer the question.
  2. As Omar, in #directors: try to approve. Then as Maryam and as Yusuf: 7,200.000 takes both of them.
  3. As Nadia, before the last one is decided: /andon stop all    Then as Khalid: /andon resume all
  4. Your own agent: source {place}/agent.env, then use the SDK or the API at {bot}
  5. Ctrl-C ends it all. The book that the agent writes: {book}
"""


async def by_hand() -> int:
    """Run the demo until Ctrl-C."""
    async with running_stack() as on:
        stopped = _stopped()
        place = PLACE.relative_to(ROOT)
        print(
            _WELCOME.format(slack=on.slack.url, bot=on.bot_url, place=place, book=place / "close.beancount"),
            flush=True,
        )
        async with running(on.agent_command(), on.agent_environment, PLACE / "agent.log") as agent:
            done = asyncio.create_task(agent.wait())
            await asyncio.wait({stopped, done}, return_when=asyncio.FIRST_COMPLETED)
            if done.done() and not stopped.done():
                print((PLACE / "agent.log").read_text(encoding="utf-8"), flush=True)
                print("The agent is done; the bot goes on. Ctrl-C ends it.", flush=True)
                await stopped
            done.cancel()
    print("\nEverything is stopped.")
    return 0


async def by_itself() -> int:
    """Play the people through every scenario; return the exit code."""
    async with running_stack(sla="25s") as on:
        return await _played(on)


async def _played(on: Stack) -> int:
    playing, stopped = asyncio.create_task(play(on)), _stopped()
    await asyncio.wait({playing, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not playing.done():
        playing.cancel()
        return 130
    stopped.cancel()
    return playing.result()


def _stopped() -> "asyncio.Task[bool]":
    """Return what is done once somebody presses Ctrl-C; from now on that ends everything in order."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return asyncio.create_task(stopped.wait())


def main() -> int:
    """Run the demo that the environment asks for."""
    try:
        return asyncio.run(by_itself() if os.environ.get("AUTO") else by_hand())
    except (DidNotWork, LocalSlackError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
