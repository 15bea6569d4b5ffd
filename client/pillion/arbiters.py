"""Arbiters: each keeps one session's record, and decides for all tabs which one it is.

`update` is the only operation: a decision (see `rules`) and its effect are one step, whoever else is at it.
"""

import asyncio

from pillion._aio import settled
from pillion.mirror import record_key
from pillion.record import ADOPTED, Record, parse
from pillion_shared import StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from pillion.rules import Decision
    from pillion.storage import Storage
    from pillion.surroundings import Surroundings
    from pillion_shared import SessionId

    class Arbiter(Protocol):
        """What keeps a record. is_live: whether a look at it is cheap enough for any moment."""

        is_live: bool

        async def update(self, decide: "Decision") -> "Record | None":
            """The record that is there afterwards. Raises what the storage raises."""
            ...

        async def forget(self, session_id: "SessionId") -> None:
            """Leaves nothing from which this ID could come back."""
            ...


TRIES = 3
"""How often a storage that is cleared at that very moment is written to, before it is given up."""

LOCK_SECONDS = 2.0
"""How long another tab may keep the lock of a storage."""


class DatabaseArbiter:
    """One IndexedDB transaction: atomic across tabs and workers by itself, on plain http too."""

    is_live = True

    def __init__(self, surroundings: "Surroundings", key: str, is_ours: "Callable[[object], bool]") -> None:
        self._surroundings = surroundings
        self._key = key
        self._is_ours = is_ours

    async def update(self, decide: "Decision") -> "Record | None":
        def decide_text(text: "str | None") -> "str | None":
            wanted = decide(parse(text, self._is_ours))
            return None if wanted is None else wanted.text()

        return parse(await self._surroundings.update(self._key, decide_text), self._is_ours)

    async def forget(self, session_id: "SessionId") -> None:
        def nothing(text: "str | None") -> "str | None":
            found = parse(text, self._is_ours)
            return "" if found is not None and found.id == session_id else None

        await self._surroundings.update(self._key, nothing)


class StoredArbiter:
    """A storage of the browser, under a Web Lock where there are locks.

    of_tab: whether the storage is one tab's, so that no other tab needs the lock, nor can keep it.
    pause: seconds to wait inside the lock before reading and after writing, for storages whose content other
    tabs see late.
    """

    is_live = True

    def __init__(
        self,
        storage: "Storage",
        key: str,
        is_ours: "Callable[[object], bool]",
        surroundings: "Surroundings",
        of_tab: bool = False,
        pause: float = 0.0,
    ) -> None:
        self._storage = storage
        self._key = record_key(key)
        self._lock = f"pillion:storage:{key}" + (":" + surroundings.tab_name() if of_tab else "")
        self._is_ours = is_ours
        self._surroundings = surroundings
        self._pause = pause

    async def update(self, decide: "Decision") -> "Record | None":
        found = await self._read()
        if decide(found) is None:
            return found
        release = await self._take_lock()
        try:
            found = await self._read()
            if decide(found) is None:
                return found  # so that of many in the queue only those who write take their time
            await self._settle()
            found = await self._read()
            wanted = decide(found)
            if wanted is None:
                return found
            for _ in range(TRIES):
                await settled(self._storage.set(self._key, wanted.text()))
                await self._settle()
                kept = await self._read()
                if kept is not None and not wanted.beats(kept):
                    return kept
            raise StorageError("what was set is not there")
        finally:
            release()

    async def forget(self, session_id: "SessionId") -> None:
        found = await self._read()
        if found is not None and found.id == session_id:
            await settled(self._storage.remove(self._key))

    async def _read(self) -> "Record | None":
        return parse(await settled(self._storage.get(self._key)), self._is_ours)

    async def _settle(self) -> None:
        if self._pause:
            await asyncio.sleep(self._pause)

    async def _take_lock(self) -> "Callable[[], None]":
        if not self._surroundings.has_locks:
            return _nothing
        release = await self._surroundings.lock(self._lock, LOCK_SECONDS)
        if release is None:
            raise StorageError(f"another tab has kept its lock for {LOCK_SECONDS:g} s")
        return release


class PlainArbiter:
    """A storage that keeps nothing but the ID: memory, or one of the user's.

    Another ID found in it is news from somebody else, and counts as the next generation.
    """

    is_live = False

    def __init__(self, storage: "Storage", key: str, is_ours: "Callable[[object], bool]") -> None:
        self._storage = storage
        self._key = key
        self._is_ours = is_ours
        self._last: Record | None = None

    async def update(self, decide: "Decision") -> "Record | None":
        found = await self._read()
        wanted = decide(found)
        if wanted is None:
            self._last = found
            return found
        replaced = found
        if found is None or found.id != wanted.id:
            await settled(self._storage.set(self._key, wanted.id))
            found = await self._read()
            if found is None or (replaced is not None and found.id == replaced.id):
                raise StorageError("what was set is not there")
        self._last = wanted if found.id == wanted.id else found
        return self._last

    async def forget(self, session_id: "SessionId") -> None:
        if await settled(self._storage.get(self._key)) == session_id:
            await settled(self._storage.remove(self._key))

    async def _read(self) -> "Record | None":
        text = await settled(self._storage.get(self._key))
        if not self._is_ours(text):
            return None
        last = self._last
        if last is not None and last.id == text:
            return last
        return Record(text, 1 if last is None else last.generation + 1, ADOPTED)  # type: ignore[arg-type]


def _nothing() -> None:
    pass
