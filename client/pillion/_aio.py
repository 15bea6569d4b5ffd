"""The part of asyncio that all three runtimes have, and a bound on waiting made of it.

MicroPython's `wait_for` ends by throwing into whoever waits, which the top level of a page script can't take;
`bounded` only waits for an event, so it works there too.
"""

import asyncio
import sys

from pillion import _platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine
    from typing import Any, TypeVar

    T = TypeVar("T")

_running: "set[asyncio.Task[Any] | None]" = set()  # an event loop itself holds tasks only weakly


# MicroPython awaits iterators, its coroutines among them, and JS promises.
_AWAITED_BY = ("__next__", "then") if sys.implementation.name == "micropython" else ("__await__",)


def is_awaitable(value: object) -> bool:
    """Whether `value` can be awaited: a coroutine, a task, a JS promise."""
    return any(hasattr(value, name) for name in _AWAITED_BY)


async def settled(value: "Awaitable[T] | T") -> "T":
    """`value`, awaited where it is one of those that must be: what sync and async callbacks share."""
    if is_awaitable(value):
        return await value  # type: ignore[misc,no-any-return]
    return value  # type: ignore[return-value]


async def answered(value: "Awaitable[T] | T", seconds: float, late: Exception) -> "T":
    """The same within so many seconds, else `late` is raised: for callbacks of which nobody knows that they end."""
    return await bounded(settled(value), seconds, late) if is_awaitable(value) else value  # type: ignore[return-value]


def spawn(coroutine: "Coroutine[Any, Any, None]") -> "asyncio.Task[None]":
    """Runs `coroutine` on its own; it must handle its errors. Raises `RuntimeError` where no loop runs."""
    whole = _until_done(coroutine)
    try:
        task = asyncio.create_task(whole)
    except RuntimeError:
        whole.close()
        coroutine.close()
        raise
    if hasattr(task, "add_done_callback"):  # CPython complains of what was cancelled before it had begun
        task.add_done_callback(lambda _: coroutine.close())
    return task


async def _until_done(coroutine: "Coroutine[Any, Any, None]") -> None:
    task = asyncio.current_task()
    _running.add(task)  # the loop itself holds it until here; what is cancelled before that never gets here
    try:
        await coroutine
    finally:
        _running.discard(task)


async def apart(coroutine: "Coroutine[Any, Any, T]") -> "T":
    """What `coroutine` returns or raises, run as a task of its own where that matters.

    On MicroPython all coroutines that JavaScript calls (event handlers, the page's script) count as one task, so
    what two of them wait for at once would wake the wrong one. A JS promise wakes the right one.
    """
    if not _platform.SHARES_A_TASK:
        return await coroutine
    over, end = _platform.bridge().promise()
    results: list[T] = []
    failures: list[BaseException] = []

    async def work() -> None:
        try:
            results.append(await coroutine)
        except BaseException as failure:
            failures.append(failure)
        end(True)

    task = asyncio.create_task(work())
    try:
        await over
    finally:
        task.cancel()
    if failures:
        raise failures[0]
    return results[0]


class Line:
    """One at a time, first come, first served; whoever waits may give up or be cancelled."""

    def __init__(self) -> None:
        self._busy = False
        self._waiting: list[asyncio.Event] = []

    async def enter(self, seconds: float, late: Exception) -> None:
        """Returns when it is the caller's turn, who must `leave` afterwards; raises `late` after `seconds`."""
        if not self._busy:
            self._busy = True
            return
        turn = asyncio.Event()
        self._waiting.append(turn)
        try:
            await bounded(turn.wait(), seconds, late)
        except BaseException:
            if turn.is_set():
                self.leave()  # the turn came as its owner went
            else:
                self._waiting.remove(turn)
            raise

    def leave(self) -> None:
        """Hands the turn to whoever has waited longest."""
        if self._waiting:
            self._waiting.pop(0).set()
        else:
            self._busy = False


SLICES = 8
"""A page that was frozen or asleep finds its timer over and what it waits for there: so it loses but one slice."""


async def bounded(
    coroutine: "Coroutine[Any, Any, T]",
    seconds: "float | None",
    error: Exception,
    over: "asyncio.Event | None" = None,
) -> "T":
    """What `coroutine` returns or raises, if that takes at most `seconds`; else it is cancelled and `error` raised.

    over: an event that ends it, too, when it is set; it is set here when the coroutine has ended.
    """
    over = asyncio.Event() if over is None else over
    begun: list[bool] = []
    results: list[T] = []
    failures: list[BaseException] = []

    async def work() -> None:
        begun.append(True)
        try:
            results.append(await coroutine)
        except BaseException as failure:
            failures.append(failure)
        over.set()

    async def alarm(seconds: float) -> None:
        for _ in range(SLICES):
            await asyncio.sleep(seconds / SLICES)
        over.set()

    worker = asyncio.create_task(work())
    clock = None if seconds is None else asyncio.create_task(alarm(seconds))
    try:
        await over.wait()
    finally:
        if clock is not None:
            clock.cancel()
        if not (results or failures):
            worker.cancel()
            if not begun:
                coroutine.close()  # nobody else will
    if failures:
        raise failures[0]
    if results:
        return results[0]
    raise error
