"""The layout of the file: its tables, its marks, and its indexes brought up to the schema at start."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from pillion_server.document_type import DocumentType
from pillion_server.documents import entry_of, fields_of
from pillion_server.errors import StartError
from pillion_server.keys import ABOVE
from pillion_server.schema import Index, Schema
from pillion_server.sqlite import Connection

APPLICATION_ID = 0x50694C6E
"""Marks a file as pillion's (SQLite's `application_id`)."""

CHECKED_BYTES = 32 * 1024 * 1024
"""Files up to this size are checked whole at start; it takes a tenth of a second."""

_PAGE = 1000
_DOCUMENTS = """
create table documents (
    seq integer primary key autoincrement, id text not null unique, created real not null, body text not null
) strict;
create table entries (
    idx integer not null, key blob not null, doc integer not null, primary key (idx, key, doc)
) strict, without rowid;
create table indexes (number integer primary key, tbl text not null, name text not null) strict;
"""
_SESSIONS = """
create table sessions (
    digest text primary key, name text not null, live integer not null, after text, heir text, until real not null,
    user text
) strict, without rowid;
create unique index live_of_name on sessions (name) where live;
create index by_heir on sessions (heir, until) where heir is not null;
create index by_user on sessions (user) where user is not null;
create table epoch (number integer not null, moved real not null) strict;
insert into epoch values (0, 0);
"""
_ANSWERS = """
create table answers (call text primary key, request text not null, body text not null, made real not null) strict;
create index by_made on answers (made);
"""
_LOGINS = """
alter table sessions add column bound real;
"""
_REGISTERED = """
alter table sessions add column registered integer not null default 0;
"""
_SEEN = """
create table seen (digest text primary key, at real not null) strict, without rowid;
create index by_at on seen (at, digest);
insert into seen select digest, unixepoch() * 1000.0 from sessions where live;
"""
_COMMITS = """
create table commits (newest integer not null) strict;
insert into commits values (0);
"""
_SERVED = """
create table served (began real primary key, until real not null) strict, without rowid;
"""
_STEPS = (_DOCUMENTS, _SESSIONS, _ANSWERS, _LOGINS, _REGISTERED, _SEEN, _COMMITS, _SERVED)
"""What each format adds to the one before."""

FORMAT = len(_STEPS)
"""The version of the layout (SQLite's `user_version`)."""


def prepare(connection: Connection, schema: Schema, path: Path) -> float:
    """Makes the database ready and returns the latest time in it: of a document, a session that went on, or a server.

    Raises `StartError` for a file of something else, `apsw.Error` for one that SQLite can't use.
    """
    check_marks(connection, path)
    if connection.value("pragma journal_mode = wal") != "wal":
        raise StartError(f"{path} lies where SQLite's WAL mode doesn't work: put it on a disk of this machine.")
    connection.run("pragma synchronous = full")
    if path.stat().st_size <= CHECKED_BYTES and connection.value("pragma quick_check(1)") != "ok":
        raise apsw.CorruptError("quick_check")
    connection.run("begin immediate")
    version: int = connection.value("pragma user_version")
    if version < FORMAT:
        for step in _STEPS[version:]:
            connection.run(step)
        connection.run(f"pragma application_id = {APPLICATION_ID}; pragma user_version = {FORMAT}")
    bring_up(connection, schema)
    connection.run("commit")
    newest: float | None = connection.value("select created from documents order by seq desc limit 1")
    moved: float = connection.value("select moved from epoch")
    served: float | None = connection.value("select max(until) from served")
    return max(newest or 0.0, moved, served or 0.0)


def check_marks(connection: Connection, path: Path) -> None:
    """Raises `StartError` for a file of another program or of a newer pillion."""
    mark: int = connection.value("pragma application_id")
    version: int = connection.value("pragma user_version")
    if mark != APPLICATION_ID and connection.value("select count(*) from sqlite_schema"):
        raise StartError(f"{path} is a database of another program: take another file.")
    if version > FORMAT:
        raise StartError(
            f"{path} was made by a newer pillion (format {version}): update this one, or take another file."
        )


def bring_up(connection: Connection, schema: Schema) -> None:
    """Drops the indexes that are not declared any more, fills the new ones, checks documents that are newly declared.

    A declared type of documents stands among the indexes, as one without entries: it is checked when it is new.
    Raises `StartError` for a document that doesn't fit.
    """
    there: set[int] = {number for (number,) in connection.rows("select number from indexes")}
    declared: dict[int, Index | DocumentType] = {index.number: index for index in schema.indexes}
    declared |= {type.number: type for type in schema.document_types}
    for number in there - declared.keys():
        connection.run("delete from entries where idx = ?", (number,))
        connection.run("delete from indexes where number = ?", (number,))
    for number in declared.keys() - there:
        new = declared[number]
        connection.run("insert into indexes values (?, ?, ?)", (number, new.table, new.name))
        if isinstance(new, Index):
            _fill(connection, schema, new)
        else:
            _check(connection, schema, new)


def _fill(connection: Connection, schema: Schema, index: Index) -> None:
    for doc, _, created, fields in _documents(connection, schema, index.table):
        entry = entry_of(index, fields, created, doc)
        connection.run("insert into entries (idx, key, doc) values (?, ?, ?)", entry.row)


def _check(connection: Connection, schema: Schema, type: DocumentType) -> None:
    for _, id, _, fields in _documents(connection, schema, type.table):
        try:
            type.check(fields)
        except ValueError as error:
            raise StartError(
                f"{id} is older than its declaration in schema.py: {error} Declare the field so that it fits, "
                "or start without the declaration and correct the document."
            ) from error


def _documents(connection: Connection, schema: Schema, table: str) -> Iterator[tuple[int, str, float, dict[str, Any]]]:
    """Every document of a table, read a page at a time: its number, ID, time and fields."""
    index = schema.by_creation_time(table).number
    after = b""
    while True:
        rows = connection.rows(
            """select e.key, d.seq, d.id, d.created, d.body from entries e join documents d on d.seq = e.doc
               where e.idx = ? and e.key > ? and e.key < ? order by e.key limit ?""",
            (index, after, ABOVE, _PAGE),
        )
        for _, doc, id, created, body in rows:
            yield doc, id, created, fields_of(body)
        if len(rows) < _PAGE:
            return
        after = rows[-1][0]
