"""Live queries: those that pages show, run again when a commit has touched what they have read.

Equal calls are one query, however many sockets show it; one that asks who calls is one for each who does, which is
found out by running it. There is one round after another: it takes a snapshot, finds
the queries that the commits up to it have touched, and runs these and the new ones in it. So all that is shown holds at
one time, `ts`, and commits that come during a round are left to the next one. A round that takes longer is helped by
other readers, if they find the same snapshot.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from math import inf
from typing import NamedTuple, Protocol, cast

from pillion_server.announcements import Announcements
from pillion_server.arguments import digest_of
from pillion_server.database import Database, Each
from pillion_server.errors import DatabaseError
from pillion_server.identity import ANYBODY, Auth, Caller, Identity
from pillion_server.interests import Interests
from pillion_server.journals import journal_of, with_journal
from pillion_server.reads import Reads
from pillion_server.relay import Relay
from pillion_server.runner import Runner
from pillion_server.side_by_side import SideBySide
from pillion_server.sync_frames import Shown, shown
from pillion_server.transaction import Reading
from pillion_server.writes import Writes

HELP_SECONDS = 0.005
"""After so long a round is helped: a shorter one would be over before its help is there."""

HELPERS = 2
"""How many readers help, so that one is left for others."""

LOOK_SECONDS = 86_400.0
"""After so long at most a query whose session is an alias is run again."""

_logger = logging.getLogger("pillion_server")


class Shows(Protocol):
    """A socket that shows live queries. identity: whose it is."""

    @property
    def identity(self) -> Identity | None: ...

    def changed(self, query: "LiveQuery", /) -> None:
        """There is something else to show of a query."""
        ...

    def moved(self, query: "LiveQuery", other: "LiveQuery", /) -> None:
        """What it has shown of a query is shown of another one from now on."""
        ...

    def advance(self) -> None:
        """A round that it waited for is over."""
        ...

    def fail(self) -> None:
        """Queries can't be run: the socket is to be closed."""
        ...


class Key(NamedTuple):
    """What tells live queries apart. arguments: their digest, sessions among them. caller: for whom it is."""

    path: str
    arguments: bytes
    journal: str | None
    caller: Caller = ANYBODY


class LiveQuery:
    """One call of a query. identity: who calls. shown: what there is to show, `None` before its first round."""

    def __init__(self, key: Key, args: Mapping[str, object], identity: Identity | None) -> None:
        self.key = key
        self.args = args
        self.identity = identity
        self.shown: Shown | None = None
        self.sockets: dict[Shows, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def rings(self, timer: asyncio.TimerHandle | None) -> None:
        """Keeps what has it run again although nothing is written, instead of what did before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = timer

    @property
    def journal(self) -> str | None:
        """The one of what is shown, before that the one it was asked for with."""
        return self.key.journal if self.shown is None else self.shown.journal

    @property
    def is_of_one(self) -> bool:
        """Whether it has asked who calls."""
        return self.key.caller is not ANYBODY


class _Ran(NamedTuple):
    """A query that was run in a round. asked: whether it asked who calls. left: how long its sessions stay, in ms."""

    query: LiveQuery
    answer: Shown
    reads: Reads
    asked: bool
    left: float


class Live:
    """The live queries of one process, in one event loop at a time.

    ts: the time at which everything shown holds, -1 before the first round. relay: sends to the sockets.
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
        self._helping: asyncio.TimerHandle | None = None
        self._helpers: set[asyncio.Task[None]] = set()
        self._wanted, self._told = asyncio.Event(), asyncio.Event()
        self._delivered = 0
        self._woken = self._under_way = False
        self.ts = -1
        self.relay = Relay()

    def __len__(self) -> int:
        return len(self._queries)

    async def join(self, socket: Shows) -> None:
        """Lets a socket show queries; raises `DatabaseError`."""
        await self._database.listen(self)
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._rounds is None or self._rounds.done():
            self._loop, self._wanted, self._told, self.relay = loop, asyncio.Event(), asyncio.Event(), Relay()
            self._woken = self._under_way = False
            self._delivered = self._database.newest
            self._wanted.set()  # what was asked for before
            self._rounds = asyncio.ensure_future(self._run())
        self._sockets.add(socket)

    def leave(self, socket: Shows) -> None:
        """Ends it, when it shows none any more."""
        self._sockets.discard(socket)
        self._waiting.discard(socket)

    def show(self, socket: Shows, path: str, args: Mapping[str, object], journal: str | None) -> LiveQuery:
        """The query of a call that `socket` shows from now on."""
        key = Key(path, digest_of(args), journal)
        query = self._queries.get(key) or self._queries.get(key._replace(caller=socket.identity))
        if query is None:
            query = self._begin(LiveQuery(key, args, socket.identity))
        query.sockets[socket] = query.sockets.get(socket, 0) + 1
        return query

    def hide(self, socket: Shows, query: LiveQuery) -> None:
        """Ends that."""
        query.sockets[socket] -= 1
        if not query.sockets[socket]:
            del query.sockets[socket]
        self._drop_unseen(query)

    def move(self, socket: Shows, query: LiveQuery) -> None:
        """Has `socket` show, instead of a query that asks who calls, the same call of who it is by now."""
        key = query.key._replace(journal=query.journal, caller=socket.identity)
        other = self._queries.get(key) or self._begin(LiveQuery(key, query.args, socket.identity))
        if other is not query:
            other.sockets[socket] = other.sockets.get(socket, 0) + query.sockets.pop(socket)
            self._drop_unseen(query)
            socket.moved(query, other)

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

    def _begin(self, query: LiveQuery) -> LiveQuery:
        self._queries[query.key] = query
        self._new.append(query)
        self._wanted.set()
        return query

    def _drop_unseen(self, query: LiveQuery) -> None:
        if not query.sockets:
            query.rings(None)
            self._gone.append(query)
            if self._queries.get(query.key) is query:
                del self._queries[query.key]

    def _part(self, query: LiveQuery) -> None:
        """Has a query that was taken for everybody's be that of who it was run for; the others get their own."""
        if self._queries.get(query.key) is not query:
            return  # nobody shows it any more
        del self._queries[query.key]
        query.key = query.key._replace(caller=query.identity)
        theirs = self._queries.setdefault(query.key, query)
        for socket in list(query.sockets):
            if theirs is not query or socket.identity != query.identity:
                self.move(socket, query)

    def _keep_time(self, query: LiveQuery, left: float) -> None:
        """Has a query run again when a session of its arguments is another one, which nobody writes then."""
        query.rings(None)
        if left < inf and query.sockets:
            loop = asyncio.get_running_loop()
            query.rings(loop.call_later(min(left / 1000, LOOK_SECONDS), self._again, query))

    def _again(self, query: LiveQuery) -> None:
        self._new.append(query)
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
            pieces = SideBySide[LiveQuery, _Ran]()
            self._help_later(pieces)
            try:
                ts, ran = await self._database.read_each(partial(self._round, new, gone, pieces))
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
                if self._helping is not None:
                    self._helping.cancel()
            self.ts = ts
            for query, answer, _, asked, left in ran:
                self._keep_time(query, left)
                if asked and not query.is_of_one:
                    self._part(query)
                if answer != query.shown:
                    query.shown = answer
                    for socket in query.sockets:
                        socket.changed(query)
            waiting, self._waiting = self._waiting, set()
            for socket in waiting:
                socket.advance()

    def _help_later(self, pieces: SideBySide[LiveQuery, _Ran]) -> None:
        self._helping = asyncio.get_running_loop().call_later(HELP_SECONDS, self._help, pieces)

    def _help(self, pieces: SideBySide[LiveQuery, _Ran]) -> None:
        """Sends for help, once the round has got its own reader."""
        if not pieces.begun:
            self._help_later(pieces)
            return
        for _ in range(HELPERS):
            helper = asyncio.ensure_future(self._help_once(pieces))
            self._helpers.add(helper)
            helper.add_done_callback(self._helpers.discard)

    async def _help_once(self, pieces: SideBySide[LiveQuery, _Ran]) -> None:
        with contextlib.suppress(DatabaseError):  # which the round itself meets, or is over
            await self._database.read_each(partial(self._work, pieces))

    def _work(self, pieces: SideBySide[LiveQuery, _Ran], ts: int, each: Each) -> None:
        pieces.work(ts, lambda query: cast("_Ran", each(partial(self._run_one, query))))

    def _round(
        self, new: list[LiveQuery], gone: list[LiveQuery], pieces: SideBySide[LiveQuery, _Ran], ts: int, each: Each
    ) -> tuple[int, list[_Ran]]:
        """The time of a snapshot, and the queries that had to be run in it with what there is to show of them."""
        for query in gone:
            self._interests.discard(query)
        writes = self._announcements.take(ts)
        touched = dict.fromkeys(new)
        if writes is None:
            touched |= dict.fromkeys(self._interests)
        for one in writes or ():
            touched |= dict.fromkeys(self._interests.touched_by(one))
        pieces.begin(ts, touched)
        self._work(pieces, ts, each)
        ran = pieces.results()
        for run in ran:
            self._interests.add(run.query, run.reads)
        return ts, ran

    def _run_one(self, query: LiveQuery, snapshot: Reading) -> _Ran:
        auth = Auth(query.identity)
        answer = self._runner.query(query.key.path, with_journal(query.args, query.journal), auth, snapshot)
        left = snapshot.lineage.until - snapshot.lineage.now
        answered = shown(answer, journal_of(query.args, query.journal, answer))
        return _Ran(query, answered, snapshot.reads, auth.asked, left)
