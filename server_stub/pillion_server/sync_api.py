"""The WebSockets of Convex's sync protocol: `/api/sync`, and `/api/1.48.0/sync` for clients that can't set headers.

It is plain ASGI, around the app that has the rest. What arrives is handed to a `SyncSocket`, which says what is sent.
"""

import asyncio
import contextlib
import re
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pillion_server.database import Database
from pillion_server.errors import DatabaseError, Refused
from pillion_server.formats import client_version, is_plain
from pillion_server.jwt_auth import JwtAuth
from pillion_server.live import Live
from pillion_server.runner import Runner
from pillion_server.sync_socket import Closing, SyncSocket

MOST_SOCKETS = 10_000
"""How many sockets there are at a time; another one is told to come back."""

LOOK_SECONDS = 5.0
"""How often it is looked which sockets were idle or stuck for long."""

STUCK_SECONDS = 60.0
"""How long a frame may take to be sent; whoever doesn't read so long is left."""

CHUNKED_SINCE = (1, 28, 0)
"""The first version of npm's client that knows chunks."""

_PATH = re.compile(r"/api/(?:([^/]+)/)?sync")


class SyncApi:
    """Answers the WebSockets of the sync protocol. `app` answers the rest."""

    def __init__(
        self, app: ASGIApp, runner: Runner, live: Live, database: Database, auth: JwtAuth | None = None
    ) -> None:
        self._app = app
        self._runner, self._live, self._database, self._auth = runner, live, database, auth
        self._sockets: set[SyncSocket] = set()
        self._looks: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        found = _PATH.fullmatch(path) if scope["type"] == "websocket" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        await receive()
        named = dict[bytes, bytes](scope["headers"]).get(b"convex-client", b"").decode("latin-1")
        client = f"npm-{found[1]}" if found[1] else named or None
        try:
            is_plain(None, client)
        except Refused:
            await send({"type": "websocket.close", "code": 1000})
            return
        await send({"type": "websocket.accept"})
        closing = await self._serve(client, receive, send)
        if closing is not None:
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(STUCK_SECONDS):
                    if closing.frame is not None:
                        await send({"type": "websocket.send", "text": closing.frame})
                    await send({"type": "websocket.close", "code": closing.code, "reason": closing.reason})

    async def _serve(self, client: str | None, receive: Receive, send: Send) -> Closing | None:
        """Says how the socket is to be closed, `None` when nobody is there any more."""
        if len(self._sockets) >= MOST_SOCKETS:
            return Closing(1013, "TooManyConcurrentRequests")
        name, version = client_version(client)

        socket = SyncSocket(
            self._runner,
            self._live,
            lambda: self._database.newest,
            lambda text: send({"type": "websocket.send", "text": text}),
            chunked=name == "npm" and version >= CHUNKED_SINCE,
            auth=self._auth,
        )
        self._sockets.add(socket)
        if self._looks is None or self._looks.done():
            self._looks = asyncio.ensure_future(self._look())
        reading = asyncio.ensure_future(_read(socket, receive))
        try:
            closing = await socket.run()
        except DatabaseError:
            return Closing(1011, "InternalServerError")
        finally:
            reading.cancel()
            self._sockets.discard(socket)
            if not self._sockets:
                self._looks.cancel()
        return None if closing.gone else closing

    async def _look(self) -> None:
        """Pings the idle ones and leaves those that don't read, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            for socket in list(self._sockets):
                stuck = socket.stuck_since
                if stuck is not None and now - stuck > STUCK_SECONDS:
                    socket.end(Closing.left())
                else:
                    with contextlib.suppress(OSError):
                        await socket.ping(now)


async def _read(socket: SyncSocket, receive: Receive) -> None:
    """Hands the socket what arrives."""
    while True:
        message: Message = await receive()
        text = message.get("text")
        if message["type"] == "websocket.disconnect":
            socket.end(Closing.left())
            return
        if text is None:
            socket.end(Closing.fatal("A frame is text, not bytes."))
            return
        await socket.take(text)
