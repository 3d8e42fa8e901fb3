"""The states of a request, as titles."""

from escalation.request import State

#: What became of a request, in a word or two.
TITLES = {
    State.PENDING: "Waiting",
    State.APPROVED: "Approved",
    State.APPROVED_WITH_EDITS: "Approved with edits",
    State.ANSWERED: "Answered",
    State.REJECTED: "Rejected",
    State.TIMED_OUT: "Timed out",
    State.UNDELIVERABLE: "Nobody could be asked",
    State.CANCELLED: "Taken back",
    State.SUPERSEDED: "Edited",
    State.KILLED: "Stopped",
}
