"""Snapshots that outlive a call: `query_ts` names one, and `query_at_ts` reads it for at least 30 seconds.

A snapshot is a read transaction of SQLite's, left open on a connection of its own, so taking one copies nothing and
writers don't notice. Without a commit in between, the next `take` gives the same one. What it costs is the WAL: it
can't be reset while a snapshot is open. So there are only so many, and none beyond a size of the WAL until the open
ones have gone and it has been emptied.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pillion_server.errors import DatabaseError, Refused
from pillion_server.sqlite import Connection

T = TypeVar("T")

KEPT_SECONDS = 30.0
"""How long a snapshot is kept after it was last taken, at least."""

SWEEP_SECONDS = 5.0
"""How often those that are older are looked for."""

MOST = 64
"""How many are open at a time."""

MOST_WAL_BYTES = 256 * 1024 * 1024
"""Beyond this size of the WAL it is emptied before the next snapshot."""

BUSY_MS = 1000
"""How long others, who read or write, are waited for then."""

_NEWEST_TS = 2**63 - 1


class _Snapshot:
    """One read transaction. version: SQLite's number of the newest commit when it began."""

    def __init__(self, connection: Connection, ts: int, version: int) -> None:
        self.connection, self.ts, self.version = connection, ts, version
        self.lock = threading.Lock()
        self.taken = time.monotonic()
        self.readers = 0


class Snapshots:
    """The open snapshots, by their timestamps (nanoseconds since 1970). May be used by any thread."""

    def __init__(self, path: Path, connect: Callable[[], Connection]) -> None:
        self._path, self._wal = path, path.with_name(path.name + "-wal")
        self._connect = connect
        self._watch: Connection | None = None
        self._lock = threading.Lock()
        self._open: dict[int, _Snapshot] = {}
        self._given = 0
        self._sweeper: threading.Timer | None = None
        self._closed = False

    def take(self) -> int:
        """The timestamp of a snapshot that has every commit so far; raises `Refused` when there are too many."""
        with self._lock:
            self._check_open()
            self._sweep()
            if self._watch is None:
                self._watch = self._connect()
            version: int = self._watch.value("pragma data_version")
            newest = self._open.get(self._given)
            if newest is None or newest.version != version:
                newest = self._begin(version)
            newest.taken = time.monotonic()
            return newest.ts

    def read(self, ts: int, work: Callable[[Connection], T]) -> T:
        """What `work` returns, given the snapshot of that timestamp; raises `Refused` when there is none."""
        with self._lock:
            self._check_open()
            snapshot = self._open.get(ts)
            if snapshot is None and ts > max(self._given, time.time_ns()):
                raise Refused(400, "BadTimestamp", "This time has not come yet: take one from query_ts.")
            if snapshot is None:
                message = f"This time is not kept (any more): take a new one, query_ts keeps it {KEPT_SECONDS:.0f} s."
                raise Refused(503, "OutOfRetention", message)
            snapshot.readers += 1
        try:
            with snapshot.lock:  # a connection is for one thread at a time
                return work(snapshot.connection)
        finally:
            with self._lock:
                snapshot.readers -= 1
                if self._closed and not snapshot.readers:
                    snapshot.connection.close()

    def clear(self) -> None:
        """Closes all of them; nobody may be reading."""
        with self._lock:
            for snapshot in self._open.values():
                snapshot.connection.close()
            self._open.clear()

    def close(self) -> None:
        """Closes all of them, each when nobody is reading it; may be called again."""
        with self._lock:
            self._closed = True
            if self._sweeper is not None:
                self._sweeper.cancel()
            for snapshot in self._open.values():
                if not snapshot.readers:
                    snapshot.connection.close()
            self._open.clear()
            if self._watch is not None:
                self._watch.close()

    def _begin(self, version: int) -> _Snapshot:
        if len(self._open) >= MOST or not self._has_room():
            raise Refused(503, "TooManySnapshots", f"Too much is kept for query_at_ts: wait {KEPT_SECONDS:.0f} s.")
        connection = self._connect()
        try:
            connection.run("begin; select count(*) from sqlite_schema")  # the snapshot is that of the first read
        except BaseException:
            connection.close()
            raise
        self._given = min(max(time.time_ns(), self._given + 1), _NEWEST_TS)
        snapshot = self._open[self._given] = _Snapshot(connection, self._given, version)
        if self._sweeper is None:
            self._sweep_later()
        return snapshot

    def _has_room(self) -> bool:
        """Whether the WAL may grow; it is emptied if it is too long and nobody keeps it."""
        if not self._wal.exists() or self._wal.stat().st_size <= MOST_WAL_BYTES:
            return True
        if self._open:
            return False
        connection = Connection(self._path, write=True, busy_ms=BUSY_MS)
        try:
            connection.run("pragma wal_checkpoint(passive)")  # most of it, and nobody has to wait
            busy: int = connection.value("pragma wal_checkpoint(truncate)")
            return busy == 0
        finally:
            connection.close()

    def _check_open(self) -> None:
        if self._closed:
            raise DatabaseError("The database is closed: the server is stopping.")

    def _sweep_later(self) -> None:
        self._sweeper = threading.Timer(SWEEP_SECONDS, self._sweep_again)
        self._sweeper.daemon = True
        self._sweeper.start()

    def _sweep_again(self) -> None:
        with self._lock:
            self._sweeper = None
            if not self._closed:
                self._sweep()
                if self._open:
                    self._sweep_later()

    def _sweep(self) -> None:
        """Closes those that are old and not being read."""
        old = time.monotonic() - KEPT_SECONDS
        for snapshot in [each for each in self._open.values() if each.taken < old and not each.readers]:
            del self._open[snapshot.ts]
            snapshot.connection.close()
