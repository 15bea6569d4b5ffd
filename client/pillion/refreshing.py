"""The refreshes of one page: who waits for one, who is part of it, how it ends."""

import asyncio

from pillion._context import HAS_CONTEXTS, ContextVar
from pillion.record import LOGOUT, REFRESHED
from pillion_shared import NotReadyError, RefreshError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pillion_shared import SessionId


class Refresh:
    """One refresh under way, for those who come to wait for it.

    reason: why it was begun. holds_calls: whether the session's other calls wait for it. is_decided: whether
    `before` has succeeded, so that there is no way back. has_severed: whether it was a log-out that came into force.
    """

    def __init__(self, reason: str, holds_calls: bool = True) -> None:
        self.reason = reason
        self.holds_calls = holds_calls
        self.over = asyncio.Event()
        self.is_decided = self.has_severed = False
        self._id: SessionId | None = None
        self._error: Exception | None = None
        self._task: asyncio.Task[Any] | None = None

    def enter(self) -> None:
        """Called by the task that will run the callback."""
        self._task = asyncio.current_task()
        if HAS_CONTEXTS:
            _within.set(self)

    def contains_caller(self) -> bool:
        """Whether the running code is the callback, or was started by it (where the runtime has contexts)."""
        inside = HAS_CONTEXTS and _within.get() is self
        return inside or (self._task is not None and asyncio.current_task() is self._task)

    def end(self, session_id: "SessionId | None", error: "Exception | None") -> None:
        """Says how it ended: with an ID, with an error, or with neither when it was cancelled."""
        self._id = session_id
        self._error = error
        self.over.set()

    def refuse_inside(self) -> None:
        """Raises `RefreshError` if `contains_caller`."""
        if self.contains_caller():
            raise RefreshError("refresh() was called from inside its own callback, where it would wait for itself.")

    async def outcome(self) -> "SessionId":
        """The new ID, once it is in force. Raises what the refresh raised, and `RefreshError` if it was cancelled."""
        self.refuse_inside()
        await self.over.wait()
        if self._error is not None:
            raise self._error
        if self._id is None:
            raise RefreshError("The refresh that this call joined was cancelled; the old ID is still in force.")
        return self._id


class Refreshes:
    """Those of one session on one page, one at a time.

    current: the one under way. severed: how many log-outs have come into force; a call that has waited through one
    belongs to what ended. held: called with whether calls have to wait, whenever that changes.
    """

    def __init__(self) -> None:
        self.severed = 0
        self.current: Refresh | None = None
        self.held: list[Callable[[bool], object]] = []

    def is_under_way(self) -> bool:
        """Whether there is one now."""
        return self.current is not None

    async def joined(self, reason: str) -> "SessionId | None":
        """The outcome of one under way that is this one's like; `None` when it is the caller's turn to begin.

        A refresh joins any other, a log-in or log-out only its like: it waits for what is under way, and follows.
        """
        while self.current is not None:
            if reason in (REFRESHED, self.current.reason) or self.current.contains_caller():
                return await self.current.outcome()
            await self.current.over.wait()
        return None

    def begin(self, reason: str, holds_calls: bool) -> Refresh:
        """The caller's own, at once after `joined` gave `None`."""
        self.current = Refresh(reason, holds_calls)
        self._tell_held()
        return self.current

    def sever(self, refresh: Refresh) -> None:
        """The new ID comes into force now: calls that have waited until now belong to what ends, if it is a log-out."""
        if refresh.reason == LOGOUT and not refresh.has_severed:
            refresh.has_severed = True
            self.severed += 1

    def end(self, refresh: Refresh, session_id: "SessionId | None", error: "Exception | None") -> None:
        """The one under way has come to its end."""
        if session_id is not None:
            self.sever(refresh)
        if self.current is refresh:
            self.current = None
            self._tell_held()
        refresh.end(session_id, error)

    def refuse_inside(self) -> None:
        """Raises `RefreshError` if the caller is part of the one under way, and would wait for itself."""
        if self.current is not None:
            self.current.refuse_inside()

    def contains_caller(self) -> bool:
        """Whether the caller is the callback of the one under way, or was started by it.

        MicroPython has no contexts, so there only the callback itself counts, not tasks that it creates.
        """
        return self.current is not None and self.current.contains_caller()

    def is_holding(self) -> bool:
        """Whether calls have to wait, but for those of the callback."""
        return self.current is not None and self.current.holds_calls

    def hold_up(self) -> bool:
        """Whether the caller's calls have to wait."""
        return self.is_holding() and not self.contains_caller()

    async def over(self) -> None:
        """Returns when the one under way has ended."""
        if self.current is not None:
            await self.current.over.wait()

    def _tell_held(self) -> None:
        for told in list(self.held):
            told(self.is_holding())

    def check(self, severed: int) -> None:
        """Raises `NotReadyError` if there was a log-out since `severed` was counted."""
        if self.severed != severed:
            raise NotReadyError("The session was logged out before this call could be sent.")


_within: "ContextVar[Refresh | None]" = ContextVar("pillion_refresh", default=None)
