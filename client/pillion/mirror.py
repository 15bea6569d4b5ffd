"""The named storage beside the arbiter that decides: others read the bare ID in it, and tabs find each other's records.

Not all tabs of a browser need have the same arbiter: IndexedDB may fail in one of them, or for a while, and a cookie
may be shared with another origin, which has an IndexedDB of its own. What they all have is the named storage, so
each keeps its record there, too, and takes a stronger one that it finds.
"""

from pillion._aio import settled
from pillion.record import NEW, Record, parse
from pillion_shared import SessionId

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pillion.storage import Storage


def record_key(key: str) -> str:
    """Where a storage keeps the record of the session `key`, beside the bare ID."""
    return key + ".record"


class Mirror:
    """What a storage shows of the session `key`.

    has_records: whether the record is kept there, too; not where the arbiter itself keeps it in this storage.
    All methods raise what the storage raises.
    """

    def __init__(self, storage: "Storage", key: str, is_ours: "Callable[[object], bool]", has_records: bool) -> None:
        self.has_records = has_records
        self._storage = storage
        self._key = key
        self._is_ours = is_ours

    async def record(self) -> "Record | None":
        """The record that some tab has written there."""
        if not self.has_records:
            return None
        return parse(await settled(self._storage.get(record_key(self._key))), self._is_ours)

    async def bare(self) -> "Record | None":
        """One made of the bare ID: from before there was a record, or whose record was cleared."""
        found = await settled(self._storage.get(self._key))
        return Record(SessionId(found), reason=NEW) if found is not None and self._is_ours(found) else None

    async def show(self, record: Record) -> None:
        """Writes what is missing or weaker."""
        found = await self.record()
        if found is not None and found.beats(record):
            return  # somebody has been quicker; the next look takes it
        if self.has_records and (found is None or found.text() != record.text()):
            await settled(self._storage.set(record_key(self._key), record.text()))
        if await settled(self._storage.get(self._key)) != record.id:
            await settled(self._storage.set(self._key, record.id))

    async def forget(self, session_id: SessionId) -> None:
        """Leaves nothing from which this ID could come back."""
        if await settled(self._storage.get(self._key)) == session_id:
            await settled(self._storage.remove(self._key))
        found = await self.record()
        if found is not None and found.id == session_id:
            await settled(self._storage.remove(record_key(self._key)))
