"""Sessions and documents in a real file, with a time that is set by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pillion_server import Schema, SessionId, Table
from pillion_server.documents import DatabaseWriter
from pillion_server.layout import prepare
from pillion_server.lineage import Lineage
from pillion_server.sessions import Digests
from pillion_server.sqlite import Connection
from pillion_server.transaction import Writing

SCHEMA = Schema(
    items=Table().index("by_session", "session_id").index("by_name", "name", "session_id"),
    notes=Table().index("by_owner", "owner", "text"),
)
DIGESTS = Digests(b"c" * 32)
START = 1_800_000_000_000.0


def raw(number: int) -> str:
    """An ID as a browser makes it."""
    return f"{number:032x}"


class Clockwork:
    """A database; `wait` lets time pass, and each `mutation` happens at one time."""

    def __init__(self, folder: Path) -> None:
        self.connection = Connection(folder / "x.sqlite3", write=True, busy_ms=0)
        prepare(self.connection, SCHEMA, folder / "x.sqlite3")
        self.connection.run("pragma synchronous = off")  # nothing here is about crashes
        self.now = START

    def wait(self, seconds: float) -> None:
        self.now += seconds * 1000

    @contextmanager
    def mutation(self) -> Iterator[Writing]:
        """A transaction; what raises in it is rolled back."""
        self.connection.run("begin immediate")
        lineage = Lineage(self.connection, DIGESTS, self.now)
        try:
            yield Writing(DatabaseWriter(self.connection, SCHEMA, lambda: self.now), lineage)
        except BaseException:
            self.connection.run("rollback")
            raise
        self.connection.run("commit")

    def opens(self, number: int) -> SessionId:
        """The session that the ID opens now."""
        with self.mutation() as now:
            return now.lineage.of(raw(number))

    def again(self, session: SessionId) -> SessionId:
        """What the session is by now, for a function that gets it from an action."""
        with self.mutation() as now:
            return now.lineage.again(session)

    def transfer(self, old: int, new: int, grace: float = 60.0) -> None:
        """Under raw IDs, as a page asks for it; the documents of all tables move."""
        with self.mutation() as now:
            ids = now.lineage.of(raw(old)), now.lineage.of(raw(new))
            now.sessions.transfer(*ids, grace=grace, items="by_session", notes="by_owner")

    def bind(self, number: int, user: str) -> None:
        with self.mutation() as now:
            now.sessions.bind(now.lineage.of(raw(number)), user)

    def end(self, number: int) -> None:
        with self.mutation() as now:
            now.sessions.invalidate(now.lineage.of(raw(number)))

    def user(self, number: int) -> str | None:
        with self.mutation() as now:
            return now.sessions.user(now.lineage.of(raw(number)))

    def add(self, number: int, name: str) -> None:
        with self.mutation() as now:
            now.db.insert("items", session_id=now.lineage.of(raw(number)), name=name)

    def items(self, number: int) -> list[str]:
        """The names in the order of their creation."""
        return self.items_of(self.opens(number))

    def items_of(self, session: str) -> list[str]:
        with self.mutation() as now:
            found = now.db.query("items").with_index("by_session", session_id=session).collect()
            return [item["name"] for item in found]
