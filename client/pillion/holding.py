"""What is in force on this page: one record, kept where all tabs find it, claimed where it is one tab's own."""

import asyncio

from pillion.changes import ELSEWHERE, HERE, Change, Listeners
from pillion.rules import reconcile
from pillion_shared import StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pillion.claim import Claim
    from pillion.keeping import Keeper
    from pillion.record import Record
    from pillion.rules import Decision
    from pillion_shared import SessionId


class Holding:
    """The record of one session on one page.

    record: the one in force, `None` until the session is settled. writing: to be held by whoever decides what is
    in force next. claim: `None` for a session that is not one tab's. changed: hears when one ID has taken the
    place of another.
    """

    def __init__(self, keeper: "Keeper", claim: "Claim | None") -> None:
        self.keeper = keeper
        self.claim = claim
        self.record: Record | None = None
        self.writing = asyncio.Lock()
        self.changed = Listeners()
        self._made: SessionId | None = None

    def adopt(self, record: "Record") -> None:
        """It is in force from now on."""
        before, self.record = self.record, record
        if before is not None and before.id != record.id:
            self.changed.tell(Change(record.id, record.reason, HERE if record.id == self._made else ELSEWHERE))

    async def replace(self, old: "Record", new: "Record", decide: "Decision") -> "Record":
        """What is kept once `decide` has said whether `new` takes the place of `old`.

        A tab's new ID is claimed before it is written, lest a duplicate made in between come first.
        """
        self._made = new.id
        await self.take(new.id)
        kept = await self.keeper.commit(decide, old, new)
        await self.take(kept.id)
        return kept

    async def catch_up(self) -> "Record":
        """The record in force, after adopting what another tab has done."""
        async with self.writing:  # a look may be on its way, with news that are newer still
            mine, stays = self.record, self.is_held()
            if mine is None:
                raise RuntimeError("Only a settled session is refreshed.")
            try:
                found = await self.keeper.update(reconcile(mine))
            except StorageError:
                return mine  # the commit will tell
            if found is None or not found.beats(mine):
                return mine
            await self.take(found.id, stays)
            self.adopt(found)
            return found

    def is_held(self) -> bool:
        """Whether the ID in force is claimed, so that what changes in this tab's storage comes from this tab."""
        return self.claim is not None and self.claim.is_held

    async def take(self, session_id: "SessionId", is_this_tabs: bool = False) -> None:
        """Claims an ID that is this tab's by rights; if somebody else is quicker, the next look will tell.

        is_this_tabs: whether it was written into this tab's storage while an ID of it was held.
        """
        if self.claim is not None:
            await self.claim.take(session_id, is_this_tabs)
