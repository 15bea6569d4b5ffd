"""A WebSocket whose first message is the ID, over a web in plain Python; real ones are in browser/test_ways_out.py."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from pillion import Client, SessionError, SessionProvider, TransportError, WebSocket, _platform
from pillion.testing import MockTransport


class Web:
    """Opens sockets that remember what was sent."""

    def __init__(self, opens: bool = True) -> None:
        self.opens = opens
        self.url = ""
        self.sent: list[Any] = []
        self.closed: list[tuple[int, str]] = []
        self.forgotten = 0

    def home(self) -> str:
        return "https://shop.example"

    def locate(self, url: str) -> tuple[str, str | None]:
        return (url, url) if "://" in url else (f"{self.home()}{url}", self.home())

    def locate_with_base(self, url: str) -> tuple[str, str | None]:
        return self.locate(url)

    async def open_socket(
        self, url: str, protocols: list[str], heard: Callable[[Any], None], closed: Callable[[int, str], None]
    ) -> Any:
        self.url, self.heard, self.end = url, heard, closed
        if not self.opens:
            await asyncio.sleep(60)

        def forget() -> None:
            self.forgotten += 1

        return self, forget

    def is_open(self, socket: "Web") -> bool:
        return not self.closed

    def send_to(self, socket: "Web", data: Any) -> None:
        self.sent.append(data)

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    """In the place of the browser's."""
    web = Web()
    monkeypatch.setattr(_platform, "web", lambda: web)
    monkeypatch.setattr("pillion.websocket.require_browser", lambda what: web)
    monkeypatch.setattr(_platform, "locate", web.locate)
    monkeypatch.setattr(_platform, "home", web.home)
    return web


def offer() -> SessionProvider:
    """A session in memory."""
    return SessionProvider(Client("/api", MockTransport(lambda call: None)), "memory")


def test_the_first_message_is_the_id(web: Web) -> None:
    """Then come the caller's, and those of the other end, until it closes."""

    async def main() -> None:
        with offer() as session:
            socket = await session.websocket("/live", field="sid")
            assert web.url == "wss://shop.example/live"
            assert [json.loads(each) for each in web.sent] == [{"sid": session.id}]
            socket.send("a")
            socket.send(b"b")
            assert web.sent[1:] == ["a", b"b"]
            web.heard("1")
            web.heard(b"2")
            assert [await socket.receive(), await socket.receive()] == ["1", b"2"]
            waiting = asyncio.create_task(socket.receive())
            await asyncio.sleep(0)
            web.end(1006, "")
            assert await waiting is None
            assert [message async for message in socket] == []
            assert (socket.code, web.forgotten) == (1006, 1)
            with pytest.raises(TransportError, match="closed"):
                socket.send("c")

    asyncio.run(main())


def test_it_is_closed_with_its_id(web: Web) -> None:
    """And by the end of its `with`; once."""

    async def main() -> None:
        with offer() as session:
            async with await session.websocket("/live") as socket:
                assert "open" in repr(socket)
                await session.refresh()
            assert web.closed == [(1000, "another session")]
            assert (socket.code, socket.reason, web.forgotten) == (1000, "another session", 1)
            assert "closed" in repr(socket)

    asyncio.run(main())


def test_it_says_no_id_but_that_in_force(web: Web) -> None:
    """A refresh while it was being opened."""

    async def main() -> None:
        with offer() as session:
            await session.ready()
            opening = asyncio.create_task(session.websocket("/live"))
            new = await session.refresh()
            await opening
            assert [json.loads(each) for each in web.sent] == [{"sessionId": new}]

    asyncio.run(main())


def test_where_the_id_may_not_go_there_is_none(web: Web) -> None:
    """Nor where nobody answers in time."""

    async def main() -> None:
        with offer() as session:
            with pytest.raises(SessionError, match="allow_origins"):
                await session.websocket("wss://evil.example/")
            assert web.url == ""
            web.opens = False
            with pytest.raises(TransportError, match=r"within 0\.01 s"):
                await session.websocket("/live", timeout=0.01)

    asyncio.run(main())


def test_outside_a_browser_there_is_none() -> None:
    """The error says whose it is."""

    async def main() -> WebSocket:
        with offer() as session:
            return await session.websocket("wss://shop.example/")

    with pytest.raises(TransportError, match="the browser's"):
        asyncio.run(main())


def test_it_ends_with_the_session_and_is_closed_with_a_code_that_may_be(web: Web) -> None:
    """Others would throw in the browser."""

    async def main() -> None:
        with offer() as session:
            socket = await session.websocket("/live")
            for code, reason in ((1001, ""), (999, ""), (5000, ""), (1000, "é" * 62)):
                with pytest.raises(ValueError, match="1000, or 3000 to 4999"):
                    socket.close(code, reason)
        assert web.closed == [(1000, "no session")]
        assert await socket.receive() is None

    asyncio.run(main())


def test_what_closes_as_it_opens_is_forgotten(web: Web) -> None:
    """Nothing stays of it."""

    async def main() -> None:
        with offer() as session:
            await session.ready()
            opening = asyncio.create_task(session.websocket("/live"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            web.is_open = lambda socket: False  # type: ignore[method-assign]
            with pytest.raises(TransportError, match="closed"):
                await opening
            assert web.forgotten == 1

    asyncio.run(main())
