"""The operations of the API. Each reads its body, runs one use case, and renders the outcome."""

from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, StringConstraints, TypeAdapter

from bot.api import json_body, models, render
from bot.api.call import Call, Operation, Parameter, answer
from bot.api.problems import Problem, problem
from bot.http.reply import Reply
from escalation.action import Digest, canonical
from escalation.errors import InvalidAction
from escalation.grant import HEARTBEAT, Beat, Claim, Report, Tell
from escalation.ids import GrantId, RequestId
from escalation.ports import Dossier, Page
from escalation.reason import Reason, Refused
from escalation.request import Evidence, Question, State, Words
from escalation.service import cancel, claim, propose, queries, renew, report

_Sent: TypeAlias = models.ProposalIn | models.QuestionIn
_REQUEST: TypeAdapter[_Sent] = TypeAdapter(models.RequestIn)
_CANCEL, _CLAIM = TypeAdapter(models.CancelIn), TypeAdapter(models.ClaimIn)
_BEAT: TypeAdapter[models.BeatIn] = TypeAdapter(models.BeatIn)
_REPORT, _HEARTBEAT = TypeAdapter(models.ReportIn), TypeAdapter(models.HeartbeatIn)

_VISIBLE: Final = r"^[!-~]+$"
_KEY: Parameter[str | None] = Parameter(
    name="idempotency-key",
    place="header",
    type=TypeAdapter(Annotated[str, StringConstraints(max_length=200, pattern=_VISIBLE)] | None),
    default=None,
)
_WAIT: Parameter[float] = Parameter(
    name="wait", place="query", type=TypeAdapter(Annotated[float, Field(ge=0, le=60)]), default=0
)
_STATE: Parameter[str | None] = Parameter(
    name="state",
    place="query",
    type=TypeAdapter(Annotated[str, StringConstraints(max_length=200)] | None),
    default=None,
)
_AFTER: Parameter[str | None] = Parameter(
    name="after",
    place="query",
    type=TypeAdapter(Annotated[str, StringConstraints(max_length=40, pattern=_VISIBLE)] | None),
    default=None,
)
_LIMIT: Parameter[int] = Parameter(
    name="limit", place="query", type=TypeAdapter(Annotated[int, Field(ge=1, le=100)]), default=20
)


async def create(call: Call) -> Reply:
    """Put a proposal or a question to people. The same key and body again return the same request."""
    key = _KEY.of(call)
    if key is None:
        raise Problem(
            "idempotency-key-missing", 400, "Send an Idempotency-Key header: one per intended request."
        )
    sent = json_body.read(call.body, _REQUEST)
    command = propose.Propose(agent=call.agent, key=key, subject=_subject(sent), words=_words(sent))
    try:
        outcome = await propose.propose(call.core, command)
    except InvalidAction as error:
        raise Problem("arguments-invalid", 422, f"{error}.", {"path": error.path}) from error
    if isinstance(outcome, Refused):
        raise problem(outcome)
    found = Dossier(request=outcome.request, grant=outcome.grant)
    return answer(render.request_out(found), status=201 if outcome.fresh else 200)


async def read_one(call: Call) -> Reply:
    """Return the request; while it is pending, wait up to `wait` seconds for the outcome."""
    found = await queries.own(call.core, call.agent, RequestId(call.id), wait=_WAIT.of(call))
    if found is None:
        raise problem(Refused(Reason.UNKNOWN_REQUEST))
    return answer(render.request_out(found))


async def read_many(call: Call) -> Reply:
    """Return the caller's requests, newest first; `state` takes several, separated by commas."""
    written, after, limit = _STATE.of(call), _AFTER.of(call), _LIMIT.of(call)
    page = Page(limit=limit, after=None if after is None else RequestId(after))
    page_of = await queries.listed(call.core, call.agent, states=_states(written), page=page)
    items = [render.request_out(found) for found in page_of]
    return answer(models.PageOut(items=items, next=items[-1].id if len(items) == limit else None))


async def take_back(call: Call) -> Reply:
    """Take a pending request back."""
    why = json_body.read(call.body, _CANCEL).reason or ""
    outcome = await cancel.cancel(call.core, call.agent, RequestId(call.id), why)
    if isinstance(outcome, Refused):
        raise problem(outcome)
    return answer(render.request_out(Dossier(request=outcome)))


async def claim_grant(call: Call) -> Reply:
    """Ask, right before the effect, whether it may still start. The same attempt may ask again."""
    sent = json_body.read(call.body, _CLAIM)
    command = Claim(agent=call.agent, digest=Digest(sent.digest), attempt=sent.attempt)
    outcome = await claim.claim(call.core, GrantId(call.id), command)
    if isinstance(outcome, Refused):
        raise problem(outcome)
    granted, action = render.grant_out(outcome.grant), render.action_out(outcome.action)
    every = HEARTBEAT.total_seconds()
    return answer(models.ClaimedOut(grant=granted, action=action, heartbeat_seconds=every))


async def read_grant(call: Call) -> Reply:
    """Return the grant; while its claim is held, wait up to `wait` seconds for the report."""
    found = await queries.own_grant(call.core, call.agent, GrantId(call.id), wait=_WAIT.of(call))
    if found is None:
        raise problem(Refused(Reason.UNKNOWN_GRANT))
    return answer(models.StandingOut(grant=render.grant_out(found.grant), server_time=found.now))


async def renew_claim(call: Call) -> Reply:
    """Say that the attempt which holds the claim is alive: other attempts wait for its report."""
    sent = json_body.read(call.body, _BEAT)
    outcome = await renew.renew(call.core, GrantId(call.id), Beat(agent=call.agent, attempt=sent.attempt))
    if isinstance(outcome, Refused):
        raise problem(outcome)
    return answer(models.RenewedOut(grant=render.grant_out(outcome)))


async def report_grant(call: Call) -> Reply:
    """Say what happened: succeeded, failed, or unknown, which a person then resolves."""
    sent = json_body.read(call.body, _REPORT)
    told, result = Report(sent.outcome), _result(sent.result)
    command = Tell(agent=call.agent, report=told, attempt=sent.attempt, result=result)
    outcome = await report.report(call.core, GrantId(call.id), command)
    if isinstance(outcome, Refused):
        raise problem(outcome)
    return answer(models.ReportedOut(grant=render.grant_out(outcome)))


async def heartbeat(call: Call) -> Reply:
    """Say that the agent is alive, and learn whether it may go on."""
    json_body.read(call.body, _HEARTBEAT)
    async with call.core.store.read() as tx:
        now = tx.now
    return answer(render.heartbeat_out(await queries.stop_of(call.core, call.agent), now))


_REQUESTS, _ONE = "/v1/requests", "/v1/requests/{request_id}"
_GRANT = "/v1/grants/{grant_id}"
#: There is no such thing; or there is, and it has moved on.
_NO: Final = (404,)
_LATE: Final = (404, 409)
#: What agents can call; the API has no other paths but its description and health.
OPERATIONS: Final = (
    Operation(
        "POST",
        _REQUESTS,
        create,
        takes=_REQUEST,
        parameters=(_KEY,),
        returns=models.RequestOut,
        status=201,
        again=200,
        refuses=(403, 409, 423, 429),
    ),
    Operation("GET", _ONE, read_one, parameters=(_WAIT,), returns=models.RequestOut, refuses=_NO),
    Operation("GET", _REQUESTS, read_many, parameters=(_STATE, _AFTER, _LIMIT), returns=models.PageOut),
    Operation("POST", f"{_ONE}/cancel", take_back, takes=_CANCEL, returns=models.RequestOut, refuses=_LATE),
    Operation(
        "POST", f"{_GRANT}/claim", claim_grant, takes=_CLAIM, returns=models.ClaimedOut, refuses=(*_LATE, 423)
    ),
    Operation("GET", _GRANT, read_grant, parameters=(_WAIT,), returns=models.StandingOut, refuses=_NO),
    Operation(
        "POST", f"{_GRANT}/heartbeat", renew_claim, takes=_BEAT, returns=models.RenewedOut, refuses=_LATE
    ),
    Operation(
        "POST", f"{_GRANT}/report", report_grant, takes=_REPORT, returns=models.ReportedOut, refuses=_LATE
    ),
    Operation("POST", "/v1/heartbeat", heartbeat, takes=_HEARTBEAT, returns=models.HeartbeatOut),
)


def _subject(sent: _Sent) -> propose.Proposal | Question:
    if isinstance(sent, models.ProposalIn):
        return propose.Proposal(type=sent.action.type, arguments=sent.action.arguments)
    return Question(
        text=sent.question, options=tuple(sent.options), allow_text=sent.allow_text, tried=sent.tried
    )


def _words(sent: _Sent) -> Words:
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
