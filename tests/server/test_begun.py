"""A coroutine that is begun at once."""

import asyncio

import pytest

from pillion_server.begun import Begun


async def three(*events: asyncio.Event) -> int:
    for event in events:
        await event.wait()
    return 3


async def broken(event: asyncio.Event) -> None:
    await event.wait()
    raise ValueError("why")


def test_what_need_not_wait() -> None:
    """Is done, with its value or its error, before anybody awaits it."""
    event = asyncio.Event()
    event.set()
    begun = Begun(three(event))
    assert begun.done
    assert begun.value == 3
    with pytest.raises(ValueError, match="why"):
        Begun(broken(event))


def test_what_waits() -> None:
    """Goes on where it was, as often as it has to."""

    async def main() -> None:
        events = [asyncio.Event(), asyncio.Event()]
        begun = Begun(three(*events))
        assert not begun.done
        waiting = asyncio.ensure_future(_awaited(begun))
        for event in events:
            await asyncio.sleep(0)
            assert not waiting.done()
            event.set()
        assert await waiting == 3
        late = asyncio.Event()
        failing = Begun(broken(late))
        late.set()
        with pytest.raises(ValueError, match="why"):
            await failing

    asyncio.run(main())


def test_a_timeout_reaches_it() -> None:
    """It may clean up, and that it was cancelled is known outside."""
    cleaned = list[str]()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append("up")

    async def main() -> None:
        begun = Begun(slow())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await begun

    asyncio.run(main())
    assert cleaned == ["up"]


async def _awaited(begun: Begun[int]) -> int:
    return await begun
