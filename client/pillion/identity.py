"""The one owner of a session's ID: it alone reads, makes, keeps, replaces and publishes it.

    UNKNOWN   the storage has not been read yet
    ABSENT    it was read, and there is nothing of ours in it; an ID is being made and kept
    PRESENT   the ID is kept, and known to be ours: only now is it published, and calls may go out

Everybody else asks for `id` at the moment of sending, so nobody can hold a stale one. What the tabs of a browser
have to agree on is decided by the rules in `rules`, where `keeping` keeps it.
"""

import asyncio

from pillion import _platform
from pillion._aio import answered, bounded, spawn
from pillion.changes import Listeners
from pillion.claim import Claim
from pillion.holding import Holding
from pillion.keeping import PAGE, TAB, Keeper
from pillion.making import Maker
from pillion.record import DUPLICATE, LOGOUT, NEW, REFRESHED, Record
from pillion.refreshing import Refreshes
from pillion.rules import RECENT_MS, STILL_MS, TOLD_MS, USED_MS, Limits, fork, reconcile
from pillion.siblings import Siblings
from pillion.storage import StorageReport, is_elsewhere, name_of
from pillion.succession import LOGOUT_LOCK_SECONDS, Succession
from pillion.surroundings import here
from pillion_shared import InvalidIdError, RefreshError, SessionId, StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pillion.storage import Storage
    from pillion.surroundings import Surroundings

UNKNOWN = "unknown"
ABSENT = "absent"
PRESENT = "present"

FORK = "fork"
SHARE = "share"
RESTORED = "restored"

POLICY_SECONDS = 10.0
"""How long a function that says what becomes of a duplicate may take; then it is a fork."""

LOGOUT_SECONDS = 20.0
"""How long a log-out whose callback has failed may take until the new ID is made."""

LEAVE_SECONDS = 3.0
"""How long after it was asked to leave a page is still there if it stays, in seconds."""

RETRY_SECONDS = 5.0
"""How long after a failure a session that has had its time is looked at again, if nobody uses it."""

TIMER_SECONDS = 3600.0
"""The longest sleep: browsers take one of more than 24 days for none."""


class Identity:
    """The ID kept under `key` in `storage`; a storage of the browser's where there is no browser keeps none.

    maker: makes new IDs and knows ours. limits: how long one lasts. duplicate: what becomes of a tab that is the
    duplicate of another: `"fork"`, `"share"`, or a function of the copied ID, plain or async, that says which.
    changed: calls back with a `Change` whenever one ID has taken the place of another. refreshes: those of this page.
    origin: `"new"`, `"restored"` or `"duplicate"`, once settled. parent: the ID that a duplicate was copied with.
    """

    def __init__(
        self,
        storage: "Storage",
        key: str,
        maker: "Maker | None" = None,
        limits: "Limits | None" = None,
        duplicate: "str | Callable[[SessionId], object]" = FORK,
        surroundings: "Surroundings | None" = None,
    ) -> None:
        self.state = UNKNOWN
        self.origin = ""
        self.parent: SessionId | None = None
        self.has_storage = not is_elsewhere(storage)
        self.refreshes = Refreshes()
        self._elsewhere = StorageReport("none", False, f"there is no {name_of(storage)} outside a browser")
        self._around = surroundings or here()
        self._maker = maker or Maker()
        self._limits = limits or Limits()
        self._duplicate = duplicate
        self._keeper = Keeper(storage, key, self._maker.is_ours, self._around, bool(self._limits))
        self._claim = Claim(self._around) if self.scope == TAB else None
        self._holding = Holding(self._keeper, self._claim)
        name = f"{self.scope}:{key}"
        self._succession = Succession(self._holding, self.refreshes, self._maker, self._around, name, self._tell)
        self._siblings = Siblings(
            self._around, "pillion:" + name, self._on_woken, self._on_hidden, self._on_shown, self._on_leaving
        )
        self._looked = self._looks = self._doubts = 0
        self._is_hidden = False
        self._closed = False
        self._clock: asyncio.Task[None] | None = None

    @property
    def id(self) -> "SessionId | None":
        """The ID in force, `None` until it is settled."""
        return None if self._holding.record is None else self._holding.record.id

    @property
    def scope(self) -> str:
        """What has one ID: `"tab"`, `"browser"` or `"page"`."""
        return self._keeper.scope

    @property
    def changed(self) -> Listeners:
        """Those who hear of changes."""
        return self._holding.changed

    @property
    def report(self) -> StorageReport:
        """Where the ID is really kept."""
        return self._keeper.report if self.has_storage else self._elsewhere

    async def settle(self) -> None:
        """Reads the ID, or makes one and keeps it; to be run once. Raises `InvalidIdError`, `RandomnessError`."""
        try:
            async with self._holding.writing:
                record, is_new = await self._keeper.start(self._first)
                self.origin = NEW if is_new else RESTORED
                record = await self._claimed(record)
                if self._limits.expired(record, self._around.now()):
                    record = await self._succession.expire(record, self._limits)
                if self._closed:
                    raise _Closed
                self._holding.adopt(record)
                self._looked, self.state = self._around.now(), PRESENT
                self._tell(record)
        except _Closed:
            if self._claim is not None:
                self._claim.let_go()
            return
        if self.scope != PAGE:
            await self._siblings.join()
        if self._limits:
            self._clock = spawn(self._keep_time())
        if self._closed:
            self.close()

    async def refresh(
        self,
        before: "Callable[[SessionId], object] | None",
        seconds: float,
        reason: str = REFRESHED,
        holds_calls: bool = True,
    ) -> SessionId:
        """A new ID for the present one, in the article's order: made, `before(new)` run, and only then kept.

        While one is under way, in this tab or another, a second caller waits for the same outcome, and its
        `before` is not run; a log-in or log-out joins only its like, and else follows. If `before` raises, is
        cancelled, or takes more than `seconds` (`RefreshError`), nothing has changed. Once it has succeeded there
        is no way back, for the server has moved the data: whatever becomes of the caller, of the storage or of the
        session, the new ID comes into force. So it does after a log-out whose `before` failed; the error is raised
        afterwards.
        """
        joined = await self.refreshes.joined(reason)
        if joined is not None:
            return joined
        refresh = self.refreshes.begin(reason, holds_calls)
        run = self._succession.run
        outcome = "the new ID is in force here" if reason == LOGOUT else "the old ID is still in force"
        late = RefreshError(
            f"The {reason if reason != REFRESHED else 'refresh'} took more than {seconds:g} s; {outcome}."
        )
        try:
            try:
                await bounded(run(refresh, before, seconds), seconds, late)
            except Exception:
                if reason != LOGOUT:
                    raise
                stuck = RefreshError("No new ID could be made for the log-out; the old ID is still in force.")
                await bounded(run(refresh, None, LOGOUT_LOCK_SECONDS), LOGOUT_SECONDS, stuck)
                await refresh.outcome()
                raise  # whatever the server says
        except BaseException as error:
            if not refresh.is_decided:
                self.refreshes.end(refresh, None, error if isinstance(error, Exception) else None)
            raise
        return await refresh.outcome()

    def is_sure(self) -> bool:
        """Whether a call may use the ID at once: no refresh holds it up, and it has been looked at just now."""
        if self.refreshes.is_under_way():
            return not self.refreshes.hold_up()
        return self._is_fresh(self._around.now(), self._looks)

    def is_held_up(self) -> bool:
        """Whether the caller's call has to wait for a refresh, or for the ID that follows one that has had its time."""
        record = self._holding.record
        has_ended = record is not None and bool(self._limits) and self._limits.expired(record, self._around.now())
        return self.refreshes.hold_up() or has_ended

    def is_recent(self) -> bool:
        """Whether a call of plain HTTP may use the ID at once: there was a look lately, and nobody has told of more."""
        if self.refreshes.is_under_way():
            return not self.refreshes.hold_up()
        now = self._around.now()
        is_still_so = abs(now - self._looked) < (TOLD_MS if self._siblings.hears else RECENT_MS)
        if self._is_hidden or not (is_still_so or (self._looked != 0 and not self._keeper.is_live)):
            return False
        return not (self._limits and self._is_due(now))

    def use(self) -> None:
        """Notes that the session is used, by a call that looks at nothing itself."""
        record = self._holding.record
        if record is not None and self._limits and abs(self._around.now() - record.used) >= USED_MS:
            try:
                spawn(self._look_aside(using=True))
            except RuntimeError:
                pass  # no event loop runs; a later call notes it

    async def make_sure(self) -> None:
        """Waits until a call may use the ID."""
        looks = 0
        while not self.is_sure():
            if self.refreshes.is_under_way():
                await self.refreshes.over()
                continue
            began, looks = self._around.now(), looks + 1
            await self.look(using=True)
            if not self.refreshes.is_under_way() and (looks > 1 or abs(self._around.now() - began) < STILL_MS):
                return  # else one has begun, or the page stood still in the middle and what it has read may be old

    async def look_again(self) -> None:
        """Looks if the last look is a while ago: for a call that was sure, and then had to stand in a line."""
        if abs(self._around.now() - self._looked) >= STILL_MS:
            await self.look(using=True)

    async def look(self, using: bool = False) -> None:
        """Adopts what other tabs have done; heals what was cleared or spoiled; replaces what has had its time.

        Of those who come at once, one does it for all. using: whether this counts as a use of the session. Raises
        what `duplicate=` and the `id_generator` raise.
        """
        since = self._looks
        async with self._holding.writing:
            mine = self._holding.record
            if mine is None or self.refreshes.is_under_way() or self._closed or self._is_hidden:
                return
            now = self._around.now()
            if self._is_fresh(now, since):
                return  # somebody else has looked since this one was asked to
            self._looks += 1
            doubts, found, stays = self._doubts, mine, self._holding.is_held()
            try:
                found = await self._claimed(mine)
                if found.id == mine.id and self._limits.expired(mine, now):
                    found = await self._succession.expire(mine, self._limits)
                clock = self._around.now if using and self._limits else None
                found = await self._keeper.update(reconcile(found, clock)) or found
                await self._holding.take(found.id, stays)
            except StorageError:
                pass  # for once it does not answer, and no more has been learnt
            except Exception:
                self.doubt()
                raise
            if doubts == self._doubts:
                self._looked = now  # not before: other calls rely on it
            self._holding.adopt(found)

    def doubt(self) -> None:
        """What is known may be out of date: the next call looks first."""
        self._looked = 0
        self._doubts += 1

    def close(self) -> None:
        """Ends it on this page: nothing more is adopted or told. A refresh under way still comes to its end."""
        self._closed = True
        self._holding.changed.clear()
        self._siblings.leave()
        if self._claim is not None:
            self._claim.let_go()
        if self._clock is not None:
            self._clock.cancel()

    # --- one ID for another ------------------------------------------------------------------------------------

    async def _first(self) -> Record:
        if self._closed:
            raise _Closed
        self.state = ABSENT
        return Record(await self._maker.make(), created=self._around.now())

    async def _claimed(self, record: Record) -> Record:
        """`record`, if it is this tab's; else this tab is the duplicate of another, and gets one of its own."""
        if self._claim is None:
            return record
        while not await self._claim.take(record.id):
            is_shared = await self._shares(record.id)
            if not is_shared or self._holding.record is None:  # else it shares an ID that it had before
                self.origin, self.parent = DUPLICATE, record.id
            if is_shared:
                self._claim.share(record.id)
                break
            own = record.next(await self._maker.make(), DUPLICATE, self._around.now())
            record = await self._holding.replace(record, own, fork(record, own))
        return record

    async def _shares(self, parent: SessionId) -> bool:
        policy: object = self._duplicate
        if callable(policy):
            late = InvalidIdError(f"duplicate= has said nothing within {POLICY_SECONDS:g} s")
            try:
                policy = await answered(policy(parent), POLICY_SECONDS, late)
            except InvalidIdError as error:
                if error is not late:
                    raise
                _platform.warn(f"pillion: {late}, so this tab gets an ID of its own.")
                policy = FORK
        if policy not in (FORK, SHARE):
            raise InvalidIdError(f"duplicate= says 'fork' or 'share', not {policy!r}.")
        return policy == SHARE

    def _tell(self, record: Record) -> None:
        self._siblings.tell(record.generation)

    # --- waking up ---------------------------------------------------------------------------------------------

    def _is_fresh(self, now: int, since: int) -> bool:
        """Whether what is known needs no look: other tabs can't change it, or there was one after the first `since`."""
        if self._holding.record is None:
            return True
        if self._limits and self._is_due(now):
            return False
        return self._looked != 0 and (not self._keeper.is_live or self._looks > since)

    def _is_due(self, now: int) -> bool:
        """Whether the record has had its time, or its use is to be noted."""
        record = self._holding.record
        return record is not None and (self._limits.expired(record, now) or abs(now - record.used) >= USED_MS)

    def _on_woken(self) -> None:
        self.doubt()
        spawn(self._look_at_rest())

    async def _look_at_rest(self) -> None:
        await self.refreshes.over()
        await self._look_aside()

    async def _look_aside(self, using: bool = False) -> None:
        """A look that nobody has asked for; if it fails, the next call does, too."""
        try:
            await self.look(using)
        except Exception:
            await asyncio.sleep(RETRY_SECONDS)

    def _on_leaving(self) -> None:
        if self._claim is not None:
            self._claim.loosen()
            spawn(self._stay())

    async def _stay(self) -> None:
        """It was a download, a 204, a `mailto:`; else the page is gone by now, or hidden."""
        await asyncio.sleep(LEAVE_SECONDS)
        self._on_woken()

    def _on_hidden(self) -> None:
        self._is_hidden = True
        if self._claim is not None:
            self._claim.let_go()

    def _on_shown(self) -> None:
        self._is_hidden = False
        if self._claim is not None:
            self._claim.want()
        self._on_woken()

    async def _keep_time(self) -> None:
        """Notices the end of a session that nobody uses."""
        while not self._closed and self._holding.record is not None:
            left = self._limits.left(self._holding.record, self._around.now())
            await asyncio.sleep(min(max(left, 50) / 1000, TIMER_SECONDS))
            await self._look_aside()


class _Closed(Exception):
    """The session was closed before it had settled."""
