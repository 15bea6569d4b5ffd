"""What the shop says of its connection."""

import asyncio
import time

import pytest

from demo import shop_connection
from demo.shop_connection import ConnectionNotice
from pillion import Connection


def test_all_is_said_while_it_is_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Since when, and how many changes wait; nothing any more once all is well."""
    monkeypatch.setattr(shop_connection, "LOST_SECONDS", 0.0)
    monkeypatch.setattr(shop_connection, "EVERY_SECONDS", 0.01)
    connection, told, minutes = Connection(time.monotonic), [""], iter(["12:03", "12:04", "12:05", "12:06"])

    async def watch() -> None:
        ConnectionNotice(connection, told.append, lambda: next(minutes))
        await asyncio.sleep(0)
        assert told[-1] == "No connection to the shop since 12:03."
        connection.update("open")
        assert told[-1] == ""
        await asyncio.sleep(0.05)
        for state, pending, words in [
            ("waiting", 0, ""),
            ("connecting", 1, " 1 change waits here until it is back."),
            ("waiting", 1, " 1 change waits here until it is back."),
            ("waiting", 2, " 2 changes wait here until it is back."),
        ]:
            connection.update(state, pending, time.monotonic() if pending else None)
            await asyncio.sleep(0)
            assert told[-1] == "No connection to the shop since 12:05." + words
        connection.update("open", 2, time.monotonic() - 60)  # the connection is new, so its answers may be on their way
        assert told[-1] == ""
        monkeypatch.setattr(shop_connection, "SLOW_SECONDS", 0.01)
        async with asyncio.timeout(20):
            while told[-1] != "Still waiting for the server.":
                await asyncio.sleep(0.01)
        connection.update("open")
        await asyncio.sleep(0.05)
        assert told[-1] == ""
        assert asyncio.all_tasks() == {asyncio.current_task()}  # nothing is looked at while all is well

    asyncio.run(watch())


def test_a_short_loss_is_not_spoken_of() -> None:
    """Nor is a change that is on its way."""
    connection, told = Connection(time.monotonic), [""]

    async def watch() -> None:
        connection.update("open")
        ConnectionNotice(connection, told.append, lambda: "12:00")
        connection.update("waiting", 1, time.monotonic())
        await asyncio.sleep(0)
        connection.update("open", 1, time.monotonic())
        connection.update("open")
        await asyncio.sleep(0)

    asyncio.run(watch())
    assert set(told) == {""}
