"""Who may talk to the server: the host names it answers to, and the pages that may call it.

A page of another site must not reach a server on this machine: neither under a name of its own that it points
here (DNS rebinding), nor by posting to `localhost` from there.
"""

import re
from collections.abc import Iterable, Mapping

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pillion_server.errors import Refused, StartError
from pillion_shared.wire import refusal

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
LOOPBACK_ORIGIN = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
ANY = "*"

_PORT = re.compile(r":\d*$")
_LOOPBACK = re.compile(LOOPBACK_ORIGIN)


def normal_origin(origin: str) -> str:
    """An origin as browsers send it, `"https://shop.example"`, or `"*"`; raises `StartError` for what is none."""
    normal = origin.strip().rstrip("/").lower()
    if normal != ANY and not re.fullmatch(r"https?://[^/?#@\s]+", normal):
        raise StartError(f"{origin!r} is no origin: write https://HOST or http://HOST:PORT, without a path.")
    return normal


class Guard:
    """Knows which requests are let through: whose `Host` is this machine's or allowed, and whose `Origin` is too.

    An origin is this server's own, or one of this machine, or one of `allow_origins`. `"*"` allows any.
    """

    def __init__(self, allow_hosts: Iterable[str] = (), allow_origins: Iterable[str] = ()) -> None:
        self._hosts = {name.lower() for name in (*LOOPBACK, *allow_hosts)}
        self._origins = {normal_origin(origin) for origin in allow_origins}

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raises `Refused` for a request with these headers, unless it may pass."""
        refused = self._refusal(headers)
        if refused is not None:
            raise refused

    def allows(self, origin: str) -> bool:
        """Whether pages of an origin, in lower case, may call and read, wherever they are from."""
        return origin in self._origins or ANY in self._origins or _LOOPBACK.fullmatch(origin) is not None

    def _refusal(self, headers: Mapping[bytes, bytes]) -> Refused | None:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        name = _PORT.sub("", host)
        if name and name not in self._hosts and ANY not in self._hosts:
            return Refused(
                400, "BadHost", f"This server isn't known as {name[:100]!r}: start it with --allow-host NAME."
            )
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        if not origin or origin.partition("://")[2] == host or self.allows(origin):
            return None
        message = f"Pages of {origin[:100]!r} may not call this server: start it with --allow-origin ORIGIN."
        return Refused(403, "BadOrigin", message)


class Guarded:
    """An app behind a guard."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["type"] in ("http", "websocket"):
                self._guard.check(first_of_each(scope))
        except Refused as error:
            await JSONResponse(refusal(error.code, error.message), error.status)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def first_of_each(scope: Scope) -> dict[bytes, bytes]:
    """The headers of a request by their names, in lower case; of those with one name the first."""
    return dict[bytes, bytes](reversed(scope["headers"]))
