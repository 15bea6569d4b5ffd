"""Live clients outside a browser, against the server as its users start it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.live_world import LiveWorld, until
from pillion import PENDING


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    """The server of most of these tests, whose notes remain."""
    with LiveWorld(tmp_path_factory.mktemp("live")) as world:
        yield world


@pytest.fixture
def own(tmp_path: Path) -> Iterator[LiveWorld]:
    """A server of the test's own."""
    with LiveWorld(tmp_path) as world:
        yield world


def test_a_subscription_shows_what_another_client_does(running: LiveWorld) -> None:
    async def main() -> None:
        async with running.client() as one, running.client() as other:
            told: list[Any] = []
            query = one.subscribe("notes:texts", told.append)
            assert (query.value, query.error, told) == (PENDING, None, [])
            await until(lambda: query.value is not PENDING)
            before = list(query.value)
            await other.mutation("notes:add", text="by another")
            await until(lambda: query.value != before)
            assert query.value == [*before, "by another"]
            assert told == [before, [*before, "by another"]]
            assert one.connection.state == "open"
            assert other.connection.state == "idle"

    asyncio.run(main())
