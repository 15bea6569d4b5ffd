"""A database of a few documents for the tests of what is read and written, and queries of it as plain data."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from pillion_server import PaginationOptions, Schema, Table
from pillion_server.documents import DatabaseReader, DatabaseWriter
from pillion_server.layout import prepare
from pillion_server.query import Query
from pillion_server.sqlite import Connection

SCHEMA = Schema(items=Table().index("by_owner_n", "owner", "n").index("by_n", "n"))

OWNERS = st.sampled_from(["ada", "bob", None])
NUMBERS = st.integers(0, 5)
FIELDS = st.fixed_dictionaries({}, optional={"owner": OWNERS, "n": NUMBERS, "more": NUMBERS})


class Shelf:
    """Documents in a file; what is done in `trial` is undone at its end."""

    def __init__(self, folder: Path) -> None:
        self.connection = Connection(folder / "shelf.sqlite3", write=True, busy_ms=0)
        prepare(self.connection, SCHEMA, folder / "shelf.sqlite3")
        self._times = iter(range(1, 10**9))

    @contextmanager
    def trial(self) -> Iterator[None]:
        self.connection.run("begin")
        try:
            yield
        finally:
            self.connection.run("rollback")

    def reader(self) -> DatabaseReader:
        return DatabaseReader(self.connection, SCHEMA)

    def writer(self) -> DatabaseWriter:
        return DatabaseWriter(self.connection, SCHEMA, lambda: float(next(self._times)))


@dataclass(frozen=True)
class Asked:
    """A query as data. `steps` are names of methods of `Query` with their arguments."""

    steps: tuple[tuple[str, tuple[Any, ...]], ...]
    end: str
    count: int

    def of(self, db: DatabaseReader) -> Any:
        """Its result."""
        query: Query = db.query("items")
        for name, arguments in self.steps:
            query = getattr(query, name)(*arguments)
        if self.end == "paginate":
            return query.paginate(PaginationOptions(self.count + 1))["page"]
        if self.end == "take":
            return query.take(self.count)
        if self.end == "unique":
            try:
                return query.unique()
            except ValueError as error:
                return str(error)
        return getattr(query, self.end)()


@st.composite
def queries(draw: st.DrawFn) -> Asked:
    """Queries of every kind."""
    index, fields = draw(st.sampled_from([("by_owner_n", ("owner", "n")), ("by_n", ("n",)), ("by_creation_time", ())]))
    columns = (*fields, "_creation_time")
    steps: list[tuple[str, tuple[Any, ...]]] = [("with_index", (index,))]
    depth = draw(st.integers(0, len(fields)))
    values = {"owner": OWNERS, "n": NUMBERS, "_creation_time": st.integers(0, 40)}
    steps += [("eq", (name, draw(values[name]))) for name in columns[:depth]]
    for bounds in (("gt", "gte"), ("lt", "lte")):
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(bounds)), (columns[depth], draw(values[columns[depth]]))))
    steps.append(("order", (draw(st.sampled_from(["asc", "desc"])),)))
    if draw(st.booleans()):
        steps.append(("filter", (_has_more(draw(NUMBERS)),)))
    end = draw(st.sampled_from(["first", "unique", "take", "collect", "paginate"]))
    return Asked(tuple(steps), end, draw(st.integers(0, 3)))


def _has_more(least: int) -> Callable[[dict[str, Any]], bool]:
    return lambda document: document.get("more", 0) >= least


WRITES = st.lists(
    st.tuples(st.sampled_from(["insert", "patch", "replace", "delete"]), st.integers(0, 9), FIELDS), max_size=4
)


def write(db: DatabaseWriter, ids: list[str], writes: list[tuple[str, int, dict[str, Any]]]) -> None:
    """Does `WRITES`; those to documents of `ids` that are gone are left out."""
    for kind, number, fields in writes:
        if kind == "insert":
            ids.append(db.insert("items", **fields))
        elif ids:
            id = ids[number % len(ids)]
            if db.get(id) is not None:
                getattr(db, kind)(id, **({} if kind == "delete" else fields))
