"""The HTTP function API, as pillion_shared.wire describes it: `POST /api/query`, `mutation`, `action`.

`GET /api/query?path=module:function&args={...}` is for people, with curl or in the address bar.
`POST /api/run/module/function` runs a function of any kind. `query_batch` answers several queries at one snapshot,
`query_ts` names a snapshot, and `query_at_ts` asks one.

It is plain ASGI, around the app that has the rest: a call passes no router, and an answer is bytes.
"""

import asyncio
import logging
from collections.abc import Mapping

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pillion_server import calls
from pillion_server.begun import Begun
from pillion_server.cors import is_preflight, reading_headers
from pillion_server.errors import DatabaseError, Refused, TokenError
from pillion_server.failures import internal_error
from pillion_server.formats import deprecation, is_plain, plain
from pillion_server.guard import Guard, first_of_each
from pillion_server.idempotency import key_in
from pillion_server.identity import Identity
from pillion_server.jwt_auth import JwtAuth, checked
from pillion_server.runner import Body, Runner
from pillion_shared.ids import quotable
from pillion_shared.versions import write_timestamp
from pillion_shared.wire import CONTENT_TYPE, KINDS, MAX_BODY, QUERY, refusal

PREFIX = "/api"
_BELOW = f"{PREFIX}/"
BODY_SECONDS = 60
"""How long a body may take to arrive."""

MOST_CALLS = 1024
"""How many calls are under way at a time; another one is told to come back."""

_RUN, _BATCH, _NOW, _AT = "run/", "query_batch", "query_ts", "query_at_ts"
_logger = logging.getLogger("pillion_server")
_json = msgspec.json.Encoder()
_HEADERS = [(b"content-type", CONTENT_TYPE.encode()), (b"cache-control", b"no-store")]
_METHODS = {**dict.fromkeys((*KINDS, _BATCH, _NOW, _AT), ("POST",)), QUERY: ("GET", "POST")}
_ENDPOINTS = ", ".join(f"POST {PREFIX}/{kind}" for kind in KINDS)
_OF_STATUS = {401: [("www-authenticate", "Bearer")], 429: [("retry-after", "1")], 503: [("retry-after", "1")]}


class Api:
    """Answers everything under `/api` but CORS preflights: calls, and in the same form what is not one.

    `app` answers the rest. This stands around it, with the guard and CORS headers of its own, so that a call passes
    nothing else on its way.
    """

    def __init__(self, app: ASGIApp, runner: Runner, guard: Guard, auth: JwtAuth | None = None) -> None:
        self._app = app
        self._runner = runner
        self._guard = guard
        self._auth = auth
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"].removeprefix(scope.get("root_path", ""))
            if path.startswith(_BELOW) and not is_preflight(scope):
                await self._respond(path.removeprefix(_BELOW), scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _respond(self, endpoint: str, scope: Scope, receive: Receive, send: Send) -> None:
        headers = first_of_each(scope)
        client = headers[b"convex-client"].decode("latin-1") if b"convex-client" in headers else None
        more = deprecation(client)
        status = 200
        try:
            self._guard.check(headers)
            _check_endpoint(scope["method"], endpoint)
            identity = await self._identity(headers)
            body = b"" if scope["method"] == "GET" else await body_of(headers, receive)
            if body is None:
                return  # the caller has gone
            answer = await self._bounded(endpoint, scope, client, body, identity)
        except Refused as error:
            status, answer = error.status, refusal(error.code, error.message)
            if status == 405:
                more = {**more, "allow": ", ".join(_methods(endpoint))}
        except DatabaseError as error:
            status, answer = 503, refusal("DatabaseError", str(error))
        except Exception:
            _logger.exception("A call of %s could not be answered", quotable(endpoint[:100]))
            status, answer = 500, internal_error()
        text = _json.encode(answer)
        sent = [*_HEADERS, (b"content-length", b"%d" % len(text)), *reading_headers(self._guard, headers)]
        for name, value in (*_OF_STATUS.get(status, ()), *more.items()):
            sent.append((name.encode(), value.encode()))
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": text})

    async def _identity(self, headers: Mapping[bytes, bytes]) -> Identity | None:
        """Who calls; raises `Refused` for a bad token. What proxies and pages send along for others is ignored."""
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        kind = scheme.lower()
        if kind not in (b"bearer", b"convex"):
            return None
        try:
            if kind == b"convex":
                raise TokenError("This server has no admin keys: a user's token comes as Authorization: Bearer.")
            return (await checked(self._auth, token.strip().decode("latin-1"))).identity
        except TokenError as error:
            raise Refused(401, "Unauthenticated", str(error)) from None

    async def _bounded(
        self, endpoint: str, scope: Scope, client: str | None, body: bytes, identity: Identity | None
    ) -> Body:
        if self._under_way >= MOST_CALLS:
            raise Refused(429, "TooManyConcurrentRequests", f"{MOST_CALLS} calls are under way: send this one later.")
        self._under_way += 1
        try:
            return await self._answer(endpoint, scope, client, body, identity)
        finally:
            self._under_way -= 1

    async def _answer(
        self, endpoint: str, scope: Scope, client: str | None, body: bytes, identity: Identity | None
    ) -> Body:
        if endpoint == _NOW:
            is_plain(None, client)  # refuses a client that is too old
            return {"ts": write_timestamp(await self._runner.now())}
        if endpoint == _AT:
            call, ts = calls.of_time(body, client)
            [answer] = await self._runner.queries([(call.path, call.args)], ts, identity)
            return _in_form(call, answer)
        if endpoint == _BATCH:
            batch = calls.of_batch(body, client)
            answers = await self._runner.queries([(call.path, call.args) for call in batch], None, identity)
            return {"results": [_in_form(call, answer) for call, answer in zip(batch, answers, strict=True)]}
        if endpoint.startswith(_RUN):
            call = calls.of_run(endpoint.removeprefix(_RUN), body, client)
            key = key_in(Headers(scope=scope), identity)
            return _in_form(call, await self._runner.answer(None, call.path, call.args, key, identity))
        if scope["method"] == "GET":
            call = calls.of_address(scope["query_string"], client)
        else:
            call = calls.of_body(body, client)
        key = None if endpoint == QUERY else key_in(Headers(scope=scope), identity)
        return _in_form(call, await self._runner.answer(endpoint, call.path, call.args, key, identity))


def _in_form(call: calls.Call, answer: Body) -> Body:
    return plain(answer) if call.plain else answer


def _check_endpoint(method: str, endpoint: str) -> None:
    """Raises `Refused` for what is not one of the endpoints."""
    if endpoint not in _METHODS and not endpoint.startswith(_RUN):
        raise Refused(404, "NotFound", f"{PREFIX}/{quotable(endpoint[:100])} is not there: calls are {_ENDPOINTS}.")
    if method not in _methods(endpoint):
        shown = f"{method} {PREFIX}/{quotable(endpoint[:100])}"
        raise Refused(405, "MethodNotAllowed", f"{shown} can't be: calls are {_ENDPOINTS}.")


def _methods(endpoint: str) -> tuple[str, ...]:
    return _METHODS.get(endpoint, ("POST",))


async def body_of(headers: Mapping[bytes, bytes], receive: Receive) -> bytes | None:
    """The body of a request, `None` when its sender has gone; raises `Refused` for too long or too slow."""
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > MAX_BODY:
        raise _too_large()
    whole = Begun(_whole(receive))
    if whole.done:
        return whole.value
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await whole
    except TimeoutError:
        raise Refused(408, "RequestTimeout", f"The body didn't arrive within {BODY_SECONDS} seconds.") from None


async def _whole(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise _too_large()
        if not message.get("more_body", False):
            return bytes(body)


def _too_large() -> Refused:
    return Refused(413, "ContentTooLarge", f"The body is longer than {MAX_BODY} bytes: send less in one call.")
