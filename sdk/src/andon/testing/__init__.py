"""
Fakes for the unit tests of agents: a script decides in place of people, and nothing leaves the process.

    script = Script().approve("ledger.post").reject("ledger.post", reason="twice")
    andon = Andon(offline=script)
    ...
    assert script.asked[0].arguments == {...}         # what the agent asked
    assert script.reported[0].state is GrantState.SUCCEEDED
"""

from andon.testing.script import Asked, Script

__all__ = ["Asked", "Script"]
