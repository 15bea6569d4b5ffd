"""Callbacks of on_change."""

import asyncio

import pytest

from pillion.changes import Change, Listeners
from pillion_shared import SessionId

CHANGE = Change(SessionId("x" * 20), "refreshed", "here")


def test_all_are_told_in_order_until_they_leave() -> None:
    """Leaving twice is harmless."""
    listeners, told = Listeners(), []
    leave = listeners.add(lambda change: told.append(("first", change)))
    listeners.add(lambda change: told.append(("second", change)))
    listeners.tell(CHANGE)
    leave()
    leave()
    listeners.tell(CHANGE)
    assert told == [("first", CHANGE), ("second", CHANGE), ("second", CHANGE)]


def test_async_callbacks_run_on_their_own() -> None:
    """They are not waited for, and are not lost."""
    listeners, told = Listeners(), []

    async def slow(change: Change) -> None:
        await asyncio.sleep(0)
        told.append(change)

    async def main() -> None:
        listeners.add(slow)
        listeners.tell(CHANGE)
        assert told == []
        while not told:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert told == [CHANGE]


def test_one_that_fails_harms_no_other() -> None:
    """Its error is shown to the developer, plain or async."""
    listeners, told = Listeners(), []

    def broken(change: Change) -> None:
        raise KeyError("mine")

    async def broken_later(change: Change) -> None:
        raise ValueError("later")

    async def main() -> None:
        listeners.add(broken)
        listeners.add(broken_later)
        listeners.add(told.append)
        with pytest.warns(RuntimeWarning, match=r"on_change failed: KeyError: 'mine'"):
            listeners.tell(CHANGE)
        with pytest.warns(RuntimeWarning, match="on_change failed: ValueError: later"):
            await asyncio.sleep(0.01)

    asyncio.run(main())
    assert told == [CHANGE]


def test_a_change_shows_no_id() -> None:
    """Its repr can be logged."""
    assert repr(CHANGE) == "Change('refreshed', 'here')"
