"""An app behind uvicorn on a socket of ours, until Ctrl-C."""

import asyncio
import contextlib
import gc
import os
import socket
import threading
from collections.abc import Awaitable, Callable

import uvicorn
from starlette.types import ASGIApp

from pillion_server.errors import StartError
from pillion_server.web_sockets import WebSocketProtocol
from pillion_shared.wire import MAX_BODY

STOP_SECONDS = 2
"""How long running calls may take when the server stops."""

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection is kept: longer than browsers do, so none is closed as a call goes out."""

GC_THRESHOLDS = (10_000, 20, 20)
"""How much is made before the collector looks for cycles: calls make few, and kept answers are many to look through."""


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; raises `StartError`."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":  # elsewhere it would let two servers share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
        except BaseException:
            listener.close()
            raise
        return listener
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise StartError(
            f"Can't listen on {host}:{port} ({reason}): stop what does, or take another --port."
        ) from error


def serve(
    app: ASGIApp,
    listener: socket.socket,
    ready: Callable[[], None],
    beside: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serves until Ctrl-C; `ready` is called once it listens, `beside` runs in the same event loop meanwhile.

    Doesn't return when a function never ends, which would keep the process: then the exit status is 1.
    """
    with contextlib.suppress(KeyboardInterrupt):
        _Server(_config(app), ready, beside).run(sockets=[listener])
    if any(thread.name.startswith("pillion-") for thread in threading.enumerate()):
        os._exit(1)  # what was acknowledged is on disk


class _Server(uvicorn.Server):
    """uvicorn that says when it listens, and has company in its event loop."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], beside: Callable[[], Awaitable[None]] | None
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._beside = beside
        self._company: asyncio.Future[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._beside is not None:
            self._company = asyncio.ensure_future(self._beside())
        gc.collect()
        gc.freeze()  # what is there now stays: the collector need not look at it again
        gc.set_threshold(*GC_THRESHOLDS)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._company is not None:
            self._company.cancel()
            await asyncio.wait([self._company])
        await super().shutdown(sockets)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws=WebSocketProtocol,
        ws_max_size=MAX_BODY,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
