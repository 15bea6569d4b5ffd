"""The HTTP function API, as pillion_shared.wire describes it: `POST /api/query`, `mutation`, `action`.

`GET /api/query?path=module:function&args={...}` is for people, with curl or in the address bar.
"""

import asyncio
import logging

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from pillion_server import calls
from pillion_server.errors import DatabaseError, Refused
from pillion_server.formats import plain
from pillion_server.runner import Runner
from pillion_shared.ids import quotable
from pillion_shared.wire import CONTENT_TYPE, KINDS, MAX_BODY, QUERY, refusal

PREFIX = "/api"
BODY_SECONDS = 60
"""How long a body may take to arrive."""

_logger = logging.getLogger("pillion_server")
_json = msgspec.json.Encoder()
_HEADERS = {"cache-control": "no-store"}
_ENDPOINTS = ", ".join(f"POST {PREFIX}/{kind}" for kind in KINDS)
_REST = "rest"


def route(runner: Runner) -> BaseRoute:
    """The route of everything under `/api`."""
    return Route(f"{PREFIX}/{{{_REST}:path}}", Api(runner))


class Api:
    """Answers calls, and says in the same form what is not one."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind: str = scope["path_params"][_REST]
        status, headers = 200, _HEADERS
        try:
            _check_endpoint(scope["method"], kind)
            call = await _arrived(scope, receive)
            if call is None:
                return  # the caller has gone
            answer = await self._runner.answer(kind, call.path, call.args)
            answer = plain(answer) if call.plain else answer
        except Refused as error:
            status, answer = error.status, refusal(error.code, error.message)
            headers = {**_HEADERS, "allow": ", ".join(_methods(kind))} if status == 405 else _HEADERS
        except DatabaseError as error:
            status, answer = 503, refusal("DatabaseError", str(error))
        except Exception:
            _logger.exception("A %s could not be answered", kind)
            status, answer = 500, refusal("InternalServerError", "The server failed; its log says how.")
        await Response(_json.encode(answer), status, headers, CONTENT_TYPE)(scope, receive, send)


def _check_endpoint(method: str, kind: str) -> None:
    """Raises `Refused` for what is not one of the endpoints."""
    if kind not in KINDS:
        raise Refused(404, "NotFound", f"{PREFIX}/{quotable(kind[:100])} is not there: calls are {_ENDPOINTS}.")
    if method not in _methods(kind):
        raise Refused(405, "MethodNotAllowed", f"{method} {PREFIX}/{kind} can't be: calls are {_ENDPOINTS}.")


def _methods(kind: str) -> tuple[str, ...]:
    return ("GET", "POST") if kind == QUERY else ("POST",)


async def _arrived(scope: Scope, receive: Receive) -> calls.Call | None:
    """The call that a request is, `None` when its sender has gone; raises `Refused`."""
    client = Headers(scope=scope).get("convex-client")
    if scope["method"] == "GET":
        return calls.of_address(scope["query_string"], client)
    body = await body_of(scope, receive)
    return None if body is None else calls.of_body(body, client)


async def body_of(scope: Scope, receive: Receive) -> bytes | None:
    """The body of a request, `None` when its sender has gone; raises `Refused` for too long or too slow."""
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if length.isdigit() and int(length) > MAX_BODY:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                if len(body) > MAX_BODY:
                    raise _too_large()
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Refused(408, "RequestTimeout", f"The body didn't arrive within {BODY_SECONDS} seconds.") from None


def _too_large() -> Refused:
    return Refused(413, "ContentTooLarge", f"The body is longer than {MAX_BODY} bytes: send less in one call.")
