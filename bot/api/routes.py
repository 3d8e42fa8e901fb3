"""The calls an agent can make. Each reads its body, runs one use case, and renders the outcome."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import TypeAdapter

from bot.api import json_body, models, render
from bot.api.problems import Problem, invalid, problem
from escalation.action import Digest, canonical
from escalation.errors import InvalidAction
from escalation.grant import Claim, Report, Tell
from escalation.ids import AgentName, GrantId, RequestId
from escalation.ports import Dossier, Page
from escalation.reason import Reason, Refused
from escalation.request import Evidence, Question, State, Words
from escalation.service import cancel, claim, keys, propose, queries, refusals, report
from escalation.service.context import Core

_bearer = HTTPBearer(auto_error=False, description="An agent's key, made by `andon keys create`.")
_REQUEST: TypeAdapter[models.ProposalIn | models.QuestionIn] = TypeAdapter(models.RequestIn)
_CANCEL, _CLAIM = TypeAdapter(models.CancelIn), TypeAdapter(models.ClaimIn)
_REPORT, _HEARTBEAT = TypeAdapter(models.ReportIn), TypeAdapter(models.HeartbeatIn)


@dataclass(frozen=True, slots=True)
class Caller:
    """The agent whose key was sent, and the core it talks to."""

    agent: AgentName
    core: Core


async def caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> AsyncIterator[Caller]:
    """Yield who calls, or refuse: every route of this door depends on it.

    What an agent sends and nobody can read is on the record, like what the core refuses.
    """
    core: Core = request.app.state.core
    agent = None if credentials is None else await keys.agent_of(core, credentials.credentials)
    if agent is None:
        raise Problem(
            "unauthenticated", 401,
            "The key is missing, unknown or revoked. Send 'Authorization: Bearer andon_…'; "
            "'andon keys create' makes one.",
        )  # fmt: skip
    try:
        yield Caller(agent, core)
    except (Problem, RequestValidationError) as error:
        found = error if isinstance(error, Problem) else invalid(error)
        if request.method == "POST" and not found.recorded:
            what, path = f"POST {request.url.path[:100]}", found.more.get("path")
            await refusals.unreadable(core, agent, what=what, reason=found.name, path=path)
        raise


Who = Annotated[Caller, Depends(caller)]
router = APIRouter(prefix="/v1", tags=["agents"])


def _takes(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    schema = adapter.json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post("/requests", status_code=201, openapi_extra=_takes(_REQUEST))
async def create(
    request: Request, response: Response, who: Who,
    idempotency_key: Annotated[str | None, Header(max_length=200, pattern=r"^[!-~]+$")] = None,
) -> models.RequestOut:  # fmt: skip
    """Put a proposal or a question to people. The same key and body again return the same request."""
    if idempotency_key is None:
        raise Problem(
            "idempotency-key-missing", 400, "Send an Idempotency-Key header: one per intended request."
        )
    sent = await json_body.read(request, _REQUEST)
    command = propose.Propose(
        agent=who.agent,
        key=idempotency_key,
        subject=_subject(sent),
        words=_words(sent),
    )
    try:
        outcome = await propose.propose(who.core, command)
    except InvalidAction as error:
        raise Problem("arguments-invalid", 422, f"{error}.", {"path": error.path}) from error
    if isinstance(outcome, Refused):
        raise problem(outcome)
    response.status_code = 201 if outcome.fresh else 200
    return render.request_out(Dossier(request=outcome.request, grant=outcome.grant))


@router.get("/requests/{request_id}")
async def read_one(
    request_id: str, who: Who, wait: Annotated[float, Query(ge=0, le=60)] = 0
) -> models.RequestOut:
    """Return the request; while it is pending, wait up to `wait` seconds for the outcome."""
    found = await queries.own(who.core, who.agent, RequestId(request_id), wait=wait)
    if found is None:
        raise problem(Refused(Reason.UNKNOWN_REQUEST))
    return render.request_out(found)


@router.get("/requests")
async def read_many(
    who: Who,
    state: Annotated[str | None, Query(max_length=200)] = None,
    after: Annotated[str | None, Query(max_length=40, pattern=r"^[!-~]+$")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> models.PageOut:
    """Return the caller's requests, newest first; `state` takes several, separated by commas."""
    page = Page(limit=limit, after=None if after is None else RequestId(after))
    page_of = await queries.listed(who.core, who.agent, states=_states(state), page=page)
    items = [render.request_out(found) for found in page_of]
    return models.PageOut(items=items, next=items[-1].id if len(items) == limit else None)


@router.post("/requests/{request_id}/cancel", openapi_extra=_takes(_CANCEL))
async def take_back(request_id: str, request: Request, who: Who) -> models.RequestOut:
    """Take a pending request back."""
    why = (await json_body.read(request, _CANCEL)).reason or ""
    outcome = await cancel.cancel(who.core, who.agent, RequestId(request_id), why)
    if isinstance(outcome, Refused):
        raise problem(outcome)
    return render.request_out(Dossier(request=outcome))


@router.post("/grants/{grant_id}/claim", openapi_extra=_takes(_CLAIM))
async def claim_grant(grant_id: str, request: Request, who: Who) -> models.ClaimedOut:
    """Ask, right before the effect, whether it may still start. The same attempt may ask again."""
    sent = await json_body.read(request, _CLAIM)
    command = Claim(agent=who.agent, digest=Digest(sent.digest), attempt=sent.attempt)
    outcome = await claim.claim(who.core, GrantId(grant_id), command)
    if isinstance(outcome, Refused):
        raise problem(outcome)
    return models.ClaimedOut(grant=render.grant_out(outcome.grant), action=render.action_out(outcome.action))


@router.post("/grants/{grant_id}/report", openapi_extra=_takes(_REPORT))
async def report_grant(grant_id: str, request: Request, who: Who) -> models.ReportedOut:
    """Say what happened: succeeded, failed, or unknown, which a person then resolves."""
    sent = await json_body.read(request, _REPORT)
    command = Tell(agent=who.agent, report=Report(sent.outcome), result=_result(sent.result))
    outcome = await report.report(who.core, GrantId(grant_id), command)
    if isinstance(outcome, Refused):
        raise problem(outcome)
    return models.ReportedOut(grant=render.grant_out(outcome))


@router.post("/heartbeat", openapi_extra=_takes(_HEARTBEAT))
async def heartbeat(request: Request, who: Who) -> models.HeartbeatOut:
    """Say that the agent is alive, and learn whether it may go on."""
    await json_body.read(request, _HEARTBEAT)
    async with who.core.store.read() as tx:
        now = tx.now
    return render.heartbeat_out(await queries.stop_of(who.core, who.agent), now)


def _subject(sent: models.ProposalIn | models.QuestionIn) -> propose.Proposal | Question:
    if isinstance(sent, models.ProposalIn):
        return propose.Proposal(type=sent.action.type, arguments=sent.action.arguments)
    return Question(
        text=sent.question, options=tuple(sent.options), allow_text=sent.allow_text, tried=sent.tried
    )


def _words(sent: models.ProposalIn | models.QuestionIn) -> Words:
    return Words(
        summary=sent.summary if isinstance(sent, models.ProposalIn) else "",
        reasoning=sent.reasoning,
        confidence=sent.confidence,
        evidence=tuple(Evidence(title=item.title, url=item.url) for item in sent.evidence),
        workflow=sent.workflow,
        trace=sent.trace,
    )


def _result(sent: Any) -> str | None:
    try:
        return None if sent is None else canonical(sent)
    except InvalidAction as error:
        path = error.path.replace("$", "$.result", 1)
        raise Problem("invalid", 422, f"{path} {error.problem}.", {"path": path}) from error


def _states(written: str | None) -> tuple[State, ...]:
    try:
        return tuple(State(word.strip()) for word in written.split(",")) if written else ()
    except ValueError as error:
        known = ", ".join(state.value for state in State)
        raise Problem(
            "invalid", 422, f"$.state: {error}. The states are {known}.", {"path": "$.state"}
        ) from error
