"""WebSockets as uvicorn serves them here: those whose peer reads nothing go in the end."""

import socket as sockets
import threading
import time
from typing import Any

import pytest
import uvicorn
import websockets.sync.client

from pillion_server.web_sockets import WebSocketProtocol

LARGE = "x" * 32 * 1024 * 1024
"""More than a kernel takes for one that reads nothing."""


class Served:
    """An app behind uvicorn, with the connections that it has."""

    def __init__(self, app: Any) -> None:
        listener = sockets.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(app, ws=WebSocketProtocol, lifespan="off", log_config=None))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]})
        self.thread.start()

    @property
    def connections(self) -> int:
        return len(self.server.server_state.connections)

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join()


async def pours(scope: Any, receive: Any, send: Any) -> None:
    """An app that sends much, and is done."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": LARGE})


def test_who_reads_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing alone would wait for ever for what was written."""
    monkeypatch.setattr("pillion_server.web_sockets.ABORT_SECONDS", 0.3)
    served = Served(pours)
    raw = sockets.create_connection(("127.0.0.1", served.port))
    try:
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        raw.sendall(f"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}".encode())
        until = time.monotonic() + 20
        while not served.connections and time.monotonic() < until:
            time.sleep(0.01)
        assert served.connections == 1
        while served.connections and time.monotonic() < until:
            time.sleep(0.01)
        assert served.connections == 0
    finally:
        raw.close()
        served.close()


def test_who_reads_gets_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is still to be sent when the app is done."""
    monkeypatch.setattr("pillion_server.web_sockets.ABORT_SECONDS", 20.0)
    served = Served(pours)
    try:
        with websockets.sync.client.connect(f"ws://127.0.0.1:{served.port}", max_size=None) as client:
            assert client.recv() == LARGE
    finally:
        served.close()
