"""The transport to an ASGI app in this process, with a real one: Starlette's."""

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from pillion import ASGITransport, Client, TransportError, api


async def echo(request: HttpRequest) -> JSONResponse:
    """Answers with what it saw of the request."""
    seen = {
        "method": request.method,
        "host": request.url.hostname,
        "path": request.url.path,
        "type": request.headers["content-type"],
        "body": await request.json(),
    }
    return JSONResponse({"status": "success", "value": seen})


def test_a_call_arrives_as_over_http() -> None:
    """Relative addresses are this machine's, whole ones keep their host."""
    app = Starlette(routes=[Route("/api/query", echo, methods=["POST"])])
    seen = asyncio.run(Client("/api", ASGITransport(app)).query(api.a.b, n=1))
    assert (seen["method"], seen["host"], seen["path"]) == ("POST", "localhost", "/api/query")
    assert seen["type"] == "application/json"
    assert seen["body"]["args"] == {"n": 1}
    seen = asyncio.run(Client("https://shop.example:8443/api", ASGITransport(app)).query(api.a.b))
    assert seen["host"] == "shop.example"


def test_a_streamed_answer_is_whole() -> None:
    """However many parts it comes in."""

    async def stream(request: HttpRequest) -> StreamingResponse:
        async def parts() -> Any:
            yield '{"status": "succ'
            await asyncio.sleep(0.01)
            assert not await request.is_disconnected()
            yield 'ess", "value": "whole é"}'

        return StreamingResponse(parts())

    app = Starlette(routes=[Route("/api/query", stream, methods=["POST"])])
    assert asyncio.run(Client("/api", ASGITransport(app)).query(api.a.b)) == "whole é"


def test_an_app_that_gives_no_answer_is_a_transport_error() -> None:
    """Whether it ends early or never."""

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        return

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    with pytest.raises(TransportError, match="without an answer"):
        asyncio.run(Client("/api", ASGITransport(silent)).query(api.a.b))
    with pytest.raises(TransportError, match=r"within 0\.01 s"):
        asyncio.run(Client("/api", ASGITransport(endless), timeout=0.01).query(api.a.b))
