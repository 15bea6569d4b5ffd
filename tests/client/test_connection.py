"""What a page sees of a live client's connection; test_live.py has it told by a real one."""

import asyncio

import pytest

from pillion import Connection


def test_it_tells_when_the_state_or_the_count_changes() -> None:
    """And not when only time has passed; each until it is ended, which may be done twice."""
    connection = Connection(lambda: 0.0)
    told: list[tuple[str, int]] = []
    stop = connection.on_change(lambda each: told.append((each.state, each.pending)))
    connection.update("idle")
    connection.update("connecting")
    connection.update("open", 1, 5.0)
    connection.update("open", 1, 6.0)
    stop()
    stop()
    connection.update("waiting", 2, 6.0)
    assert told == [("connecting", 0), ("open", 1)]
    assert repr(connection) == "<Connection waiting, 2 pending>"


def test_the_oldest_call_grows_older() -> None:
    now = [10.0]
    connection = Connection(lambda: now[0])
    assert connection.oldest_pending is None
    connection.update("waiting", 1, 9.0)
    assert connection.oldest_pending == 1.0
    now[0] = 12.5
    assert connection.oldest_pending == 3.5
    now[0] = 8.0  # where a runtime's only clock is one that can be set
    assert connection.oldest_pending == 0.0


def test_a_callback_that_fails_harms_no_other() -> None:
    connection, told = Connection(lambda: 0.0), []

    def failing(_: Connection) -> None:
        raise ValueError("mine")

    async def later(each: Connection) -> None:
        told.append(each.state)

    async def main() -> None:
        connection.on_change(failing)
        connection.on_change(later)
        with pytest.warns(RuntimeWarning, match=r"connection\.on_change failed: ValueError: mine"):
            connection.update("open")
        await asyncio.sleep(0)

    asyncio.run(main())
    assert told == ["open"]
