"""Every action id and callback id, once: what is rendered carries them, what listens is found by them."""

from typing import Final

APPROVE: Final = "request:approve"
EDIT: Final = "request:edit"
REJECT: Final = "request:reject"
MORE: Final = "request:more"  #: The overflow menu; its values are ``acknowledge:<id>`` and so on.
FULL: Final = "request:full"
ANSWER: Final = "request:answer"  #: Buttons are ``request:answer:0``, …; the value is ``<id>|<index>``.
ANSWER_TEXT: Final = "request:answer_text"
ASK_AGAIN: Final = "request:ask_again"
RESOLVE_SUCCEEDED: Final = "grant:resolve_succeeded"
RESOLVE_FAILED: Final = "grant:resolve_failed"
STOP: Final = "switch:stop"  #: The value is a scope, such as ``agent:bank-reconciliation``.
RESUME: Final = "switch:resume"

#: What the overflow menu offers: the part of its value before the colon.
MORE_ACKNOWLEDGE: Final = "acknowledge"
MORE_FULL: Final = "full"
MORE_WHY: Final = "why"
MORE_RUNBOOK: Final = "runbook"

#: Callback ids of modals that are submitted.
APPROVED_FULL: Final = "request:approve_full"
REJECTED: Final = "request:rejected"
EDITED: Final = "request:edited"
ANSWERED: Final = "request:answered"
STOPPED: Final = "switch:stopped"
#: The callback id of modals that are only read.
READ: Final = "read"

#: Every action id a card, notice, modal or home may carry (answers also end in ``:0``, ``:1``, …).
ACTIONS: Final = frozenset(
    {
        *(APPROVE, EDIT, REJECT, MORE, FULL, ANSWER, ANSWER_TEXT, ASK_AGAIN),
        *(RESOLVE_SUCCEEDED, RESOLVE_FAILED, STOP, RESUME),
    }
)
CALLBACKS: Final = frozenset({APPROVED_FULL, REJECTED, EDITED, ANSWERED, STOPPED, READ})
