"""Calls an ASGI app in this process, as if over HTTP: for rendering on a server, and for tests."""

import asyncio

from pillion._aio import bounded
from pillion.transport import Request, Response
from pillion_shared import TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import Any

    Message = MutableMapping[str, Any]
    App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class ASGITransport:
    """A transport to `app`, any ASGI 3 application.

    The app is called without its lifespan; run that yourself where it has one. What the app raises is raised
    here as it is.
    """

    def __init__(self, app: "App") -> None:
        self._app = app

    async def send(self, request: Request, seconds: float) -> Response:
        late = TransportError(f"The app gave no answer to {request.url} within {seconds:g} s.")
        return await bounded(self._answer(request), seconds, late)

    async def _answer(self, request: Request) -> Response:
        body = request.body.encode()
        incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        answered = asyncio.Event()
        status = 0
        parts: list[bytes] = []

        async def receive() -> "Message":
            if not incoming:
                await answered.wait()
                return {"type": "http.disconnect"}
            return incoming.pop()

        async def send(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    answered.set()

        await self._app(_scope(request, len(body)), receive, send)
        if not status:
            raise TransportError(f"The app ended the call of {request.url} without an answer.")
        return Response(status, b"".join(parts).decode())


def _scope(request: Request, length: int) -> "dict[str, Any]":
    """The request's side of ASGI: a call from this machine to itself."""
    scheme, host, path = "http", "localhost", request.url
    if "://" in request.url:
        scheme, _, rest = request.url.partition("://")
        host, slash, path = rest.partition("/")
        path = slash + path
    headers = [(b"host", host.encode()), (b"content-length", str(length).encode())]
    headers.extend((name.encode(), value.encode()) for name, value in request.headers.items())
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 0),
        "server": None,
    }
