"""A real server in a thread, for tests."""

import asyncio
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

_FREE_PORTS: list[int] = []
"""Those of servers that were."""


class Served:
    """An app on a port of its own, which it keeps when it is stopped and started again."""

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        self._app = app
        self.port = port

    def start(self) -> None:
        """Starts the server."""
        if not self.port and _FREE_PORTS:
            self.port = _FREE_PORTS.pop()  # browsers cache by address
        listener = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio leaves Nagle's algorithm on
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(self._app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve([listener])))
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
            if not self._thread.is_alive():
                raise RuntimeError("The server did not start.")

    def stop(self) -> None:
        """Stops it and frees the port, as if the machine were gone."""
        self._server.should_exit = True
        self._thread.join()

    def give_back(self) -> None:
        """The port may be another server's from now on."""
        _FREE_PORTS.append(self.port)
