"""The worker's side of `lending`: an identity whose owner is the page."""

import asyncio
import json

from pillion import _platform
from pillion._aio import apart, bounded, settled
from pillion.changes import HERE, Change, Listeners
from pillion.identity import PRESENT, UNKNOWN
from pillion.keeping import PAGE
from pillion.lending import BEFORE, CHANGED, HELD, REFRESH, SESSION
from pillion.lending import REFRESHED as DONE
from pillion.record import LOGOUT, REFRESHED
from pillion.refreshing import Refreshes
from pillion.storage import StorageReport
from pillion_shared import RefreshError, SessionId

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pillion.lending import LentStorage

ASK_SECONDS = 0.05
"""How long to wait before the page is asked again, whose Python may start after the worker's."""

GRACE_SECONDS = 5.0
"""How much longer than the page a refresh is waited for."""


class BorrowedIdentity:
    """What `Identity` is to a session, with the page as the owner of the ID."""

    def __init__(self, lent: "LentStorage") -> None:
        self.state = UNKNOWN
        self.id: SessionId | None = None
        self.origin = ""
        self.parent: SessionId | None = None
        self.changed = Listeners()
        self.has_storage = True
        self.scope = PAGE
        self.report = StorageReport(lent.name, False, "the page has not lent its session yet: lend(session, sync)")
        self._sync = lent.sync
        self.refreshes = Refreshes()
        self._before: Callable[[SessionId], object] | None = None
        self._failure: Exception | None = None
        self._told = asyncio.Event()
        self._was_told = False
        self._freed = asyncio.Event()
        self._freed.set()
        self._number = 0
        self._outcome: tuple[SessionId, str] = (SessionId(""), "")
        self._missed: Change | None = None
        self._ends: list[Callable[[], None]] = []
        self._closed = False

    async def settle(self) -> None:
        """Asks the page, until it answers."""
        heard = {CHANGED: self._on_changed, HELD: self._on_held, BEFORE: self._on_before, DONE: self._on_done}
        for name, function in heard.items():
            self._ends.append(_platform.expose(self._sync, name, function))
        told = await self._asked()
        if told is None:
            return
        if told.get("page"):
            _platform.set_page(told["page"])
        kind, persistent, why = told["storage"]
        self.report = StorageReport(kind, persistent, why)
        self.id, self.origin, self.parent, self.state = told["id"], told["origin"], told["parent"], PRESENT
        if not self._was_told:  # something newer, while this answer was on its way
            self._hold(told["held"])

    async def refresh(
        self,
        before: "Callable[[SessionId], object] | None",
        seconds: float,
        reason: str = REFRESHED,
        holds_calls: bool = True,
    ) -> SessionId:
        """Has the page refresh its session; `before` runs here."""
        joined = await self.refreshes.joined(reason)
        if joined is not None:
            return joined
        refresh = self.refreshes.begin(reason, holds_calls)
        self._before, self._failure = before, None
        late = RefreshError(f"The page did not refresh its session within {seconds + GRACE_SECONDS:g} s.")
        try:
            self._told, self._missed, self._number = asyncio.Event(), None, self._number + 1
            await settled(
                _platform.ask(self._sync, REFRESH, reason, seconds, before is not None, holds_calls, self._number)
            )
            await bounded(self._told.wait(), seconds + GRACE_SECONDS, late)
            session_id, error = self._outcome
            if session_id != self.id:
                self.refreshes.sever(refresh)
            self._adopt(Change(session_id, reason, HERE))
            if self._failure is not None:
                raise self._failure
            if error:
                raise RefreshError(error)
        except BaseException as failure:
            if self._missed is not None:  # given up before the page had told its outcome
                self._adopt(self._missed)
            self.refreshes.end(refresh, None, failure if isinstance(failure, Exception) else None)
            raise
        self.refreshes.end(refresh, session_id, None)
        return await refresh.outcome()

    def is_sure(self) -> bool:
        """Whether no refresh, of this worker or of its page, holds a call up; the page tells every change."""
        return self.refreshes.contains_caller() or (self._freed.is_set() and not self.refreshes.is_holding())

    def is_held_up(self) -> bool:
        """Whether the caller's call has to wait for a refresh."""
        return not self.is_sure()

    def use(self) -> None:
        """Nothing: the page counts the uses."""

    def is_recent(self) -> bool:
        """The same as `is_sure`: the page tells every change."""
        return self.is_sure()

    async def make_sure(self) -> None:
        """Waits until a call may use the ID."""
        while not self.is_sure():
            await (self.refreshes.over() if self.refreshes.is_holding() else self._freed.wait())

    async def look_again(self) -> None:
        """Nothing: the page tells every change."""

    def close(self) -> None:
        """Ends it in this worker."""
        self._closed = True
        self._hold(False)
        self.changed.clear()
        for end in self._ends:
            end()
        self._ends = []

    async def _asked(self) -> "dict[str, Any] | None":
        while not self._closed:
            try:
                told: dict[str, Any] = json.loads(await settled(_platform.ask(self._sync, SESSION)))
                return told
            except Exception:
                await asyncio.sleep(ASK_SECONDS)
        return None

    def _adopt(self, change: Change) -> None:
        if change.id != self.id:
            self.id = change.id
            self.changed.tell(change)

    def _on_changed(self, told: str) -> None:
        change = Change(*json.loads(told))
        if change.reason == LOGOUT and change.origin == HERE and not self.refreshes.is_under_way():
            self.refreshes.severed += 1  # calls that have waited belong to what ends
        if self.refreshes.is_under_way():
            self._missed = change  # what this worker has asked for, it tells itself
        elif not self._closed:
            self._adopt(change)

    def _on_held(self, told: str) -> None:
        self._hold(json.loads(told))

    def _hold(self, is_held: bool) -> None:
        """Calls have to wait from now on, or not any more."""
        self._was_told = True
        if is_held:
            self._freed.clear()
        else:
            self._freed.set()

    async def _on_done(self, told: str) -> None:
        """Called by the page when this worker's refresh has ended."""
        outcome = json.loads(told)
        if outcome["number"] == self._number:
            self._outcome = outcome["id"], outcome["error"]
            self._told.set()

    async def _on_before(self, new: SessionId) -> str:
        """Called by the page: runs the callback of this worker's refresh; says whether it succeeded."""
        refresh, before = self.refreshes.current, self._before
        if refresh is None or before is None:
            return json.dumps(False)

        async def run() -> None:
            refresh.enter()
            await settled(before(new))

        try:
            await apart(run())
        except Exception as error:
            self._failure = error
            return json.dumps(False)
        return json.dumps(True)
