"""`ctx.db`: the documents as one transaction sees them, for reading (queries) and for writing (mutations).

A document is JSON text in one table of SQLite; every index of its table holds one entry for it in another, so
that what a query reads is always a range of entries.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from pillion_server.keys import MISSING, key_of
from pillion_server.query import Document, Query, Range, whole_table
from pillion_server.schema import Index, Schema
from pillion_server.sqlite import Connection
from pillion_shared import decode, encode

_RANGE = """select d.id, d.created, d.body from entries e join documents d on d.seq = e.doc
            where e.idx = ? and e.key >= ? and e.key < ? order by e.key {0}, e.doc {0} limit ?"""
_ASCENDING, _DESCENDING = _RANGE.format("asc"), _RANGE.format("desc")
_GET = "select seq, created, body from documents where id = ?"
_INSERT = "insert into documents (id, created, body) values (?, ?, ?)"
_UPDATE = "update documents set body = ? where seq = ?"
_DELETE = "delete from documents where seq = ?"
_ENTER = "insert into entries (idx, key, doc) values (?, ?, ?)"
_LEAVE = "delete from entries where idx = ? and key = ? and doc = ?"
_SYSTEM_FIELDS = ("_id", "_creation_time")

_json = msgspec.json.Encoder()


class DatabaseReader:
    """The documents, to be read, as they were when the function began."""

    def __init__(self, connection: Connection, schema: Schema) -> None:
        self._open: Connection | None = connection
        self._schema = schema

    def get(self, id: str, /) -> Document | None:
        """The document of that ID, or `None` when there is none (any more)."""
        found = self._find(id)
        return None if found is None else _document(id, found[1], found[2])

    def query(self, table: str, /) -> Query:
        """A query for the documents of `table`."""
        return whole_table(self._fetch, self._schema, table)

    def end(self) -> None:
        """Ends its use: the function is done, and so is the transaction."""
        self._open = None

    @property
    def _connection(self) -> Connection:
        if self._open is None:
            raise RuntimeError("ctx.db was used after its function had ended: read and write inside the function.")
        return self._open

    def _find(self, id: object) -> tuple[int, float, str] | None:
        if not isinstance(id, str):
            raise TypeError(f"The ID of a document is a str, not a {type(id).__name__}.")
        return cast("tuple[int, float, str] | None", self._connection.row(_GET, (id,)))

    def _fetch(self, range: Range, limit: int | None) -> list[Document]:
        bindings = (range.index.number, range.lower, range.upper, -1 if limit is None else limit)
        rows = self._connection.rows(_DESCENDING if range.descending else _ASCENDING, bindings)
        return [_document(*row) for row in rows]


class DatabaseWriter(DatabaseReader):
    """The documents, to be read and written; all of a mutation's writes happen, or none."""

    def __init__(self, connection: Connection, schema: Schema, now: Callable[[], float]) -> None:
        super().__init__(connection, schema)
        self._now = now

    def insert(self, table: str, /, **fields: object) -> str:
        """Adds a document to `table` and returns its ID, `"cart_items:..."`."""
        indexes = self._schema.indexes_of(table)
        _check_names(fields)
        id, created = f"{table}:{secrets.token_urlsafe(16)}", self._now()
        self._connection.run(_INSERT, (id, created, _body(fields)))
        doc = self._connection.last_id
        for index in indexes:
            self._connection.run(_ENTER, (index.number, entry_key(index, fields, created), doc))
        return id

    def patch(self, id: str, /, **fields: object) -> None:
        """Sets these fields of a document and leaves the others; raises `LookupError` when there is none."""
        doc, created, old = self._existing(id)
        self._write(doc, created, old, {**old, **_own(id, created, fields)}, id)

    def replace(self, id: str, /, **fields: object) -> None:
        """Gives a document these fields and no others; raises `LookupError` when there is none."""
        doc, created, old = self._existing(id)
        self._write(doc, created, old, _own(id, created, fields), id)

    def delete(self, id: str, /) -> None:
        """Removes a document; raises `LookupError` when there is none."""
        doc, created, old = self._existing(id)
        for index in self._schema.indexes_of(_table_of(id)):
            self._connection.run(_LEAVE, (index.number, entry_key(index, old, created), doc))
        self._connection.run(_DELETE, (doc,))

    def _existing(self, id: str) -> tuple[int, float, dict[str, Any]]:
        found = self._find(id)
        if found is None:
            raise LookupError(f"There is no document {id[:100]!r}: it was deleted, or the ID is not one.")
        return found[0], found[1], fields_of(found[2])

    def _write(self, doc: int, created: float, old: dict[str, Any], new: dict[str, Any], id: str) -> None:
        self._connection.run(_UPDATE, (_body(new), doc))
        for index in self._schema.indexes_of(_table_of(id)):
            before, after = entry_key(index, old, created), entry_key(index, new, created)
            if before != after:
                self._connection.run(_LEAVE, (index.number, before, doc))
                self._connection.run(_ENTER, (index.number, after, doc))


def entry_key(index: Index, fields: Mapping[str, object], created: float) -> bytes:
    """The key under which an index holds a document."""
    return key_of((*(fields.get(name, MISSING) for name in index.fields), created))


def fields_of(body: str) -> dict[str, Any]:
    """The fields of a stored document."""
    return cast("dict[str, Any]", decode(msgspec.json.decode(body)))


def _body(fields: Mapping[str, object]) -> str:
    return _json.encode(encode(dict(fields))).decode()


def _document(id: str, created: float, body: str) -> Document:
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
        if name.startswith("_"):
            raise ValueError(f"The field {name[:80]!r} can't be written: names that begin with _ are the database's.")
