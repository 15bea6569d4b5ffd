"""One transaction as a function sees it: its documents, its sessions, and which session an ID opens in it."""

from collections.abc import Callable
from dataclasses import dataclass

from pillion_server.documents import DatabaseReader, DatabaseWriter
from pillion_server.lineage import Lineage
from pillion_server.reads import Reads
from pillion_server.succession import SessionsReader, SessionsWriter
from pillion_server.writes import Writes

HISTORY = -1
"""The mark of a snapshot that was taken long ago: no kept answer holds for it, and none of its own is kept."""


@dataclass(frozen=True)
class Reading:
    """What a query works on: one snapshot.

    mark: the cache's, taken before it.
    """

    db: DatabaseReader
    lineage: Lineage
    mark: int = HISTORY

    @property
    def sessions(self) -> SessionsReader:
        """Its `ctx.sessions`."""
        return SessionsReader(self.lineage)

    @property
    def reads(self) -> Reads:
        """What was read so far; it stays as it is when more is read. Raises `TooLong`."""
        reads = self.db.reads
        reads.check()
        return Reads([*reads.ranges], {*reads.documents}, {*self.lineage.asked}, reads.looks, reads.bytes)

    def also_read(self, reads: Reads) -> None:
        """Adds what was read for an answer that is taken as it was kept."""
        self.db.reads.ranges += reads.ranges
        self.db.reads.documents |= reads.documents
        self.lineage.asked |= reads.users

    def end(self) -> None:
        """Ends its use: the function is done."""
        self.db.end()
        self.lineage.end()


@dataclass(frozen=True)
class Writing(Reading):
    """What a mutation works on: one transaction, which happens whole or not at all.

    ts: tells the timestamp of its commit.
    """

    db: DatabaseWriter
    ts: Callable[[], int] = lambda: 0

    @property
    def sessions(self) -> SessionsWriter:
        """Its `ctx.sessions`."""
        return SessionsWriter(self.lineage, self.db)

    @property
    def writes(self) -> Writes:
        """What was written so far."""
        return Writes(self.db.writes.entries, self.db.writes.documents, self.lineage.changed)
