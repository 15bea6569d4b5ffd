"""A server in a process of its own, and requests to it: what it spends on them in CPU seconds is what counts.

    .venv/bin/python benchmarks/served.py [DATABASE]     serves it, or an echo; a line on stdin asks for its CPU seconds

The echo is what one would write by hand: Starlette, msgspec, one route; and a WebSocket where what anybody sends is sent
to all. Both are behind uvicorn as `pillion run` sets it up. The requests come over connections that are kept, each sending
its next one when it has its answer.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import shelf
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from pillion_server import create_app
from pillion_server.serving import listen, serve

CONNECTIONS = 64
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


async def echo(request: Request) -> Response:
    """The body, as JSON, parsed and written again."""
    body = msgspec.json.decode(await request.body())
    return Response(msgspec.json.encode(body), media_type="application/json")


class Broadcast:
    """What anybody sends is sent to all; whoever comes, and says something, is sent what was sent last."""

    def __init__(self) -> None:
        self._sockets: set[WebSocket] = set()
        self._last = ""

    async def serve(self, socket: WebSocket) -> None:
        """One of them, until it leaves."""
        await socket.accept()
        first = await socket.receive_text()
        self._last = self._last or first
        await socket.send_text(self._last)
        self._sockets.add(socket)
        try:
            async for self._last in socket.iter_text():
                for each in list(self._sockets):
                    await each.send_text(self._last)
        finally:
            self._sockets.discard(socket)


class Served:
    """A running server."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.port = int(self._ask(None))

    def cpu_seconds(self) -> float:
        """What its process has spent so far."""
        return float(self._ask("cpu"))

    def requests_per_cpu_second(self, requests: Sequence[bytes]) -> float:
        """Sends all of them, as fast as they are answered."""
        before = self.cpu_seconds()
        asyncio.run(_send(self.port, list(requests)))
        return len(requests) / (self.cpu_seconds() - before)

    def requests_per_second(self, requests: Sequence[bytes]) -> float:
        """The same by the clock."""
        before = time.perf_counter()
        asyncio.run(_send(self.port, list(requests)))
        return len(requests) / (time.perf_counter() - before)

    def _ask(self, question: str | None) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if question is not None:
            self._process.stdin.write(question + "\n")
            self._process.stdin.flush()
        return self._process.stdout.readline()


@contextmanager
def served(database: Path | None = None) -> Iterator[Served]:
    """A server of `shelf` on that database, or the echo; it is stopped at the end."""
    command = [sys.executable, __file__, *([] if database is None else [str(database)])]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        try:
            yield Served(process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def post(endpoint: str, body: object) -> bytes:
    """A request as a page sends it."""
    text = msgspec.json.encode(body)
    head = f"POST /api/{endpoint} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(text)}\r\n\r\n".encode() + text


async def _send(port: int, requests: list[bytes]) -> None:
    waiting, loop = iter(requests), asyncio.get_running_loop()
    callers = [
        (await loop.create_connection(lambda: _Caller(waiting), "127.0.0.1", port))[1] for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(caller.done for caller in callers))


class _Caller(asyncio.Protocol):
    """One connection: sends the next request when it has the answer to the last one."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self._requests = requests
        self._came = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, blank, body = self._came.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if not blank or length is None or len(body) < int(length[1]):
            return
        if not head.startswith(b"HTTP/1.1 200 ") or b'"status":"error"' in body:
            self._end(RuntimeError(body.decode()))
            return
        self._came = b""
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or RuntimeError("The server closed a connection."))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._end(None)
        else:
            self._transport.write(request)

    def _end(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error) if error else self.done.set_result(None)
        self._transport.close()


def _tell() -> None:
    for _ in sys.stdin:
        print(time.process_time(), flush=True)
    os.kill(os.getpid(), signal.SIGINT)  # whoever asked has gone


def main() -> None:
    """The server's process."""
    listener = listen("127.0.0.1", 0)
    app = create_app(shelf.registry, sys.argv[1]) if sys.argv[1:] else _echoing()

    def ready() -> None:
        print(listener.getsockname()[1], flush=True)
        threading.Thread(target=_tell, daemon=True).start()

    serve(app, listener, ready)


def _echoing() -> Starlette:
    return Starlette(
        routes=[Route("/api/{kind}", echo, methods=["POST"]), WebSocketRoute("/api/sync", Broadcast().serve)]
    )


if __name__ == "__main__":
    main()
