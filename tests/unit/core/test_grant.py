"""A permission: claimed at most once, in time, by its own agent, for what was approved."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from escalation.action import Digest, action
from escalation.grant import (
    _SPENT,
    HEARTBEAT,
    LEASE,
    Applied,
    Beat,
    Claim,
    Command,
    Doubt,
    Grant,
    GrantState,
    Lapse,
    LateReport,
    Report,
    Resolve,
    Revoke,
    Tell,
    apply,
)
from escalation.ids import AgentName, GrantId, RequestId
from escalation.reason import Reason, Refused
from tests.unit.core.kit import BANK, NOON, OTHER_AGENT, OWNER, POSTING, TICK, refusal

EXPIRES = NOON + timedelta(minutes=10)
CLAIMED_AT = NOON + timedelta(minutes=5)
#: Claimed at 12:05, to be reported within 20 minutes: after the grant itself would have expired.
SILENT = NOON + timedelta(minutes=25)

GRANTED = Grant(
    id=GrantId("grt_1"),
    tenant="T01",
    request=RequestId("req_1"),
    agent=BANK,
    digest=POSTING.digest,
    granted_at=NOON,
    expires_at=EXPIRES,
    report_within=timedelta(minutes=20),
)
CLAIMED = replace(
    GRANTED,
    state=GrantState.CLAIMED,
    version=2,
    attempt="try-1",
    claimed_at=CLAIMED_AT,
    lease_until=CLAIMED_AT + LEASE,
)
ENDED_AT = CLAIMED_AT + HEARTBEAT / 2 - TICK


def ended(state: GrantState) -> Grant:
    before = GRANTED if state in {GrantState.EXPIRED, GrantState.REVOKED} else CLAIMED
    return replace(before, state=state, version=before.version + 1, ended_at=ENDED_AT)


STANDS: dict[GrantState, Grant] = {
    GrantState.GRANTED: GRANTED,
    GrantState.CLAIMED: CLAIMED,
    **{state: ended(state) for state in GrantState if state not in {GrantState.GRANTED, GrantState.CLAIMED}},
}
COMMANDS: dict[str, Command] = {
    "claim": Claim(agent=BANK, digest=POSTING.digest, attempt="try-1"),
    "claim2": Claim(agent=BANK, digest=POSTING.digest, attempt="try-2"),
    "succeeded": Tell(agent=BANK, report=Report.SUCCEEDED),
    "failed": Tell(agent=BANK, report=Report.FAILED),
    "unknown": Tell(agent=BANK, report=Report.UNKNOWN),
    "beat": Beat(agent=BANK, attempt="try-1"),
    "beat2": Beat(agent=BANK, attempt="try-2"),
    "unknown2": Tell(agent=BANK, report=Report.UNKNOWN, attempt="try-2"),
    "succeeded2": Tell(agent=BANK, report=Report.SUCCEEDED, attempt="try-2"),
    "lapse": Lapse(),
    "revoke": Revoke(),
    "resolve": Resolve(by=OWNER, report=Report.SUCCEEDED),
    "resolve?": Resolve(by=OWNER, report=Report.UNKNOWN),
}
S, R = GrantState, Reason
TELLING = ("succeeded", "failed", "unknown", "unknown2", "succeeded2")
BEATING = ("beat", "beat2")
#: What each command makes of each state a moment after 12:05, before any time limit: a state, or why not.
LIFE: dict[GrantState, dict[str, GrantState | Reason]] = {
    S.GRANTED: {
        "claim": S.CLAIMED,
        "claim2": S.CLAIMED,
        **dict.fromkeys((*TELLING, *BEATING), R.NOT_CLAIMED),
        "lapse": R.NOT_YET_DUE,
        "revoke": S.REVOKED,
    },
    S.CLAIMED: {
        "claim": S.CLAIMED,  # the same attempt asks again: its reply was lost
        "claim2": R.GRANT_CLAIMED,
        "succeeded": S.SUCCEEDED,
        "failed": S.FAILED,
        "unknown": S.UNKNOWN,
        "beat": S.CLAIMED,  # too soon to renew the lease
        **dict.fromkeys(("beat2", "unknown2", "succeeded2"), R.GRANT_CLAIMED),
        "lapse": R.NOT_YET_DUE,
        "revoke": R.GRANT_CLAIMED,
    },
    S.SUCCEEDED: {
        **dict.fromkeys(("claim", "claim2", *BEATING, "lapse", "revoke"), R.GRANT_CLAIMED),
        **dict.fromkeys(("succeeded", "succeeded2"), S.SUCCEEDED),  # the same again: its reply was lost
        **dict.fromkeys(("failed", "unknown", "unknown2"), R.ALREADY_REPORTED),
    },
    S.FAILED: {
        **dict.fromkeys(("claim", "claim2", *BEATING, "lapse", "revoke"), R.GRANT_CLAIMED),
        **dict.fromkeys(("succeeded", "succeeded2", "unknown", "unknown2"), R.ALREADY_REPORTED),
        "failed": S.FAILED,
    },
    S.UNKNOWN: {
        **dict.fromkeys(("claim", "claim2", *BEATING, "lapse", "revoke"), R.AWAITING_PERSON),
        "succeeded2": R.AWAITING_PERSON,
        **dict.fromkeys(("succeeded", "failed"), S.UNKNOWN),  # kept, for whoever resolves it
        **dict.fromkeys(("unknown", "unknown2"), S.UNKNOWN),
        "resolve": S.SUCCEEDED,
    },
    S.EXPIRED: {
        **dict.fromkeys(("claim", "claim2", *BEATING, "lapse", "revoke"), R.GRANT_EXPIRED),
        **dict.fromkeys(TELLING, R.NOT_CLAIMED),
    },
    S.REVOKED: {
        **dict.fromkeys(("claim", "claim2", *BEATING, "lapse", "revoke"), R.GRANT_REVOKED),
        **dict.fromkeys(TELLING, R.NOT_CLAIMED),
    },
}
EDGES = [(state, name) for state in GrantState for name in COMMANDS]


@pytest.mark.parametrize(("state", "name"), EDGES, ids=[f"{state.value}-{name}" for state, name in EDGES])
def test_the_life_of_a_grant_has_no_other_edges(state: GrantState, name: str) -> None:
    """Every command in every state does what the table says; only what is unknown can be resolved."""
    expected = LIFE[state].get(name, Reason.NOT_UNKNOWN)
    outcome = apply(STANDS[state], COMMANDS[name], now=ENDED_AT)

    if isinstance(expected, Reason):
        assert outcome == Refused(expected)
    else:
        assert isinstance(outcome, Applied)
        assert outcome.grant.state is expected
        moved = expected is not state or outcome.grant.late is not None
        assert outcome.grant.version == STANDS[state].version + moved
        assert moved or outcome.grant == STANDS[state]


def test_every_spent_state_has_its_reason() -> None:
    """Whoever comes too late is told why, in each state but the first."""
    assert set(_SPENT) == set(GrantState) - {GrantState.GRANTED}


def test_a_claim_says_who_tried_and_when() -> None:
    """The grant keeps the attempt and the instant; what was granted stays as it was."""
    claim = Claim(agent=BANK, digest=POSTING.digest, attempt="try-1")

    assert apply(GRANTED, claim, now=CLAIMED_AT) == Applied(CLAIMED)


EDITED = action("ledger.post", {"amount": "49.91", "account": "4400"})


@pytest.mark.parametrize("grant", STANDS.values(), ids=[state.value for state in STANDS])
@pytest.mark.parametrize(
    ("agent", "digest", "why"),
    [
        (OTHER_AGENT, POSTING.digest, Reason.NOT_YOURS),
        (AgentName(""), POSTING.digest, Reason.NOT_YOURS),
        (OTHER_AGENT, EDITED.digest, Reason.NOT_YOURS),
        (BANK, EDITED.digest, Reason.DIGEST_MISMATCH),  # one cent more
        (BANK, Digest(POSTING.digest.upper()), Reason.DIGEST_MISMATCH),
        (BANK, Digest(POSTING.digest[:-1]), Reason.DIGEST_MISMATCH),
        (BANK, Digest(""), Reason.DIGEST_MISMATCH),
    ],
)
def test_no_other_agent_and_no_other_action(
    grant: Grant, agent: AgentName, digest: Digest, why: Reason
) -> None:
    """In no state, not even for the attempt that claimed it, does another agent or digest get a go."""
    outcome = apply(grant, Claim(agent=agent, digest=digest, attempt="try-1"), now=ENDED_AT)

    assert outcome == Refused(why)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (EXPIRES - TICK, None),
        (EXPIRES, Reason.GRANT_EXPIRED),
        (EXPIRES + TICK, Reason.GRANT_EXPIRED),
        (EXPIRES + timedelta(days=9), Reason.GRANT_EXPIRED),
    ],
)
def test_a_grant_expires_to_the_microsecond(now: datetime, why: Reason | None) -> None:
    """A claim one microsecond before the end is in time; at the end it is not, whether anybody looked."""
    outcome = apply(GRANTED, COMMANDS["claim"], now=now)

    assert (outcome.reason if isinstance(outcome, Refused) else None) is why


@pytest.mark.parametrize(
    ("grant", "now", "state"),
    [
        (GRANTED, EXPIRES - TICK, None),
        (GRANTED, EXPIRES, GrantState.EXPIRED),
        (GRANTED, SILENT, GrantState.EXPIRED),
        (CLAIMED, EXPIRES, None),  # the grant's own end no longer matters
        (CLAIMED, SILENT - TICK, None),
        (CLAIMED, SILENT, GrantState.UNKNOWN),
        (CLAIMED, SILENT + timedelta(days=9), GrantState.UNKNOWN),
    ],
)
def test_time_ends_a_grant_and_never_in_success(
    grant: Grant, now: datetime, state: GrantState | None
) -> None:
    """Unclaimed it expires; unreported it is unknown, 12:05 + 20 min = 12:25; neither is early."""
    outcome = apply(grant, Lapse(), now=now)

    if state is None:
        assert refusal(outcome) is Reason.NOT_YET_DUE
    else:
        assert outcome == Applied(replace(grant, state=state, ended_at=now, version=grant.version + 1))


@pytest.mark.parametrize(
    ("grant", "due"),
    [
        (GRANTED, EXPIRES),
        (CLAIMED, SILENT),
        *(
            (ended(state), None)
            for state in GrantState
            if state not in {GrantState.GRANTED, GrantState.CLAIMED}
        ),
    ],
)
def test_the_clock_looks_when_something_can_end(grant: Grant, due: datetime | None) -> None:
    """A grant is due when it expires, or when the silence after its claim has lasted too long."""
    assert grant.next_due_at == due


def test_a_report_keeps_what_the_agent_said() -> None:
    """The first report stands, with its result; the same again changes nothing, even with another result."""
    told = apply(CLAIMED, Tell(agent=BANK, report=Report.SUCCEEDED, result='{"entry":7}'), now=ENDED_AT)

    assert isinstance(told, Applied)
    assert told.grant == replace(ended(GrantState.SUCCEEDED), result='{"entry":7}')
    assert apply(told.grant, Tell(agent=BANK, report=Report.SUCCEEDED, result="8"), now=SILENT) == told


@pytest.mark.parametrize("grant", STANDS.values(), ids=[state.value for state in STANDS])
@pytest.mark.parametrize("report", Report)
def test_no_agent_reports_for_another(grant: Grant, report: Report) -> None:
    """What happened with a grant is said by the agent it was given to."""
    assert apply(grant, Tell(agent=OTHER_AGENT, report=report), now=ENDED_AT) == Refused(Reason.NOT_YOURS)


@pytest.mark.parametrize("name", ["beat", "claim"])
@pytest.mark.parametrize(
    ("now", "renewed"),
    [
        (CLAIMED_AT, False),
        (CLAIMED_AT + HEARTBEAT / 2 - TICK, False),
        (CLAIMED_AT + HEARTBEAT / 2, True),
        (CLAIMED_AT + LEASE + TICK, True),  # it was away, and nobody has given it up
        (SILENT - TICK, True),
    ],
)
def test_a_sign_of_life_renews_the_lease_now_and_then(name: str, now: datetime, *, renewed: bool) -> None:
    """A heartbeat, or a claim that is repeated, makes the lease whole again, at most twice a heartbeat."""
    outcome = apply(CLAIMED, COMMANDS[name], now=now)

    again = replace(CLAIMED, lease_until=now + LEASE, version=3)
    assert outcome == Applied(again if renewed else CLAIMED)


@pytest.mark.parametrize("name", ["beat", "claim"])
def test_a_sign_of_life_does_not_put_off_the_time_to_report(name: str) -> None:
    """From 12:25 on the outcome counts as unknown, however alive the attempt is."""
    assert apply(CLAIMED, COMMANDS[name], now=SILENT) == Refused(Reason.AWAITING_PERSON)
    assert replace(CLAIMED, lease_until=SILENT + LEASE).next_due_at == SILENT


def test_a_claim_from_before_there_were_leases_is_not_held() -> None:
    """A row without a lease can be renewed, and is given up as before."""
    old = replace(CLAIMED, lease_until=None)

    assert not old.is_held(CLAIMED_AT)
    assert apply(old, COMMANDS["beat"], now=CLAIMED_AT) == Applied(
        replace(CLAIMED, version=3, lease_until=CLAIMED_AT + LEASE)
    )
    assert isinstance(apply(old, COMMANDS["unknown2"], now=CLAIMED_AT), Applied)


@pytest.mark.parametrize(
    ("name", "now", "state"),
    [
        ("unknown2", CLAIMED_AT + LEASE - TICK, None),
        ("unknown2", CLAIMED_AT + LEASE, GrantState.UNKNOWN),
        ("succeeded2", CLAIMED_AT + LEASE, None),
        ("unknown", CLAIMED_AT, GrantState.UNKNOWN),  # a client that names no attempt is taken at its word
    ],
)
def test_another_attempt_gives_up_only_what_is_not_held(
    name: str, now: datetime, state: GrantState | None
) -> None:
    """Another attempt says unknown once the lease has run out, and nothing else ever."""
    outcome = apply(CLAIMED, COMMANDS[name], now=now)

    if state is None:
        assert outcome == Refused(Reason.GRANT_CLAIMED)
    else:
        assert outcome == Applied(replace(CLAIMED, state=state, ended_at=now, version=3))


def test_no_agent_beats_for_another() -> None:
    """A heartbeat of another agent is refused, with the right attempt too."""
    assert apply(CLAIMED, Beat(agent=OTHER_AGENT, attempt="try-1"), now=ENDED_AT) == Refused(Reason.NOT_YOURS)


@pytest.mark.parametrize("report", [Report.SUCCEEDED, Report.FAILED])
def test_what_is_said_too_late_is_kept_and_changes_nothing(report: Report) -> None:
    """The first late report of the attempt that claimed stands beside the unknown; a person still says."""
    unknown = ended(GrantState.UNKNOWN)
    kept = apply(unknown, Tell(agent=BANK, report=report, result="7", attempt="try-1"), now=SILENT)

    late = LateReport(report=report, result="7", at=SILENT)
    assert kept == Applied(replace(unknown, late=late, version=4))
    assert isinstance(kept, Applied)
    for again in (Report.SUCCEEDED, Report.FAILED):
        assert apply(kept.grant, Tell(agent=BANK, report=again), now=SILENT) == Refused(
            Reason.AWAITING_PERSON
        )
    resolved = apply(kept.grant, COMMANDS["resolve"], now=SILENT)
    assert isinstance(resolved, Applied)
    assert (resolved.grant.state, resolved.grant.late) == (GrantState.SUCCEEDED, late)


def test_a_late_report_is_better_than_none() -> None:
    """Until the clock has said unknown, the agent may still say what happened."""
    outcome = apply(CLAIMED, Tell(agent=BANK, report=Report.FAILED), now=SILENT + TICK)

    assert isinstance(outcome, Applied)
    assert outcome.grant.state is GrantState.FAILED


@pytest.mark.parametrize("found", [Report.SUCCEEDED, Report.FAILED])
def test_a_report_that_contradicts_a_person_is_kept(found: Report) -> None:
    """What the attempt that claimed says against a person stands beside it, once, and changes no state."""
    outcome = apply(ended(GrantState.UNKNOWN), Resolve(by=OWNER, report=found), now=SILENT)
    assert isinstance(outcome, Applied)
    opposite = Report.FAILED if found is Report.SUCCEEDED else Report.SUCCEEDED
    other = Tell(agent=BANK, report=opposite, result="7", attempt="another")
    assert apply(outcome.grant, other, now=SILENT) == Refused(Reason.ALREADY_REPORTED)
    kept = apply(outcome.grant, replace(other, attempt="try-1"), now=SILENT)
    late = LateReport(report=opposite, result="7", at=SILENT)
    assert kept == Applied(replace(outcome.grant, late=late, version=5))
    assert isinstance(kept, Applied)
    for again in Report:
        assert apply(kept.grant, Tell(agent=BANK, report=again), now=SILENT) == Refused(
            Reason.ALREADY_REPORTED
        )


@pytest.mark.parametrize(
    ("report", "state"), [(Report.SUCCEEDED, GrantState.SUCCEEDED), (Report.FAILED, GrantState.FAILED)]
)
def test_a_person_resolves_the_unknown_once(report: Report, state: GrantState) -> None:
    """Who found out is on the grant, and then neither agent nor person changes the outcome."""
    resolved = apply(ended(GrantState.UNKNOWN), Resolve(by=OWNER, report=report), now=SILENT)

    assert isinstance(resolved, Applied)
    assert resolved.grant == replace(
        ended(GrantState.UNKNOWN), state=state, resolved_by=OWNER, ended_at=SILENT, version=4
    )
    for again in (report, Report.UNKNOWN):
        told = apply(resolved.grant, Tell(agent=BANK, report=again), now=SILENT)
        assert told == Refused(Reason.ALREADY_REPORTED)
    for again in (Report.SUCCEEDED, Report.FAILED):
        assert apply(resolved.grant, Resolve(by=OWNER, report=again), now=SILENT) == Refused(
            Reason.NOT_UNKNOWN
        )


@pytest.mark.parametrize("state", GrantState)
def test_after_a_restore_nobody_knows(state: GrantState) -> None:
    """What may have been used since an older copy was made is not used again; its outcome is unknown."""
    before = (
        GRANTED if state is GrantState.GRANTED else CLAIMED if state is GrantState.CLAIMED else ended(state)
    )
    outcome = apply(before, Doubt(), now=SILENT)
    match state:
        case GrantState.GRANTED | GrantState.CLAIMED:
            assert isinstance(outcome, Applied)
            assert (outcome.grant.state, outcome.grant.ended_at) == (GrantState.UNKNOWN, SILENT)
            assert isinstance(apply(outcome.grant, Doubt(), now=SILENT), Refused)
        case _:
            assert outcome == Refused(_SPENT[state])
