"""The two kinds of sockets: the one of the `websockets` package on real ones, the browser's over a web in plain Python.

Real ones of browsers are in browser/test_live.py.
"""

import asyncio
import socket
import sys
from collections.abc import Callable
from typing import Any

import pytest
import websockets

from client.live_world import until
from pillion import TransportError, _platform
from pillion.sockets import BrowserSocket, LibrarySocket, check_address, open_socket


class Heard:
    """What a socket has called back."""

    def __init__(self) -> None:
        self.all: list[Any] = []

    def opened(self) -> None:
        self.all.append("opened")

    def heard(self, message: str | bytes) -> None:
        self.all.append(message)

    def closed(self, reason: str) -> None:
        self.all.append(("closed", reason))

    def open(self, url: str) -> Any:
        return open_socket(url, self.opened, self.heard, self.closed)


async def echo(connection: websockets.ServerConnection) -> None:
    """Says what it hears, until it is told to end."""
    async for message in connection:
        if message == "end":
            await connection.close(4000, "as you like")
        elif message == "break":
            connection.transport.abort()
        else:
            await connection.send(message)


def test_texts_go_both_ways_in_order_and_its_end_has_a_reason() -> None:
    async def main() -> None:
        async with websockets.serve(echo, "127.0.0.1", 0) as server:
            heard = Heard()
            client = heard.open(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            assert isinstance(client, LibrarySocket)
            await until(lambda: heard.all == ["opened"])
            for text in ("a", "é" * 200_000, "b", "end"):
                client.send(text)
            await until(lambda: heard.all == ["opened", "a", "é" * 200_000, "b", ("closed", "as you like")])
            client.close("too late")

    asyncio.run(main())


def test_a_lost_connection_is_told_and_one_that_is_closed_here_is_not() -> None:
    async def main() -> None:
        async with websockets.serve(echo, "127.0.0.1", 0) as server:
            lost, closed = Heard(), Heard()
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            clients = [lost.open(url), closed.open(url)]
            await until(lambda: lost.all == closed.all == ["opened"])
            clients[1].send("a")
            clients[1].close("enough")
            clients[0].send("break")
            await until(lambda: lost.all == ["opened", ("closed", "")])
            await until(lambda: not server.connections)
            assert closed.all == ["opened"]

    asyncio.run(main())


def test_what_cannot_be_reached_is_closed() -> None:
    """Nobody listens, or what listens speaks no WebSocket."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        nobody, other = Heard(), Heard()
        nobody.open(f"ws://127.0.0.1:{port}")
        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
            other.open(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            await until(lambda: nobody.all == other.all == [("closed", "")])

    asyncio.run(main())


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets", None)
    with pytest.raises(TransportError, match=r"pip install 'pillion\[live\]'"):
        check_address("ws://localhost/api/sync")


class Web:
    """A socket of a browser's, and the module that makes it."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def check_socket(self, url: str, protocols: list[str]) -> None:
        self.said.append(("checked", url, protocols))

    def begin_socket(
        self,
        url: str,
        protocols: list[str],
        opened: Callable[[], None],
        heard: Callable[[Any], None],
        closed: Callable[[int, str], None],
    ) -> Any:
        self.opened, self.heard, self.end = opened, heard, closed
        return self, lambda: self.said.append("forgotten")

    def send_to(self, socket: "Web", text: str) -> None:
        self.said.append(text)

    def close(self, code: int, reason: str) -> None:
        self.said.append((code, reason))


def test_a_socket_of_the_browser_is_forgotten_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    web, heard = Web(), Heard()
    monkeypatch.setattr(_platform, "web", lambda: web)
    monkeypatch.setattr(_platform, "IN_BROWSER", True)
    check_address("wss://shop.example/api/sync")
    client = heard.open("wss://shop.example/api/sync")
    assert isinstance(client, BrowserSocket)
    web.opened()
    client.send("a")
    web.heard("b")
    web.end(1006, "gone")
    assert heard.all == ["opened", "b", ("closed", "gone")]
    assert web.said == [("checked", "wss://shop.example/api/sync", []), "a", "forgotten"]
    web.said.clear()
    heard.open("wss://shop.example/api/sync").close("enough")
    assert web.said == ["forgotten", (1000, "enough")]
    assert heard.all[3:] == []
