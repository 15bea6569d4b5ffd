"""`ctx.db`: the documents as one transaction sees them, for reading (queries) and for writing (mutations).

A document is JSON text in one table of SQLite; every index of its table holds one entry for it in another, so
that what a query reads is always a range of entries.
"""

import secrets
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import Any, cast

import msgspec

from pillion_server.cursors import Cursors
from pillion_server.document_id import is_id_of
from pillion_server.instances import NO_FIELDS, Fields, plain_fields
from pillion_server.keys import MISSING, prefixes_of
from pillion_server.query import Document, Query
from pillion_server.ranges import Position, Range
from pillion_server.reads import Reads
from pillion_server.schema import Index, Schema
from pillion_server.sqlite import Connection
from pillion_server.writes import Entry, Writes
from pillion_shared import decode, encode
from pillion_shared.ids import quotable
from pillion_shared.values import MAX_SAFE_INTEGER

_RANGE = """select e.key, e.doc, d.id, d.created, cast(d.body as blob) from entries e join documents d on d.seq = e.doc
            where e.idx = ? and (e.key, e.doc) > (?, ?) and (e.key, e.doc) < (?, ?) order by e.key {0}, e.doc {0}"""
_ASCENDING, _DESCENDING = _RANGE.format("asc"), _RANGE.format("desc")
_GET = "select seq, created, cast(body as blob) from documents where id = ?"
_INSERT = "insert into documents (id, created, body) values (?, ?, ?)"
_UPDATE = "update documents set body = ? where seq = ?"
_DELETE = "delete from documents where seq = ?"
_ENTER = "insert into entries (idx, key, doc) values (?, ?, ?)"
_LEAVE = "delete from entries where idx = ? and key = ? and doc = ?"
_SYSTEM_FIELDS = ("_id", "_creation_time")

_json = msgspec.json.Encoder()


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) <= MAX_SAFE_INTEGER else number


_stored = msgspec.json.Decoder(float_hook=_number)


class DatabaseReader:
    """The documents, to be read, as they were when the function began.

    cursors: makes the cursors of pages; without it they are good for this transaction only. reads: what was read.
    """

    def __init__(self, connection: Connection, schema: Schema, cursors: Cursors | None = None) -> None:
        self._open: Connection | None = connection
        self._schema = schema
        self._cursors = cursors or Cursors(secrets.token_bytes())
        self.reads = Reads()

    def get(self, id: str, /) -> Any | None:
        """The document of that ID, or `None` when there is none (any more)."""
        found = self._find(id)
        return None if found is None else _document(id, found[1], found[2])

    def query(self, table: str, /) -> Query:
        """A query for the documents of `table`."""
        return Query(self._scan, self._schema, self._cursors, Range.whole(self._schema.by_creation_time(table)))

    @property
    def schema(self) -> Schema:
        """The declared tables."""
        return self._schema

    def end(self) -> None:
        """Ends its use: the function is done, and so is the transaction."""
        self._open = None

    @property
    def _connection(self) -> Connection:
        if self._open is None:
            raise RuntimeError("ctx.db was used after its function had ended: read and write inside the function.")
        return self._open

    def _find(self, id: object) -> tuple[int, float, bytes] | None:
        if not isinstance(id, str):
            raise TypeError(f"The ID of a document is a str, not a {type(id).__name__}.")
        found = cast("tuple[int, float, bytes] | None", self._connection.row(_GET, (id,)))
        self.reads.documents.add(id)
        self.reads.count(len(found[2]) if found else 0, "get()")
        return found

    def _scan(self, range: Range) -> Generator[tuple[Position, Document]]:
        source = f"the index {range.index.name!r} of {range.index.table!r}"
        bindings = (range.index.number, *range.lower, *range.upper)
        last: Position | None = None
        rest = True
        try:
            with closing(self._connection.each(_DESCENDING if range.descending else _ASCENDING, bindings)) as rows:
                for key, doc, id, created, body in rows:
                    last = key, doc
                    self.reads.count(len(body), source)
                    yield last, _document(id, created, body)
            rest = False
            if last is None:
                self.reads.count(0, source)
        finally:
            self.reads.ranges.append(range.through(last) if rest and last else range)


class DatabaseWriter(DatabaseReader):
    """The documents, to be read and written; all of a mutation's writes happen, or none.

    writes: what was written.
    """

    def __init__(
        self, connection: Connection, schema: Schema, now: Callable[[], float], cursors: Cursors | None = None
    ) -> None:
        super().__init__(connection, schema, cursors)
        self._now = now
        self.writes = Writes()

    def insert(self, table: str, document: Fields = NO_FIELDS, /, **fields: object) -> str:
        """Adds a document to `table` and returns its ID, `"cart_items:..."`.

        document: a dict, a dataclass or a msgspec.Struct, here and in `patch` and `replace`; `fields` come on top.
        """
        self._schema.by_creation_time(table)  # refuses what can't name a table
        new = plain_fields(document, fields)
        _check_names(new)
        body = self._body(table, new)
        id, created = f"{table}:{secrets.token_urlsafe(16)}", self._now()
        self._connection.run(_INSERT, (id, created, body))
        self._move(id, set(), self._entries(table, new, created, self._connection.last_id))
        return id

    def patch(self, id: str, document: Fields = NO_FIELDS, /, **fields: object) -> None:
        """Sets these fields of a document and leaves the others; raises `LookupError` when there is none."""
        doc, created, old = self._existing(id)
        self._write(doc, created, old, {**old, **_own(id, created, plain_fields(document, fields))}, id)

    def replace(self, id: str, document: Fields = NO_FIELDS, /, **fields: object) -> None:
        """Gives a document these fields and no others; raises `LookupError` when there is none."""
        doc, created, old = self._existing(id)
        self._write(doc, created, old, _own(id, created, plain_fields(document, fields)), id)

    def delete(self, id: str, /) -> None:
        """Removes a document; raises `LookupError` when there is none."""
        doc, created, old = self._existing(id)
        self._move(id, self._entries(_table_of(id), old, created, doc), set())
        self._connection.run(_DELETE, (doc,))

    def _existing(self, id: str) -> tuple[int, float, dict[str, Any]]:
        found = self._find(id)
        if found is None:
            shown = repr(id[:100]) if is_id_of(_table_of(id), id) else quotable(repr(id[:100]))
            raise LookupError(f"There is no document {shown}: it was deleted, or the ID is not one.")
        return found[0], found[1], fields_of(found[2])

    def _write(self, doc: int, created: float, old: dict[str, Any], new: dict[str, Any], id: str) -> None:
        table = _table_of(id)
        self._connection.run(_UPDATE, (self._body(table, new), doc))
        self._move(id, self._entries(table, old, created, doc), self._entries(table, new, created, doc))

    def _entries(self, table: str, fields: Mapping[str, object], created: float, doc: int) -> set[Entry]:
        return {entry_of(index, fields, created, doc) for index in self._schema.indexes_of(table)}

    def _move(self, id: str, before: set[Entry], after: set[Entry]) -> None:
        """Takes a document's entries out of the indexes and puts others in."""
        self._connection.run_each(_LEAVE, [entry.row for entry in before - after])
        self._connection.run_each(_ENTER, [entry.row for entry in after - before])
        self.writes.documents.add(id)
        self.writes.entries.update(before, after)

    def _body(self, table: str, fields: Mapping[str, object]) -> str:
        encoded = encode(fields)
        type = self._schema.document_type(table)
        if type is not None:
            type.check(cast("dict[str, Any]", decode(encoded)))
        return _json.encode(encoded).decode()


def entry_of(index: Index, fields: Mapping[str, object], created: float, doc: int) -> Entry:
    """The entry of a document in an index."""
    values = [fields.get(name, MISSING) for name in index.fields]
    return Entry(index.number, prefixes_of([*values, created]), doc)


def fields_of(body: str | bytes) -> dict[str, Any]:
    """The fields of a stored document, which was checked when it was written."""
    octets = body.encode() if isinstance(body, str) else body
    if b"$" in octets:  # it may hold an Int64, bytes or a special number
        return cast("dict[str, Any]", decode(msgspec.json.decode(body)))
    return cast("dict[str, Any]", _stored.decode(body))


def _document(id: str, created: float, body: bytes) -> Document:
    return {"_id": id, "_creation_time": created, **fields_of(body)}


def _table_of(id: str) -> str:
    return id.partition(":")[0]


def _own(id: str, created: float, fields: Mapping[str, object]) -> dict[str, Any]:
    """The fields without `_id` and `_creation_time`, which may be given but not changed."""
    if fields.get("_id", id) != id or fields.get("_creation_time", created) != created:
        raise ValueError(f"The _id and _creation_time of {id!r} can't be changed.")
    own = {name: value for name, value in fields.items() if name not in _SYSTEM_FIELDS}
    _check_names(own)
    return own


def _check_names(fields: Mapping[str, object]) -> None:
    for name in fields:
        if str(name).startswith("_"):
            raise ValueError(f"The field {name[:80]!r} can't be written: names that begin with _ are the database's.")
