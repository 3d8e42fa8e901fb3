"""Why something was refused: a closed list, and the words for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum


class Reason(Enum):
    """Why a command changed nothing."""

    # Who
    NOT_AN_APPROVER = "not_an_approver"
    UNKNOWN_PERSON = "unknown_person"
    OWNER_MAY_NOT_DECIDE = "owner_may_not_decide"
    ALREADY_DECIDED_BY_YOU = "already_decided_by_you"
    AUTHOR_MAY_NOT_APPROVE = "author_may_not_approve"
    NOT_AN_OPERATOR = "not_an_operator"
    SAME_PERSON_STOPPED = "same_person_stopped"
    SAME_PERSON_RESTORED = "same_person_restored"
    NOT_YOURS = "not_yours"
    # When
    ALREADY_SETTLED = "already_settled"
    PAST_DEADLINE = "past_deadline"
    NOT_YET_DUE = "not_yet_due"
    # What
    UNKNOWN_REQUEST = "unknown_request"
    UNKNOWN_GRANT = "unknown_grant"
    UNKNOWN_SCOPE = "unknown_scope"
    UNKNOWN_AGENT = "unknown_agent"
    UNKNOWN_ACTION_TYPE = "unknown_action_type"
    ARGUMENTS_INVALID = "arguments_invalid"
    KEY_REUSED = "key_reused"
    DIGEST_MISMATCH = "digest_mismatch"
    NOT_A_PROPOSAL = "not_a_proposal"
    NOT_A_QUESTION = "not_a_question"
    NOT_AN_OPTION = "not_an_option"
    REASON_MISSING = "reason_missing"
    NOTHING_EDITED = "nothing_edited"
    EDITS_FORBIDDEN = "edits_forbidden"
    NOT_ASKABLE_AGAIN = "not_askable_again"
    ALREADY_ASKED_AGAIN = "already_asked_again"
    ALREADY_ACKNOWLEDGED = "already_acknowledged"
    # Rules and stops
    STOPPED = "stopped"
    NOT_STOPPED = "not_stopped"
    ALREADY_STOPPED = "already_stopped"
    STILL_ENDING = "still_ending"
    FROZEN = "frozen"
    NOT_FROZEN = "not_frozen"
    OVER_CAP = "over_cap"
    RULES_CHANGED = "rules_changed"
    DENIED_BY_RULE = "denied_by_rule"
    AUTHORITY_LAPSED = "authority_lapsed"
    # Grants
    GRANT_EXPIRED = "grant_expired"
    GRANT_REVOKED = "grant_revoked"
    GRANT_CLAIMED = "grant_claimed"
    NOT_CLAIMED = "not_claimed"
    ALREADY_REPORTED = "already_reported"
    AWAITING_PERSON = "awaiting_person"
    NOT_UNKNOWN = "not_unknown"


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing changed, and why."""

    reason: Reason
    detail: str = ""  #: What exactly: a path, a name, a rule. Empty when the reason says it all.
    retry_after: timedelta | None = None  #: When the same command may go through, if it may at all.

    def __str__(self) -> str:
        words = WORDS[self.reason]
        return f"{words} ({self.detail})" if self.detail else words


#: One sentence for people and agents: what is wrong and, where there is one, the way out.
WORDS: Mapping[Reason, str] = {
    Reason.NOT_AN_APPROVER: "You are not an approver of this request.",
    Reason.UNKNOWN_PERSON: (
        "This account belongs to nobody in andon.yaml, so it may not do this. Whoever runs Andon can add it."
    ),
    Reason.OWNER_MAY_NOT_DECIDE: "You own this agent; somebody else has to decide.",
    Reason.ALREADY_DECIDED_BY_YOU: "You have decided this already; a second approver is needed.",
    Reason.AUTHOR_MAY_NOT_APPROVE: "You wrote these values, so somebody else has to approve them.",
    Reason.NOT_AN_OPERATOR: "Only operators named in andon.yaml may do this.",
    Reason.SAME_PERSON_STOPPED: "You pulled this stop; a different operator has to resume it.",
    Reason.SAME_PERSON_RESTORED: "You acknowledged the restore; a different operator has to resume it.",
    Reason.NOT_YOURS: "This belongs to another agent.",
    Reason.ALREADY_SETTLED: "This request is settled already; nothing changed.",
    Reason.PAST_DEADLINE: "The deadline has passed; the safe default applies and nothing is done.",
    Reason.NOT_YET_DUE: "The deadline has not come yet.",
    Reason.UNKNOWN_REQUEST: "There is no such request.",
    Reason.UNKNOWN_GRANT: "There is no such grant.",
    Reason.UNKNOWN_SCOPE: "There is no such scope. Use all, agent:NAME, function:NAME or action:TYPE.",
    Reason.UNKNOWN_AGENT: "No manifest names this agent.",
    Reason.UNKNOWN_ACTION_TYPE: "The agent's manifest has no such action type.",
    Reason.ARGUMENTS_INVALID: "The arguments do not fit the action's schema.",
    Reason.KEY_REUSED: "This idempotency key was used to ask something else. Use a new one.",
    Reason.DIGEST_MISMATCH: "The digest is not the one that was approved; nothing may run.",
    Reason.NOT_A_PROPOSAL: "This is a question; answer it instead.",
    Reason.NOT_A_QUESTION: "This is a proposal; approve or reject it instead.",
    Reason.NOT_AN_OPTION: "This is none of the options, and the question takes no free text.",
    Reason.REASON_MISSING: "A rejection needs a reason: the agent is told what to do better.",
    Reason.NOTHING_EDITED: "Nothing was edited. Approve it as it is, or change a value.",
    Reason.EDITS_FORBIDDEN: "The rule takes no edits. Reject it, and say what the agent should change.",
    Reason.NOT_ASKABLE_AGAIN: "Only a request that nobody answered can be asked again.",
    Reason.ALREADY_ASKED_AGAIN: "This was asked again already.",
    Reason.ALREADY_ACKNOWLEDGED: "Somebody is looking at this already.",
    Reason.STOPPED: "Stopped: nothing new starts until a different operator resumes it.",
    Reason.NOT_STOPPED: "This is not stopped.",
    Reason.ALREADY_STOPPED: "This is stopped already.",
    Reason.STILL_ENDING: (
        "The stop is still ending what waited when it was pulled; try again in a moment. Nothing changed."
    ),
    Reason.FROZEN: (
        "Nothing is released now: the database is an older copy, and an operator has to acknowledge that"
        " first. Nothing was done; rejecting and stopping work as ever."
    ),
    Reason.NOT_FROZEN: "Releases are not frozen: the database has the head that was kept outside.",
    Reason.OVER_CAP: "Too much is asked of people; this was not. Send the same call again later.",
    Reason.RULES_CHANGED: "The rules changed since this was asked, and now they deny it.",
    Reason.DENIED_BY_RULE: "A rule denies this.",
    Reason.AUTHORITY_LAPSED: "The approvals no longer suffice: an approver or the rules changed. Ask again.",
    Reason.GRANT_EXPIRED: "The grant has expired; nothing may run. Ask again.",
    Reason.GRANT_REVOKED: "The grant was revoked; nothing may run.",
    Reason.GRANT_CLAIMED: "The grant was claimed already; an effect runs at most once.",
    Reason.NOT_CLAIMED: "The grant was not claimed, so nothing can have run.",
    Reason.ALREADY_REPORTED: "Another outcome was reported already.",
    Reason.AWAITING_PERSON: "The outcome is unknown; a person has to say what happened.",
    Reason.NOT_UNKNOWN: "The outcome of this is known.",
}
