"""What must hold at the end of every scenario, read from the rows, the record and what Slack was sent."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from bot.slack.render.block_kit import action_ids
from escalation.action import decode
from escalation.audit import Event, Stored
from escalation.configuration import Configuration
from escalation.grant import Grant, GrantState
from escalation.ids import PersonId
from escalation.policy import Then
from escalation.ports import Page, Store
from escalation.replay import Replay, of_grant, of_request
from escalation.request import Request, State, Verdict
from escalation.service import seal
from escalation.service.context import Core
from escalation.store.memory import MemoryStore
from escalation.store.memory.inbox import CLICKS
from escalation.store.postgres import PostgresStore
from escalation.store.sqlite import SqliteStore
from escalation.verification import Verified
from tests.harness.fake_slack import FakeSlack
from tests.scenario.unreliable import UnreliableStore

_ENDS = {f"request.{state.value}" for state in State if state.is_settled}
#: What the log may never hold unless the scenario provoked it.
_DECIDES = (action_ids.APPROVE, action_ids.EDIT, action_ids.REJECT, action_ids.ANSWER, action_ids.ANSWER_TEXT)
_ALARMS = {"courtesy_refused", "courtesy_failed"}


async def hold(core: Core, slack: FakeSlack, history: Sequence[Configuration]) -> None:
    """Check every law that is about rows, the record and Slack."""
    while await seal.seal(core, batch=1000):
        pass
    verdict = await seal.verify(core.store)
    assert isinstance(verdict, Verified), verdict
    linked, requests, grants = await _everything(core)
    assert (verdict.events, verdict.unsealed) == (len(linked), 0)
    events = [event for event in (each.event() for each in linked) if event is not None]
    clicks = await clicks_in(core.store)
    await _the_record_tells_the_tables(core, requests, grants)
    for request in requests:
        about = [event for event in events if event.subject == request.id]
        _its_state_is_its_last_event(request, about)
        _each_decision_stands_on_a_click(request, about, clicks)
        _authority_is_enough(request, grants, history)
        await _its_card_tells_the_end(core, request, slack)
    for grant in grants:
        _its_events_are_its_life(grant, [event for event in events if event.subject == grant.id])
    _slack_took_everything(slack)


def quiet(log: Iterable[Mapping[str, Any]], *, expected: frozenset[str] = frozenset()) -> None:
    """Check that nothing was logged that somebody would have to look at."""
    loud = [entry for entry in log if entry["log_level"] == "error" or entry["event"] in _ALARMS]
    assert [entry for entry in loud if entry["event"] not in expected] == []


async def clicks_in(store: Store) -> dict[str, tuple[str | None, str]]:
    """Return the clicks that were stored: by id, whose they were and what they said."""
    match store:
        case UnreliableStore(inner=inner):
            return await clicks_in(inner)
        case MemoryStore():
            return {str(row.id): (row.person, row.what) for row in store._rows.get(CLICKS, {}).values()}
        case SqliteStore():
            with sqlite3.connect(store._path) as connection:
                rows = connection.execute("SELECT id, person, what FROM inbox").fetchall()
            connection.close()
            return {id_: (person, what) for id_, person, what in rows}
        case PostgresStore():
            server = await asyncpg.connect(store._url)
            rows = await server.fetch("SELECT id, person, what FROM inbox")
            await server.close()
            return {id_: (person, what) for id_, person, what in rows}
        case _:
            raise TypeError(f"nobody knows how to read the clicks in {store!r}")


async def _everything(core: Core) -> tuple[list[Stored], list[Request], list[Grant]]:
    async with core.store.read() as tx:
        stored = [entry.event async for entry in tx.record.walk() if entry.event is not None]
        requests = list(await tx.requests.page(Page(limit=10_000)))
        found = [await tx.grants.of(request.id) for request in requests]
    return stored, requests, [grant for grant in found if grant is not None]


async def _the_record_tells_the_tables(
    core: Core, requests: Sequence[Request], grants: Sequence[Grant]
) -> None:
    """I27: replayed, the record gives the requests and the grants as the tables hold them."""
    replay = Replay()
    async with core.store.read() as tx:
        async for entry in tx.record.walk():
            event = None if entry.event is None else entry.event.event()
            if event is not None:
                replay.feed(event, entry.texts)
        aside = {each.id for each in await tx.set_aside.all(10_000)}  # the tables show nothing of it
    told = {request: row for request, row in replay.requests.items() if request not in aside}
    assert told == {request.id: of_request(request) for request in requests}
    granted = {grant: row for grant, row in replay.grants.items() if grant not in aside}
    assert granted == {grant.id: of_grant(grant) for grant in grants}


def _its_state_is_its_last_event(request: Request, about: Sequence[Event]) -> None:
    names = [event.name.value for event in about]
    assert names.count("request.asked") == 1, (request.id, names)
    assert names[0] == "request.asked", names
    ends = [name for name in names if name in _ENDS]
    assert ends == ([f"request.{request.state.value}"] if request.state.is_settled else []), (request, names)
    again = names.count("request.asked_again")
    assert again == (1 if request.state.went_unanswered and request.follow else 0), names
    last = [at for at in (_at(about, name) for name in _ENDS) if at is not None]
    assert last == ([request.settled_at] if request.settled_at else [])


def _at(about: Sequence[Event], name: str) -> datetime | None:
    return next((event.at for event in about if event.name.value == name), None)


def _each_decision_stands_on_a_click(
    request: Request, about: Sequence[Event], clicks: Mapping[str, tuple[str | None, str]]
) -> None:
    made = [decode(event.data) for event in about if event.name.value == "decision.made"]
    told = [(row["decision"], row["ingress"], row["verdict"]) for row in made if isinstance(row, dict)]
    assert told == [(d.id, d.ingress, d.verdict.value) for d in request.decisions]
    for decision in request.decisions:
        assert clicks[decision.ingress][0] == decision.person
        assert decision.digest == request.digest
        assert request.asked_at <= decision.at < request.deadline
    assert len({decision.ingress for decision in request.decisions}) == len(request.decisions)


def _authority_is_enough(request: Request, grants: Sequence[Grant], history: Sequence[Configuration]) -> None:
    mine = [grant for grant in grants if grant.request == request.id]
    assert [grant.digest for grant in mine] == ([request.digest] if request.state.gives_authority else [])
    assert request.owner not in {decision.person for decision in request.decisions}
    rejected = any(decision.verdict is Verdict.REJECT for decision in request.decisions)
    assert not rejected or request.state is State.REJECTED
    if not request.state.gives_authority:
        return
    if request.decisions:
        assert len(_approvers(request, history)) >= request.terms.quorum, request
        return
    assert _is_allowed_alone(request, history), request


def _approvers(request: Request, history: Sequence[Configuration]) -> set[PersonId]:
    known = [configuration.directory.members(request.terms.approvers) for configuration in history]
    return {person for person in request.approved_by if any(person in members for members in known)}


def _is_allowed_alone(request: Request, history: Sequence[Configuration]) -> bool:
    named = next(found for found in history if found.version == request.ruling.version)
    types = named.agents[request.agent].actions.values()
    rules = [rule for type_ in types for rule in type_.policy.rules if rule.name == request.ruling.rule]
    return bool(rules) and all(rule.then is Then.ALLOW for rule in rules)


def _its_events_are_its_life(grant: Grant, about: Sequence[Event]) -> None:
    names = Counter(event.name.value for event in about)
    expected = Counter(["grant.granted"])
    if grant.claimed_at is not None:
        expected["grant.claimed"] += 1
        assert grant.granted_at <= grant.claimed_at < grant.expires_at
    if grant.resolved_by is not None:
        expected["grant.unknown"] += 1
    if grant.late is not None:
        expected["grant.reported_late"] += 1
    if grant.state not in {GrantState.GRANTED, GrantState.CLAIMED}:
        expected[f"grant.{grant.state.value}"] += 1
    for beside in ("ingress.refused", "row.set_aside", "row.released"):
        del names[beside]
    assert names == expected, grant


async def _its_card_tells_the_end(core: Core, request: Request, slack: FakeSlack) -> None:
    """I32: a card that still offers to decide is the card of something still undecided."""
    async with core.store.read() as tx:
        card, follow = await tx.cards.get(request.id), request.follow
        next_card = None if follow is None else await tx.cards.get(follow)
        still_to_say = await tx.outbox.next_due_at()
    if card is None or not request.state.is_settled or (next_card is not None and next_card.ts == card.ts):
        return
    refused = any(call.error for call in slack.calls if call.arguments.get("ts") == card.ts)
    if still_to_say is not None or refused:
        return  # Slack is away, or takes no more changes of it.
    shown = next(
        posted for posted in slack.messages if (posted.channel, posted.ts) == (card.channel, card.ts)
    )
    assert not any(shown.says(f'"{name}"') for name in _DECIDES), (request.state, shown.text)


def _slack_took_everything(slack: FakeSlack) -> None:
    # What Slack would refuse to draw is our mistake; no scenario provokes these.
    mistakes = {"invalid_blocks", "invalid_arguments", "no_text", "unknown_method"}
    assert [call for call in slack.calls if call.error in mistakes] == []
