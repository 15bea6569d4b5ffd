"""Where a session is kept: an arbiter that decides for all tabs, and the named storage, which mirrors the bare ID.

"session"            sessionStorage, which is this tab's own
"local", "cookie"    IndexedDB; the storage that was named is written through and healed (see `mirror`)
                     where IndexedDB fails: the named storage itself, under a Web Lock
"indexeddb"          IndexedDB
memory, the user's   the storage itself
and at last          memory, which is reported
"""

from pillion import _platform
from pillion._aio import bounded
from pillion.arbiters import DatabaseArbiter, PlainArbiter, StoredArbiter
from pillion.mirror import Mirror
from pillion.record import Record
from pillion.rules import first, knowing, leave
from pillion.storage import (
    CookieStorage,
    IndexedDBStorage,
    MemoryStorage,
    StorageReport,
    WebStorage,
    name_of,
    probe,
)
from pillion_shared import PillionError, StorageError
from pillion_shared.ids import without_ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any, TypeVar

    from pillion.arbiters import Arbiter
    from pillion.rules import Decision
    from pillion.storage import Storage
    from pillion.surroundings import Surroundings

    T = TypeVar("T")

TAB = "tab"
BROWSER = "browser"
PAGE = "page"

STORAGE_SECONDS = 5.0
"""How long a storage may take to answer."""

PAUSE_SECONDS = 0.1
"""How long another tab may see an old localStorage or document.cookie."""

NO_LOCKS = "there are no Web Locks here (plain http), so a duplicate of a tab that is busy may go on with its ID"


class Keeper:
    """Keeps the record of one session, in the first of its places that works.

    full: whether the whole record must be kept in a storage of the user's, too, for its times.
    scope: one ID per `"tab"`, `"browser"` or `"page"`. report: where the ID really is.
    """

    def __init__(
        self,
        storage: "Storage",
        key: str,
        is_ours: "Callable[[object], bool]",
        surroundings: "Surroundings",
        full: bool = False,
    ) -> None:
        self.scope = _scope_of(storage)
        doubt = NO_LOCKS if self.scope == TAB and not surroundings.has_locks else ""
        self.report = StorageReport(name_of(storage), bool(getattr(storage, "persistent", True)), doubt)
        self._storage = storage
        self._key = key
        self._is_ours = is_ours
        self._mirror: Mirror | None = None
        database = DatabaseArbiter(surroundings, key, is_ours)
        stored = StoredArbiter(storage, key, is_ours, surroundings, self.scope == TAB, _pause_of(storage))
        self._arbiters: list[Arbiter]
        if isinstance(storage, IndexedDBStorage):
            self._arbiters = [database]
        elif isinstance(storage, (WebStorage, CookieStorage)):
            self._arbiters = [stored] if self.scope == TAB else [database, stored]
            self._mirror = Mirror(storage, key, is_ours, has_records=self.scope != TAB)
        elif full and not isinstance(storage, MemoryStorage):
            self._mirror = Mirror(storage, key, is_ours, has_records=False)
            self._arbiters = [stored]
        else:
            self._arbiters = [PlainArbiter(storage, key, is_ours)]

    @property
    def is_live(self) -> bool:
        """Whether other tabs can change the record, and a look at it is cheap."""
        return self._arbiters[0].is_live

    async def start(self, make: "Callable[[], Awaitable[Record]]") -> "tuple[Record, bool]":
        """The record that is kept, and whether it is the one that `make` has just made.

        Raises what `make` raises.
        """
        await self._probe()
        candidate, made = None, False
        while True:
            try:
                found = await self.update(leave)
                if found is not None:
                    return found, False
                if candidate is None and self._mirror is not None:
                    candidate = await _in_time(self._mirror.bare())
            except Exception as error:
                self._end_in_memory(_why(error))
            if candidate is None:
                candidate, made = await make(), True
            try:
                found = await self.update(first(candidate))
            except StorageError as error:
                self._end_in_memory(_why(error, candidate))
                continue
            if found is not None:
                return found, made and found.id == candidate.id

    async def update(self, decide: "Decision") -> "Record | None":
        """What is kept after a decision, in the first place that works; raises `StorageError` if none does."""
        while True:
            told = await self._told()
            try:
                kept = await _in_time(self._arbiters[0].update(decide if told is None else knowing(told, decide)))
            except Exception as error:
                why = _why(error)
            else:
                if kept is not None:
                    await self._show(kept)
                return kept
            if len(self._arbiters) == 1:
                raise StorageError(why)
            self._fall_back(why)

    async def commit(self, decide: "Decision", old: Record, new: Record) -> Record:
        """The same for a decision that must come into force: if it can't be stored, memory keeps `new`."""
        places, kept, why = list(self._arbiters), None, "what was set is not there"
        try:
            kept = await self.update(decide)
        except StorageError as error:
            why = _why(error, new)
        for place in places if kept is None else places[: places.index(self._arbiters[0])]:
            await _try(place.forget(old.id))  # lest a reload brings it back
        if kept is not None:
            return kept
        if self._mirror is not None:
            await _try(self._mirror.forget(old.id))
        self._end_in_memory(why)
        await self.update(first(new))
        return new

    async def _probe(self) -> None:
        if isinstance(self._storage, IndexedDBStorage):
            return  # its first transaction tells
        why = await probe(self._storage)
        if not why:
            return
        self._mirror = None
        if self.scope == BROWSER and len(self._arbiters) > 1:
            self._arbiters.pop()
            self.report = StorageReport("indexedDB", True, f"{name_of(self._storage)} can't be used: {why}")
        else:
            self._fall_back(why)

    async def _told(self) -> "Record | None":
        """What the named storage tells of other tabs, whose arbiter may be another."""
        try:
            return None if self._mirror is None else await _in_time(self._mirror.record())
        except Exception as error:
            self.report = StorageReport(self.report.kind, self.report.persistent, _why(error))
            return None

    async def _show(self, record: Record) -> None:
        try:
            if self._mirror is not None:
                await _in_time(self._mirror.show(record))
        except Exception as error:
            self.report = StorageReport(self.report.kind, self.report.persistent, _why(error, record))

    def _fall_back(self, why: str) -> None:
        if len(self._arbiters) > 1:
            self._arbiters.pop(0)
            if self._mirror is not None:
                self._mirror.has_records = False  # they are the arbiter's now
            why = f"IndexedDB can't be used ({why}), so tabs that start at one instant may disagree for a moment"
            self.report = StorageReport(name_of(self._storage), True, why)
        else:
            self._end_in_memory(why)

    def _end_in_memory(self, why: str) -> None:
        self._arbiters = [PlainArbiter(MemoryStorage(), self._key, self._is_ours)]
        self._mirror = None
        because = f"{self.report.kind} can't be used: {why}"
        if self.report.kind == "indexedDB" and self.report.why:
            because = f"{self.report.why}; and {because}"
        self.report = StorageReport("memory", False, because)
        _platform.warn(f"pillion: {because}. The session is kept in memory and ends with the page.")


def _scope_of(storage: "Storage") -> str:
    if isinstance(storage, MemoryStorage):
        return PAGE
    return TAB if isinstance(storage, WebStorage) and storage.name == "sessionStorage" else BROWSER


def _pause_of(storage: "Storage") -> float:
    shared = isinstance(storage, CookieStorage) or (isinstance(storage, WebStorage) and _scope_of(storage) == BROWSER)
    return PAUSE_SECONDS if shared else 0.0


async def _try(work: "Coroutine[Any, Any, None]") -> None:
    try:
        await _in_time(work)
    except Exception:
        return  # then that can't be helped


async def _in_time(answer: "Coroutine[Any, Any, T]") -> "T":
    late = StorageError(f"it did not answer within {STORAGE_SECONDS:g} s")
    return await bounded(answer, STORAGE_SECONDS, late)


def _why(error: Exception, record: "Record | None" = None) -> str:
    why = str(error) if isinstance(error, PillionError) else f"{type(error).__name__}: {error}"
    return without_ids(why, None if record is None else record.id)
