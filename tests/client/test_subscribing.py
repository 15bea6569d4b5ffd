"""The handle of a live query, and the iterator over its values; test_live.py has them on a real server."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pillion import PENDING, FunctionError, LiveQuery, Watch


def test_a_handle_shows_the_last_value_and_the_error_of_now() -> None:
    told: list[Any] = []
    query = LiveQuery("a:b", told.append, told.append)
    assert (query.value, query.error, bool(PENDING), repr(PENDING)) == (PENDING, None, False, "PENDING")
    error = FunctionError("no")
    for shown in ((1, None), (None, error), (2, None)):
        query.show(*shown)
        query.tell()
    assert told == [1, error, 2]
    query.show(None, error)
    assert (query.value, query.error) == (2, error)
    query.show(3)
    assert (query.value, query.error) == (3, None)


def test_a_closed_handle_tells_nothing_and_its_ends_are_called_once() -> None:
    told: list[Any] = []
    with LiveQuery("a:b", told.append) as query:
        query.at_end(lambda: told.append("end"))
        assert repr(query) == "<LiveQuery a:b open>"
    query.close()
    query.at_end(lambda: told.append("late"))
    query.show(1)
    query.tell()
    assert told == ["end", "late"]
    assert repr(query) == "<LiveQuery a:b closed>"


def test_an_error_that_nobody_hears_is_a_warning() -> None:
    query = LiveQuery("a:b")
    query.show(None, FunctionError("no"))
    with pytest.warns(RuntimeWarning, match="pillion: a:b failed: FunctionError: no"):
        query.tell()


def watched() -> tuple[Watch, LiveQuery]:
    """A watch, and the query that it sees."""
    made: list[LiveQuery] = []

    def subscribe(on_value: Callable[[Any], object], on_error: Callable[[Any], object]) -> LiveQuery:
        made.append(LiveQuery("a:b", on_value, on_error))
        return made[0]

    return Watch(subscribe), made[0]


def test_a_watch_gives_the_newest_value_and_ends_when_it_is_closed() -> None:
    async def main() -> None:
        watch, query = watched()
        waiting = asyncio.ensure_future(watch.__anext__())
        await asyncio.sleep(0)
        assert not waiting.done()
        for number in (1, 2):
            query.show(number)
            query.tell()
        assert await waiting == 2
        waiting = asyncio.ensure_future(watch.__anext__())
        await asyncio.sleep(0)
        watch.close()
        with pytest.raises(StopAsyncIteration):
            await waiting
        assert query.is_closed

    asyncio.run(main())


def test_a_watch_raises_what_the_query_fails_with_and_ends() -> None:
    async def main() -> None:
        watch, query = watched()
        query.show(None, FunctionError("no"))
        query.tell()
        async with watch:
            with pytest.raises(FunctionError, match="no"):
                await watch.__anext__()
            assert query.is_closed
            assert [value async for value in watch] == []

    asyncio.run(main())
