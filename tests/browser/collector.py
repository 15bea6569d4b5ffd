"""Takes whatever comes and remembers all of it; says yes to every preflight. The hostile server is one of these.

/any/echo             what came, as JSON
/any/moved/307?to=…   a redirect to an address
/any/events           server-sent events, each with an `id`: after `?late=` seconds `count=` of them; then it
                      stays `open=` seconds more, and ends. Once the `last=` one was given, 204
/any/status?404       an answer of that status
/any/socket           a WebSocket that says back what it hears
"""

import asyncio
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from starlette.types import Receive, Scope, Send

ANY = "/any/"


@dataclass(frozen=True)
class Seen:
    """A request, or a message of a WebSocket. head: all of it but the body, one header a line."""

    path: str
    query: str
    headers: dict[str, list[str]]
    body: bytes = b""
    method: str = "GET"

    @property
    def text(self) -> str:
        """Everything that a server could read of it."""
        lines = [f"{self.method} {self.path}?{self.query}", unquote(self.query)]
        lines += [f"{name}: {value}" for name, values in self.headers.items() for value in values]
        return "\n".join(lines) + "\n\n" + self.body.decode("latin-1")


@dataclass
class Collector:
    """An ASGI app. seen: every request but preflights, oldest first. preflights: those. gone: those given up."""

    seen: list[Seen] = field(default_factory=list)
    preflights: list[Seen] = field(default_factory=list)
    gone: list[Seen] = field(default_factory=list)

    def clear(self) -> None:
        """Forgets them."""
        self.seen.clear()
        self.preflights.clear()
        self.gone.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._request(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _seen(scope, await whole(receive))
        origin = request.headers.get("origin", ["*"])[0]
        asked = request.headers.get("access-control-request-headers", ["*"])[0]
        headers = {
            "access-control-allow-origin": origin,
            "access-control-allow-credentials": "true",
            "access-control-allow-headers": asked,
            "access-control-allow-methods": "GET, POST, PUT, DELETE",
            "access-control-expose-headers": "*",
            "cache-control": "no-store",
        }
        if request.method == "OPTIONS":
            self.preflights.append(request)
            await _answer(send, 204, headers)
            return
        self.seen.append(request)
        what = scope["path"].removeprefix(ANY)
        if what.startswith("moved/"):
            location = parse_qs(request.query)["to"][0]
            await _answer(send, int(what.removeprefix("moved/")), {**headers, "location": location})
        elif what == "events":
            await self._events(receive, send, request, headers)
        elif what == "status":
            await _answer(send, int(request.query), headers)
        else:
            body = {name: values[0] for name, values in request.headers.items()}
            told = {"method": request.method, "headers": body, "body": request.body.decode("latin-1")}
            await _answer(send, 200, {**headers, "content-type": "application/json"}, json.dumps(told).encode())

    async def _events(self, receive: Receive, send: Send, request: Seen, headers: dict[str, str]) -> None:
        query = parse_qs(request.query)
        last = int(request.headers.get("last-event-id", ["0"])[0])
        end = int(query.get("last", ["1000000"])[0])
        until = min(last + int(query.get("count", ["1"])[0]), end)
        if last >= end:
            await _answer(send, 204, headers)
            return
        if "late" in query:
            await self._stay(receive, request, float(query["late"][0]))
        await _begin(send, 200, {**headers, "content-type": "text/event-stream"})
        for number in range(last + 1, until + 1):
            event = f"id: {number}\nretry: 20\ndata: event {number} é\n\n".encode()
            for part in (event[:20], event[20:]):
                await send({"type": "http.response.body", "body": part, "more_body": True})
                await asyncio.sleep(0)
        if "open" in query:
            await self._stay(receive, request, float(query["open"][0]))
        await send({"type": "http.response.body", "body": b""})

    async def _stay(self, receive: Receive, request: Seen, seconds: float) -> None:
        """Waits so long, or until the caller goes."""
        try:
            async with asyncio.timeout(seconds):
                while (await receive())["type"] != "http.disconnect":
                    pass
                self.gone.append(request)
        except TimeoutError:
            pass

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(_seen(scope, b"", "CONNECT"))
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            data = message.get("text")
            octets = message.get("bytes") or b"" if data is None else data.encode()
            self.seen.append(_seen(scope, octets, "MESSAGE"))
            await send({"type": "websocket.send", **({"bytes": octets} if data is None else {"text": data})})


def _seen(scope: Scope, body: bytes, method: str = "") -> Seen:
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return Seen(scope["path"], scope["query_string"].decode("latin-1"), headers, body, method or scope["method"])


async def whole(receive: Receive) -> bytes:
    """The body of a request."""
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _begin(send: Send, status: int, headers: dict[str, str]) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _answer(send: Send, status: int, headers: dict[str, str], body: bytes = b"") -> None:
    await _begin(send, status, headers)
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": message["type"] + ".complete"})
    await send({"type": "lifespan.shutdown.complete"})
