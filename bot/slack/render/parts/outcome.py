"""How a request ended, and what became of the permission, in one or two sentences."""

from collections.abc import Iterator
from typing import assert_never

from bot.slack.render.block_kit import blocks
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.slack.render.parts.link import linked
from bot.slack.render.parts.people import person
from bot.wording.arguments import hidden_texts, redacted
from bot.wording.text import quoted
from bot.wording.view import View
from escalation.grant import Grant, GrantState, LateReport, Report
from escalation.request import State, Verdict


def outcome(view: View) -> tuple[Block, ...]:
    """Return the blocks that say how *view*'s request ended."""
    sentences = [sentence(view), *_grant(view), *_follow(view)]
    said = _said(view)
    drawn = [blocks.section("\n".join(sentences))]
    if said:
        drawn.append(blocks.verbatim(quoted(redacted(said, hidden_texts(view)), 2800)))
    return tuple(drawn)


def too_late(view: View) -> tuple[Block, ...]:
    """Return the blocks that tell whoever came too late how *view*'s request ended without them."""
    start = blocks.section("*Too late: your click changed nothing.*")
    if view.request.state.is_settled:
        return (start, *outcome(view))
    return (start, blocks.section("The deadline has passed; the safe default applies and nothing is done."))


def sentence(view: View) -> str:
    """Return in markup who ended it, when, and what that means."""
    request = view.request
    when = "" if request.settled_at is None else f" {view.times.at(request.settled_at)}"
    match request.state:
        case State.PENDING:
            return "It waits for a decision."
        case State.APPROVED | State.APPROVED_WITH_EDITS if not request.decisions:
            return f"Rule {mrkdwn(request.ruling.rule)} allows it; nobody was asked{when}."
        case State.APPROVED | State.APPROVED_WITH_EDITS:
            return f"Approved by {_deciders(view, Verdict.APPROVE)}."
        case State.ANSWERED:
            return f"Answered by {_deciders(view, Verdict.ANSWER)}:"
        case State.REJECTED if not request.decisions:
            return f"Rule {mrkdwn(request.ruling.rule)} refused it{when}. *Nothing was done.*"
        case State.REJECTED:
            return f"Rejected by {_deciders(view, Verdict.REJECT)}. *Nothing was done.* The reason:"
        case State.TIMED_OUT:
            return f"{in_time(view)}{when}. *Nothing was done.*"
        case State.UNDELIVERABLE:
            return f"Nobody could be asked{when}. *Nothing was done.*"
        case State.CANCELLED:
            return f"The agent took it back{when}. *Nothing was done.*"
        case State.SUPERSEDED:
            return f"{_editor(view)} changed the arguments{when}; the edited request takes its place."
        case State.KILLED:
            return f"A stop ended it{when}. *Nothing was done.*"
        case _:
            assert_never(request.state)


def _deciders(view: View, verdict: Verdict) -> str:
    made = [decision for decision in view.request.decisions if decision.verdict is verdict]
    return " and ".join(f"*{person(view, d.person)}* {view.times.at(d.at)}" for d in made)


def _editor(view: View) -> str:
    by = view.request.edited_by
    return "Somebody" if by is None else f"*{person(view, by)}*"


def _said(view: View) -> str:
    """Return the words that belong to the outcome: a person's, an agent's or a tool's; none are ours."""
    request = view.request
    match request.state:
        case State.ANSWERED:
            return request.answer or ""
        case State.REJECTED | State.UNDELIVERABLE | State.CANCELLED | State.KILLED:
            return request.reason or ""
        case _:
            return ""


def _follow(view: View) -> Iterator[str]:
    if view.request.follow is not None and view.request.state.went_unanswered:
        yield f"It was asked again as {linked(view.link_to_new, mrkdwn(view.request.follow))}."
    elif view.request.state is State.SUPERSEDED and view.link_to_new is not None:
        yield f"It goes on with {linked(view.link_to_new, 'the edited request')}."


def _grant(view: View) -> Iterator[str]:
    if view.grant is not None:
        yield became(view, view.grant)


def _late(agent: str, late: LateReport | None) -> str:
    if late is None:
        return ""
    ended = "succeeded" if late.report is Report.SUCCEEDED else "did not succeed"
    return f" {agent} reports, too late to count, that it {ended}."


def in_time(view: View) -> str:
    """Return who decided before the deadline of a request that timed out; not all who had to, at any rate."""
    approvers = " and ".join(f"*{person(view, approver)}*" for approver in view.request.approved_by)
    return f"Only {approvers} approved in time" if approvers else "Nobody decided in time"


def became(view: View, grant: Grant) -> str:
    """Return what became of the permission *grant*, in a sentence."""
    agent, at = mrkdwn(grant.agent), view.times.at
    ended = "" if grant.ended_at is None else f" {at(grant.ended_at)}"
    told = f"{person(view, grant.resolved_by)} found out" if grant.resolved_by else f"{agent} reports"
    match grant.state:
        case GrantState.GRANTED:
            return f"{agent} may do it once, until {at(grant.expires_at)}."
        case GrantState.CLAIMED:
            return f"{agent} is doing it" + (f" since {at(grant.claimed_at)}." if grant.claimed_at else ".")
        case GrantState.SUCCEEDED:
            return f"*Done:* {told} that it succeeded{ended}.{_late(agent, grant.late)}"
        case GrantState.FAILED:
            return f"*Failed:* {told} that it did not succeed{ended}.{_late(agent, grant.late)}"
        case GrantState.UNKNOWN:
            late = _late(agent, grant.late)
            return f"⚠️ *Nobody knows whether it happened*{ended}.{late} A person has to find out and say."
        case GrantState.EXPIRED:
            return f"*It was not done:* {agent} did not use the permission in time."
        case GrantState.REVOKED:
            return f"*It was not done:* the permission was taken back{ended}."
        case _:
            assert_never(grant.state)
