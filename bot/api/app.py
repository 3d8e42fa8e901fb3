"""Builds the agents' API: routes, problems, health."""

from collections.abc import Awaitable, Callable

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from bot.api.problems import Problem, invalid
from bot.api.routes import router
from escalation.errors import StoreError
from escalation.service.context import Core

_log = structlog.get_logger(__name__)
Readiness = Callable[[], Awaitable[list[str]]]


def build(core: Core, readiness: Readiness) -> FastAPI:
    """Return the ASGI app; *readiness* says what keeps this process from serving, line by line."""
    app = FastAPI(
        title="Andon",
        version="1",
        summary="Ask people before you act.",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.core = core
    app.include_router(router)
    _add_health(app, readiness)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(StoreError, _unavailable)
    return app


def _add_health(app: FastAPI, readiness: Readiness) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        trouble = await readiness()
        return JSONResponse({"ready": not trouble, "trouble": trouble}, status_code=503 if trouble else 200)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this type
    return error.response()


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
    return invalid(error).response()


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    names = {404: "not-found", 405: "method-not-allowed"}
    return Problem(names.get(error.status_code, "refused"), error.status_code, str(error.detail)).response()


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    _log.warning("store_unavailable", error=str(error))
    detail = "The database cannot be reached right now. Send the same call again: it counts once."
    return Problem("unavailable", 503, detail).response()
