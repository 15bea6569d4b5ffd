"""Who sends the mutations of an outbox: the page that made them, and once that is gone, another one.

A client holds a Web Lock for its client session ID, and queues up for those of the others: it gets one when the other
page is gone, and then sends what that has left, under the same client session ID and the same numbers. So the server
runs each once, even if two send it, which happens where there are no locks (plain http, outside a browser): there
whoever starts sends all that it finds.
"""

import asyncio

from pillion import _platform
from pillion._aio import spawn
from pillion.callbacks import complain
from pillion.claim import GRACE_SECONDS, fingerprint
from pillion.outbox import LONGEST_DAYS, Entry
from pillion_shared import StorageError
from pillion_shared.ids import quotable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from pillion.connection import Connection
    from pillion.outbox import Outbox
    from pillion.surroundings import Surroundings

    class Delivery(Protocol):
        """What sends the mutations of one client that is gone. over: set when it has nothing more to do."""

        connection: Connection
        over: asyncio.Event

        def close(self) -> None: ...
        def withdraw(self, which: "Callable[[Entry], bool]") -> None: ...


CHANNEL = "pillion:outbox"
DAY = 24 * 60 * 60 * 1000


class Deliveries:
    """Those of one client, while it lives. deliver: begins one."""

    def __init__(
        self,
        outbox: "Outbox",
        surroundings: "Surroundings",
        deliver: "Callable[[str, list[Entry]], Delivery]",
    ) -> None:
        self.outbox = outbox
        self._surroundings = surroundings
        self._deliver = deliver
        self._own = ""
        self._running: dict[str, Delivery] = {}
        self._known: set[str] = set()
        self._earlier: set[str] = set()
        self._is_clear = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._round = 0
        self._is_on = False
        self._stop: Callable[[], None] = _nothing
        self._leave: Callable[[], None] = _nothing
        self._release: Callable[[], None] = _nothing
        self._post: Callable[[object], None] | None = None

    @property
    def connections(self) -> "list[Connection]":
        """Of those under way."""
        return [delivery.connection for delivery in self._running.values()]

    def start(self) -> None:
        """Looks for what others have left, now and from now on. Raises `RuntimeError` where no loop runs."""
        if not self._is_on:
            self._begin()
            self._stop = self._surroundings.listen(_nothing, self._end, self._begin, _nothing)

    def close(self) -> None:
        """Ends it; what is kept stays."""
        self._stop()
        self._stop = _nothing
        self._end()
        self._own = ""
        self._is_clear.set()

    async def keep(self, entry: Entry) -> None:
        """Keeps one of this client's own."""
        if entry.client_id != self._own:
            self._own = entry.client_id
            await self._take_own()
        await self.outbox.put(entry)
        self._tell(entry.client_id)

    async def turn(self) -> None:
        """Returns when what was there before the page has been sent, so that what this client has may follow."""
        await self._is_clear.wait()

    def rest(self) -> None:
        """This client has nothing to send any more, under this ID."""
        self._own = ""
        release, self._release = self._release, _nothing
        spawn(self._release_soon(release))

    async def end_session(self, session_ids: "set[str]") -> None:
        """Nothing that was made under these IDs is kept; no page sends what was not sent."""
        changed: list[str] = []
        for entry in await self.outbox.entries():
            if entry.is_of(session_ids):
                await self.outbox.remove(entry)
                if entry.client_id not in changed:
                    changed.append(entry.client_id)
        for client_id in changed:
            await self._look_again(client_id)
            self._tell(client_id)

    # --- inside ---

    def _begin(self) -> None:
        """The page is there, or there again."""
        self._is_clear.clear()
        self._is_on = True
        self._tasks = [spawn(self._look(self._round))]
        if self._own:
            self._tasks.append(spawn(self._take_own()))

    def _end(self) -> None:
        """The page goes, maybe into the back/forward cache, from which locks and channels would bar it."""
        self._is_on = False
        self._round += 1
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self._post = None
        self._leave()
        self._leave = _nothing
        self._drop_own()
        self._known.clear()
        self._earlier.clear()
        for delivery in list(self._running.values()):
            delivery.close()
        self._running.clear()

    async def _look(self, turn: int) -> None:
        await _platform.shown()
        try:
            post, leave = await self._surroundings.join(CHANNEL, self._heard)
            if turn == self._round:
                self._post, self._leave = post, leave
            else:
                leave()
        except StorageError:
            pass  # what others leave is found by the next page
        for entry in await self.outbox.entries():
            if turn == self._round and entry.client_id not in self._known and entry.client_id != self._own:
                self._earlier.add(entry.client_id)
                self._follow_on(entry.client_id)
        self._clear_up("")

    def _heard(self, client_id: object) -> None:
        if isinstance(client_id, str):
            if client_id in self._running:
                spawn(self._look_again(client_id))
            elif client_id != self._own and client_id not in self._known and self._surroundings.has_locks:
                self._follow_on(client_id)

    def _follow_on(self, client_id: str) -> None:
        self._known.add(client_id)
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(spawn(self._follow(client_id, self._round)))

    async def _follow(self, client_id: str, turn: int) -> None:
        """Delivers what a client has left, once it is gone."""
        release: Callable[[], None] | None = _nothing
        try:
            if self._surroundings.has_locks:
                release = await self._surroundings.lock(_lock_of(client_id), GRACE_SECONDS)
                if release is None:  # it lives
                    self._clear_up(client_id)
                    release = await self._surroundings.lock(_lock_of(client_id), None)
            entries = await self._in_date(await self.outbox.entries(client_id))
            if entries and turn == self._round:
                delivery = self._running[client_id] = self._deliver(client_id, entries)
                await delivery.over.wait()
                await self.outbox.is_quiet.wait()  # lest the next one who gets the lock finds it again
        except Exception as error:
            complain(error, "sending what another page has left")
        finally:
            if release is not None:
                release()
            if turn == self._round:
                self._running.pop(client_id, None)
                self._known.discard(client_id)
                self._clear_up(client_id)

    async def _in_date(self, entries: "list[Entry]") -> "list[Entry]":
        oldest = self._surroundings.now() - LONGEST_DAYS * DAY
        for entry in entries:
            if entry.made < oldest:
                _platform.warn(
                    f"pillion: {quotable(entry.path)} waited in the outbox for more than {LONGEST_DAYS} days, after "
                    "which the server may not know whether it has run. It is not sent."
                )
                await self.outbox.remove(entry)
        return [entry for entry in entries if entry.made >= oldest]

    async def _look_again(self, client_id: str) -> None:
        delivery = self._running.get(client_id)
        if delivery is not None:
            numbers = [entry.number for entry in await self.outbox.entries(client_id)]
            delivery.withdraw(lambda entry: entry.number not in numbers)

    def _clear_up(self, client_id: str) -> None:
        self._earlier.discard(client_id)
        if not self._earlier:
            self._is_clear.set()

    async def _take_own(self) -> None:
        own, turn = self._own, self._round
        if not self._surroundings.has_locks or not self._is_on:
            return
        try:
            release = await self._surroundings.lock(_lock_of(own), None)
        except StorageError:
            return  # locks are blocked
        if release is None:
            return
        if own == self._own and turn == self._round:
            self._drop_own()
            self._release = release
        else:
            release()

    async def _release_soon(self, release: "Callable[[], None]") -> None:
        await self.outbox.is_quiet.wait()
        release()

    def _drop_own(self) -> None:
        self._release()
        self._release = _nothing

    def _tell(self, client_id: str) -> None:
        if self._post is not None:
            self._post(client_id)


def _lock_of(client_id: str) -> str:
    return "pillion:outbox:" + fingerprint(client_id)  # type: ignore[arg-type]


def _nothing() -> None:
    pass
