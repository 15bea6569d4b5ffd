"""How one ID follows another: by a refresh, or because the one before has had its time.

One at a time in all tabs, under a Web Lock that dies with its tab. It is there for liveness alone: what holds is
decided by the compare-and-swap.
"""

from pillion._aio import settled, spawn
from pillion.claim import fingerprint
from pillion.keeping import PAGE, TAB
from pillion.record import EXPIRED, LOGIN, LOGOUT, NEVER, REFRESHED, Record
from pillion.rules import expire, follow
from pillion_shared import InvalidIdError, RefreshError, StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pillion.holding import Holding
    from pillion.making import Maker
    from pillion.refreshing import Refresh, Refreshes
    from pillion.rules import Limits
    from pillion.surroundings import Release, Surroundings
    from pillion_shared import SessionId

LOGOUT_LOCK_SECONDS = 5.0
"""How long a log-out waits for another tab's refresh, before it goes on all the same."""

EXPIRY_LOCK_SECONDS = 0.25
"""How long an expiry waits for another tab's refresh."""


class Succession:
    """The successions of one session.

    name: tells its locks from those of others. committed: hears of each new generation, to tell the other tabs.
    """

    def __init__(
        self,
        holding: "Holding",
        refreshes: "Refreshes",
        maker: "Maker",
        surroundings: "Surroundings",
        name: str,
        committed: "Callable[[Record], None]",
    ) -> None:
        self._holding = holding
        self._refreshes = refreshes
        self._maker = maker
        self._around = surroundings
        self._name = "pillion:refresh:" + name
        self._committed = committed

    async def run(self, refresh: "Refresh", before: "Callable[[SessionId], object] | None", seconds: float) -> None:
        """Makes the new ID and runs `before(new)`; afterwards the commit goes on by itself, and ends the refresh.

        Raises what `before` raises, and `RefreshError` if another tab's refresh takes longer than `seconds`.
        """
        refresh.enter()
        if refresh.reason == LOGIN:
            await self._holding.catch_up()  # another tab's log-in of before this one is not its like
        release = await self._lock(refresh.reason, self._holding.record, seconds)
        try:
            held = self._holding.record
            mine = await self._newest(refresh)
            while mine is not None and held is not None and mine.id != held.id and self._holding.claim is not None:
                release()  # a tab's lock is named after its ID
                release, held = _nothing, self._holding.record
                release = await self._lock(refresh.reason, self._holding.record, seconds)
                mine = await self._newest(refresh)
            if mine is None:
                release()
                return
            made = await self._maker.make()
            if made == mine.id:
                raise InvalidIdError("The id_generator made the ID that is in force; a refresh needs another one.")
            if before is not None:
                await settled(before(made))
            if refresh.over.is_set():
                raise RefreshError("It was given up before its callback had ended.")
        except BaseException:
            release()
            raise
        refresh.is_decided = True
        new = mine.next(made, refresh.reason, self._around.now())  # its time begins now, not before the callback
        spawn(self._commit(refresh, mine, new, release))

    async def expire(self, record: Record, limits: "Limits") -> Record:
        """The one that follows a record which has had its time; another tab's, if that was quicker.

        While a refresh is under way somewhere the session is in use, and what follows is up to that.
        """
        try:
            release = await self._lock(EXPIRED, record, EXPIRY_LOCK_SECONDS)
        except RefreshError:
            return record
        try:
            now = self._around.now()
            new = record.next(await self._maker.make(), EXPIRED, now).used_at(NEVER)
            kept = await self._holding.replace(record, new, expire(record, new, limits, now))
        finally:
            release()
        self._committed(kept)
        return kept

    async def _newest(self, refresh: "Refresh") -> "Record | None":
        """The record to be followed; `None` if another tab has just done what this refresh is for."""
        mine = self._holding.record
        found = await self._holding.catch_up()
        if mine is None or not found.beats(mine) or refresh.reason not in (REFRESHED, found.reason):
            return found
        refresh.is_decided = True
        self._refreshes.end(refresh, found.id, None)
        return None

    async def _commit(self, refresh: "Refresh", mine: Record, new: Record, release: "Release") -> None:
        kept = new
        try:
            async with self._holding.writing:
                try:
                    kept = await self._holding.replace(mine, new, follow(mine, new))
                finally:
                    self._refreshes.sever(refresh)
                    self._holding.adopt(kept)
        finally:
            release()
            self._refreshes.end(refresh, kept.id, None)
            self._committed(kept)

    async def _lock(self, reason: str, record: "Record | None", seconds: float) -> "Release":
        """Raises `RefreshError` if it isn't free within `seconds`; a log-out goes on without it."""
        scope = self._holding.keeper.scope
        if not self._around.has_locks or scope == PAGE or record is None:
            return _nothing
        name = self._name
        if scope == TAB:
            name += ":" + fingerprint(record.id)
        if reason == LOGOUT:
            seconds = min(seconds, LOGOUT_LOCK_SECONDS)
        try:
            release = await self._around.lock(name, seconds)
        except StorageError:
            return _nothing  # locks are blocked; the compare-and-swap is left
        if release is None and reason != LOGOUT:
            raise RefreshError(f"Another tab's refresh took more than {seconds:g} s; the old ID is still in force.")
        return release or _nothing


def _nothing() -> None:
    pass
