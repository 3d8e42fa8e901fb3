"""What a stop covers, in escaped words."""

from bot.slack.render.block_kit.mrkdwn import mrkdwn
from escalation.switch import Scope, ScopeKind


def covered(scope: Scope) -> str:
    """Return what *scope* covers, in escaped words."""
    match scope.kind:
        case ScopeKind.ALL:
            return "every agent"
        case ScopeKind.AGENT:
            return f"the agent {mrkdwn(scope.name)}"
        case ScopeKind.FUNCTION:
            return f"every agent of {mrkdwn(scope.name)}"
        case ScopeKind.ACTION:
            return f"every {mrkdwn(scope.name)}"
