"""Live queries: those that pages show, run again when a commit has touched what they have read.

Equal calls are one query, however many sockets show it. There is one round after another: it takes a snapshot, finds
the queries that the commits up to it have touched, and runs these and the new ones in it. So all that is shown holds at
one time, `ts`, and commits that come during a round are left to the next one.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol, cast

from pillion_server.announcements import Announcements
from pillion_server.arguments import digest_of
from pillion_server.database import Database, Each
from pillion_server.interests import Interests
from pillion_server.journals import journal_of, with_journal
from pillion_server.reads import Reads
from pillion_server.runner import Runner
from pillion_server.sync_frames import Shown, shown
from pillion_server.transaction import Reading
from pillion_server.writes import Writes

_logger = logging.getLogger("pillion_server")


class Shows(Protocol):
    """A socket that shows live queries."""

    def changed(self, query: "LiveQuery", /) -> None:
        """There is something else to show of a query."""
        ...

    def advance(self) -> None:
        """A round that it waited for is over."""
        ...

    def fail(self) -> None:
        """Queries can't be run: the socket is to be closed."""
        ...


class Key(NamedTuple):
    """What tells live queries apart. arguments: their digest, sessions among them."""

    path: str
    arguments: bytes
    journal: str | None


class LiveQuery:
    """One call of a query. shown: what there is to show, `None` before its first round."""

    def __init__(self, key: Key, args: Mapping[str, object]) -> None:
        self.key = key
        self.args = args
        self.shown: Shown | None = None
        self.sockets: dict[Shows, int] = {}

    @property
    def journal(self) -> str | None:
        """The one of what is shown, before that the one it was asked for with."""
        return self.key.journal if self.shown is None else self.shown.journal


class Live:
    """The live queries of one process, in one event loop at a time.

    ts: the time at which everything shown holds, -1 before the first round.
    """

    def __init__(self, runner: Runner, database: Database) -> None:
        self._runner = runner
        self._database = database
        self._queries: dict[Key, LiveQuery] = {}
        self._new: list[LiveQuery] = []
        self._gone: list[LiveQuery] = []
        self._sockets: set[Shows] = set()
        self._waiting: set[Shows] = set()
        self._announcements = Announcements()
        self._interests = Interests[LiveQuery]()  # only the round under way uses it
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rounds: asyncio.Task[None] | None = None
        self._wanted, self._told = asyncio.Event(), asyncio.Event()
        self._delivered = 0
        self._woken = self._under_way = False
        self.ts = -1

    def __len__(self) -> int:
        return len(self._queries)

    async def join(self, socket: Shows) -> None:
        """Lets a socket show queries; raises `DatabaseError`."""
        await self._database.listen(self)
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._rounds is None or self._rounds.done():
            self._loop, self._wanted, self._told = loop, asyncio.Event(), asyncio.Event()
            self._woken = self._under_way = False
            self._delivered = self._database.newest
            self._rounds = asyncio.ensure_future(self._run())
        self._sockets.add(socket)

    def leave(self, socket: Shows) -> None:
        """Ends it, when it shows none any more."""
        self._sockets.discard(socket)
        self._waiting.discard(socket)

    def show(self, socket: Shows, path: str, args: Mapping[str, object], journal: str | None) -> LiveQuery:
        """The query of a call that `socket` shows from now on."""
        key = Key(path, digest_of(args), journal)
        query = self._queries.get(key)
        if query is None:
            query = self._queries[key] = LiveQuery(key, args)
            self._new.append(query)
            self._wanted.set()
        query.sockets[socket] = query.sockets.get(socket, 0) + 1
        return query

    def hide(self, socket: Shows, query: LiveQuery) -> None:
        """Ends that."""
        query.sockets[socket] -= 1
        if not query.sockets[socket]:
            del query.sockets[socket]
        if not query.sockets:
            self._gone.append(query)
            if self._queries.get(query.key) is query:
                del self._queries[query.key]

    def wait(self, socket: Shows) -> None:
        """Calls `socket.advance()` after the round that is under way, or else after the next one."""
        self._waiting.add(socket)
        if not self._under_way:
            self._wanted.set()

    def announce(self, ts: int, writes: Sequence[Writes]) -> None:
        """See `Listener`."""
        self._announcements.add(ts, writes)

    def delivered(self, ts: int) -> None:
        """See `Listener`."""
        self._delivered = ts
        if not self._woken and self._loop is not None:
            self._woken = True
            with contextlib.suppress(RuntimeError):  # a loop that is closed shows nothing
                self._loop.call_soon_threadsafe(self._wake)

    def adopted(self) -> None:
        """See `Listener`."""
        self._announcements.forget()
        self._wanted.set()

    def _wake(self) -> None:
        self._woken = False
        if self._sockets:
            self._wanted.set()
            self._told.set()
        else:
            self._announcements.take(self._database.newest)  # whoever comes begins with a newer snapshot

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            new, self._new = [query for query in self._new if query.sockets], []
            gone, self._gone = self._gone, []
            self._under_way = True
            try:
                ts, ran = await self._database.read_each(partial(self._round, new, gone))
                while self._delivered < ts:  # its callers are told of a commit before its effect is shown
                    self._told.clear()
                    await self._told.wait()
            except Exception:
                _logger.exception("Live queries could not be run: their sockets are closed")
                self._queries, self._interests = {}, Interests[LiveQuery]()
                for socket in list(self._sockets):
                    socket.fail()
                continue
            finally:
                self._under_way = False
            self.ts = ts
            for query, answer in ran:
                if answer != query.shown:
                    query.shown = answer
                    for socket in query.sockets:
                        socket.changed(query)
            waiting, self._waiting = self._waiting, set()
            for socket in waiting:
                socket.advance()

    def _round(
        self, new: list[LiveQuery], gone: list[LiveQuery], ts: int, each: Each
    ) -> tuple[int, list[tuple[LiveQuery, Shown]]]:
        """The time of a snapshot, and the queries that had to be run in it with what there is to show of them."""
        for query in gone:
            self._interests.discard(query)
        writes = self._announcements.take(ts)
        touched = dict.fromkeys(new)
        if writes is None:
            touched |= dict.fromkeys(self._interests)
        for one in writes or ():
            touched |= dict.fromkeys(self._interests.touched_by(one))
        ran = list[tuple[LiveQuery, Shown]]()
        for query in touched:
            answer, reads = cast("tuple[Shown, Reads]", each(partial(self._answer, query)))
            self._interests.add(query, reads)
            ran.append((query, answer))
        return ts, ran

    def _answer(self, query: LiveQuery, snapshot: Reading) -> tuple[Shown, Reads]:
        answer = self._runner.query(query.key.path, with_journal(query.args, query.journal), snapshot)
        return shown(answer, journal_of(query.args, query.journal, answer)), snapshot.reads
