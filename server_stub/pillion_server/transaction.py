"""One transaction as a function sees it: its documents, its sessions, and which session an ID opens in it."""

from dataclasses import dataclass

from pillion_server.documents import DatabaseReader, DatabaseWriter
from pillion_server.lineage import Lineage
from pillion_server.succession import SessionsReader, SessionsWriter


@dataclass(frozen=True)
class Reading:
    """What a query works on: one snapshot."""

    db: DatabaseReader
    lineage: Lineage

    @property
    def sessions(self) -> SessionsReader:
        """Its `ctx.sessions`."""
        return SessionsReader(self.lineage)

    def end(self) -> None:
        """Ends its use: the function is done."""
        self.db.end()
        self.lineage.end()


@dataclass(frozen=True)
class Writing(Reading):
    """What a mutation works on: one transaction, which happens whole or not at all."""

    db: DatabaseWriter

    @property
    def sessions(self) -> SessionsWriter:
        """Its `ctx.sessions`."""
        return SessionsWriter(self.lineage, self.db)
