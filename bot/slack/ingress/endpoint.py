"""The end of the way in over HTTP: hands the request that the guard parsed to its listener, and responds."""

from starlette.types import Receive, Scope, Send

from bot.slack.signed_request import SCOPE_KEY, Dispatch


class Endpoint:
    """An ASGI app behind the guard: it reads no body, because the guard has parsed it already."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        response = await self._dispatch(scope[SCOPE_KEY])
        body = response.body.encode()
        headers = [
            (name.encode(), value.encode()) for name, values in response.headers.items() for value in values
        ]
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
