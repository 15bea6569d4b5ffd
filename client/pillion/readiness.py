"""The wait before a call: for the ID, and for a refresh that is under way; bounded, counted, in turn."""

import asyncio

from pillion import _platform
from pillion._aio import bounded, spawn
from pillion_shared import NotReadyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MAX_WAITING = 1000
"""How many calls may wait for one ID at once."""


class Readiness:
    """Whether calls may go out.

    settle: gives the ID; `None` where there is no storage and so never will be one (a server's render). What it
        raises goes to all who wait, and the next one to come starts it anew.
    is_sure: whether the ID that is there may be used at once. make_sure: what to wait for otherwise; it ends by
        itself.
    """

    def __init__(
        self,
        settle: "Callable[[], Awaitable[object]] | None",
        is_sure: "Callable[[], bool]",
        make_sure: "Callable[[], Awaitable[object]]",
    ) -> None:
        self.ready = False
        self._settle = settle
        self._is_sure = is_sure
        self._make_sure = make_sure
        self._attempt = _Attempt()
        self._closed: NotReadyError | None = None
        self._waiting = 0
        self._turn = asyncio.Lock()

    def start(self) -> None:
        """Begins to settle, once; raises `RuntimeError` where no event loop runs."""
        attempt = self._attempt
        if self._settle is None or self._closed or attempt.begun:
            return
        spawn(self._run(attempt, self._settle))
        attempt.begun = True

    async def settled(self, seconds: float) -> None:
        """Returns when the ID is there, refreshed or not. Raises `NotReadyError` after `seconds`."""
        if not self.ready:
            self._enter()
            try:
                await self._settled(await self._until(seconds), seconds)
            finally:
                self._waiting -= 1

    async def wait(self, seconds: float, inside: bool = False) -> None:
        """Returns when calls may go out. Raises `NotReadyError` when there is no ID after `seconds`.

        inside: whether the caller is what the others wait for.
        """
        if self.ready and (inside or self._is_sure()):
            return
        self._enter()
        try:
            await self._settled(await self._until(seconds), seconds)
            await self._at_rest()
        finally:
            self._waiting -= 1

    async def wait_in_turn(self, seconds: float, inside: bool = False) -> None:
        """The same for calls that keep an order: whoever came first leaves first."""
        if self.ready and (inside or (self._is_sure() and not self._waiting)):
            return  # those who wait may still be on their way out, and go first
        self._enter()
        try:
            until = await self._until(seconds)
            async with self._turn:
                await self._settled(until, seconds)
                await self._at_rest()
        finally:
            self._waiting -= 1

    def check(self) -> None:
        """Raises `NotReadyError` if the session is closed."""
        if self._closed is not None:
            raise self._closed

    def close(self) -> None:
        """Ends every wait, now and from now on, with `NotReadyError`."""
        self._closed = NotReadyError(
            "The session was closed: by dispose(), the end of its `with`, or another provider with its storage_key."
        )
        self.ready = False
        self._attempt.end(self._closed)

    def _enter(self) -> None:
        self.check()
        if self._waiting >= MAX_WAITING:
            raise NotReadyError(f"{MAX_WAITING} calls wait for the session ID already: await session.ready() first.")
        self._waiting += 1

    async def _until(self, seconds: float) -> float:
        """The moment after which nobody waits; on a prerendered page the time begins when it is shown."""
        if not self.ready:
            await _platform.shown()
        return _platform.now() + seconds

    async def _settled(self, until: float, seconds: float) -> None:
        self.check()
        if not self.ready:
            await bounded(self._attempt_over(), max(0.0, until - _platform.now()), self._too_late(seconds))

    async def _at_rest(self) -> None:
        if not self._is_sure():
            await self._make_sure()
        self.check()

    async def _attempt_over(self) -> None:
        self.start()
        attempt = self._attempt
        await attempt.over.wait()
        if attempt.error is not None:
            raise attempt.error

    async def _run(self, attempt: "_Attempt", settle: "Callable[[], Awaitable[object]]") -> None:
        try:
            await _platform.shown()
            await settle()
        except Exception as error:
            self._end(attempt, error)
        except BaseException:  # the loop ends; another one may come
            self._end(attempt, NotReadyError("The event loop ended before the session ID was there."))
            raise
        else:
            self._end(attempt, None)

    def _end(self, attempt: "_Attempt", error: "Exception | None") -> None:
        if self._closed is None:
            self.ready = error is None
            if error is not None:
                self._attempt = _Attempt()
            attempt.end(error)

    def _too_late(self, seconds: float) -> NotReadyError:
        if self._settle is None:
            why = "there is no storage in this place to keep one; wait for it on the page, or pass a storage"
        else:
            why = "the storage or the id_generator has not answered"
        return NotReadyError(f"No session ID within {seconds:g} s: {why}.")


class _Attempt:
    """One run of `settle`, for those who wait for it."""

    def __init__(self) -> None:
        self.begun = False
        self.over = asyncio.Event()
        self.error: Exception | None = None

    def end(self, error: "Exception | None") -> None:
        self.error = error
        self.over.set()
