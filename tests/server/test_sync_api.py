"""The WebSockets of the sync protocol: who gets one, and how it ends."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.sync_world import Socket, add, scope_of, socket
from server.world import World

SHOP = "@query\ndef one(ctx) -> int:\n    return 1\n"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    """A shop."""
    world = World(tmp_path, shop=SHOP)
    yield world
    world.close()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/1.48.0/sync", {"origin": "https://evil.example"}, 403),
        ("/api/1.48.0/sync", {"host": "evil.example"}, 400),
        ("/api/0.19.1/sync", {}, None),
        ("/api/nonsense/sync", {}, None),
        ("/elsewhere", {}, None),
    ],
)
def test_who_is_refused(shop: World, path: str, headers: dict[str, str], status: int | None) -> None:
    """Before the socket is there: pages of others, names of others, clients that are too old."""

    async def main() -> None:
        client = Socket()
        await shop.app(scope_of(path, headers), client.receive, client.send)
        message = await client.message()
        if status is None:
            assert message["type"] == "websocket.close"
        else:
            assert (message["type"], message["status"]) == ("websocket.http.response.start", status)

    asyncio.run(main())


def test_too_many_sockets(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is told to come back."""
    monkeypatch.setattr("pillion_server.sync_api.MOST_SOCKETS", 1)

    async def main() -> None:
        async with socket(shop.app) as first:
            async with socket(shop.app) as second:
                assert await second.closed() == (1013, "TooManyConcurrentRequests")
            first.connect()
            first.modify(0, add(0, "shop:one"))
            await first.frame()
            assert first.values == {0: 1.0}

    asyncio.run(main())


def test_an_idle_client_is_pinged(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which keeps it from taking the connection for dead."""
    monkeypatch.setattr("pillion_server.sync_api.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("pillion_server.sync_socket.IDLE_SECONDS", 0.0)

    async def main() -> None:
        async with socket(shop.app) as page:
            assert await page.frame() == {"type": "Ping"}

    asyncio.run(main())


def test_who_does_not_read_is_left(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app ends, and nothing more is sent."""
    monkeypatch.setattr("pillion_server.sync_api.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("pillion_server.sync_api.STUCK_SECONDS", 0.05)

    async def main() -> None:
        client = Socket()
        task = asyncio.ensure_future(shop.app(scope_of("/api/sync", {}), client.receive, client.send))
        assert (await client.message())["type"] == "websocket.accept"
        client.reading.clear()
        client.connect()
        client.modify(0)
        async with asyncio.timeout(10):
            await task
        assert client.unread == 0

    asyncio.run(main())


def test_a_closed_database_closes_sockets(shop: World) -> None:
    """With a code after which clients return."""

    async def main() -> None:
        async with socket(shop.app) as page:
            page.connect()
            page.modify(0)
            await page.frame()
            shop.close()
            page.modify(1, add(0, "shop:one"))
            assert await page.closed() == (1011, "InternalServerError")

    asyncio.run(main())
