"""Who may talk to the server: the host names it answers to, and the pages that may call it.

A page of another site must not reach a server on this machine: neither under a name of its own that it points
here (DNS rebinding), nor by posting to `localhost` from there.
"""

import re
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pillion_server.errors import StartError
from pillion_shared.wire import refusal

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
LOOPBACK_ORIGIN = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
ANY = "*"


def normal_origin(origin: str) -> str:
    """An origin as browsers send it, `"https://shop.example"`, or `"*"`; raises `StartError` for what is none."""
    normal = origin.strip().rstrip("/").lower()
    if normal != ANY and not re.fullmatch(r"https?://[^/?#@\s]+", normal):
        raise StartError(f"{origin!r} is no origin: write https://HOST or http://HOST:PORT, without a path.")
    return normal


class Guard:
    """Lets requests through whose `Host` is this machine's or allowed, and whose `Origin` is too.

    An origin is this server's own, or one of this machine, or one of `allow_origins`. `"*"` allows any.
    """

    def __init__(self, app: ASGIApp, allow_hosts: Iterable[str] = (), allow_origins: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = {name.lower() for name in (*LOOPBACK, *allow_hosts)}
        self._origins = {normal_origin(origin) for origin in allow_origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asks = scope["type"] in ("http", "websocket")
        refused = self._refusal(Headers(scope=scope)) if asks else None
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await refused(scope, receive, send)

    def _refusal(self, headers: Headers) -> JSONResponse | None:
        host = headers.get("host", "").lower()
        name = re.sub(r":\d*$", "", host)
        if name and name not in self._hosts and ANY not in self._hosts:
            message = f"This server isn't known as {name[:100]!r}: start it with --allow-host NAME."
            return JSONResponse(refusal("BadHost", message), 400)
        origin = headers.get("origin", "").lower()
        if not origin or origin.partition("://")[2] == host or self._is_allowed(origin):
            return None
        message = f"Pages of {origin[:100]!r} may not call this server: start it with --allow-origin ORIGIN."
        return JSONResponse(refusal("BadOrigin", message), 403)

    def _is_allowed(self, origin: str) -> bool:
        return origin in self._origins or ANY in self._origins or bool(re.fullmatch(LOOPBACK_ORIGIN, origin))
