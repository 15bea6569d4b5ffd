"""The ways out, as far as they can be told without a browser."""

import asyncio

import pytest

from pillion import Client, SessionProvider, TransportError
from pillion.testing import MockTransport


def offer() -> SessionProvider:
    """A session whose ID may go to two origins."""
    client = Client("https://shop.example/api", MockTransport(lambda call: None))
    return SessionProvider(client, "memory", allow_origins=["https://api.example"])


@pytest.mark.parametrize(
    ("url", "carries"),
    [("https://shop.example/x", True), ("https://api.example/x", True), ("https://evil.example/x", False)],
)
def test_headers_are_for_those_who_may_have_them(url: str, carries: bool) -> None:
    """The client's origin, and those that the provider allows."""

    async def main() -> None:
        with offer() as session:
            await session.ready()
            wanted = {"Authorization": f"Session {session.id}"} if carries else {}
            assert session.headers(url) == wanted

    asyncio.run(main())


def test_outside_a_browser_the_browsers_own_ways_are_not_there() -> None:
    """Each says so, and what there is instead."""

    async def main() -> None:
        with offer() as session:
            await session.ready()
            with pytest.raises(TransportError, match=r"auth=session\.auth"):
                await session.fetch("https://shop.example/x")
            with pytest.raises(TransportError, match=r"auth=session\.auth"):
                session.beacon("https://shop.example/x")
            with pytest.raises(TransportError, match=r"auth=session\.auth"):
                session.events("https://shop.example/x")

    asyncio.run(main())


def test_an_origin_that_is_none_is_refused_at_once() -> None:
    """By the provider, where it is written."""
    with pytest.raises(ValueError, match="no origin"):
        SessionProvider(Client("/api", MockTransport(lambda call: None)), allow_origins=["shop.example"])


@pytest.mark.parametrize(
    "url",
    [
        *("shop.example/x", "x", "./x", "", "localhost:8000/x", "\\\\shop.example"),
        *("evil.example/x?next=https://shop.example/", "a@evil.example:1/x?n=://", "://shop.example/x"),
    ],
)
def test_headers_are_not_for_what_others_may_read_in_another_way(url: str) -> None:
    """A path to a browser may be a host to a library, which would be sent the ID."""

    async def main() -> None:
        with offer() as session:
            await session.ready()
            assert session.headers(url) == {}

    asyncio.run(main())


def test_a_session_that_is_used_this_way_only_is_in_use() -> None:
    """Its idle time begins anew with every call that can't wait, too."""

    async def main() -> None:
        client = Client("https://shop.example/api", MockTransport(lambda call: None))
        with SessionProvider(client, "memory", idle_timeout=60) as session:
            await session.ready()
            record = session._identity._holding.record  # type: ignore[union-attr]
            assert record is not None
            record.used -= 50_000
            session.headers("https://shop.example/x")
            await asyncio.sleep(0.05)
            now = session._identity._holding.record  # type: ignore[union-attr]
            assert now is not None
            assert now.used > record.used + 40_000

    asyncio.run(main())
