"""What a session has in the tables: the documents that indexes hold under its digest, to be moved or deleted.

An index holds sessions when its first field is named `session_id`, or is declared `SessionId` by the table's type.
"""

from collections.abc import Iterator, Mapping

from pillion_server.documents import DatabaseWriter
from pillion_server.query import Document

PIECE = 100
"""How many documents are deleted at a time, when it is a piece at a time."""

PIECE_BYTES = 1024 * 1024
"""How large they may be together, but for the last."""


def move(db: DatabaseWriter, old: str, new: str, tables: Mapping[str, str]) -> None:
    """Gives `new` what `old` has: by the index that `tables` names of each table, or, when it names none, all of it."""
    for table, index in tables.items() if tables else _everywhere(db):
        field = _field(db, table, index)
        for document in _held(db, table, index, field, old):
            db.patch(document["_id"], **{field: new})


def delete(db: DatabaseWriter, session: str) -> None:
    """Deletes all that a session has."""
    for table, index in _everywhere(db):
        for document in _held(db, table, index, _field(db, table, index), session):
            db.delete(document["_id"])


def delete_some(db: DatabaseWriter, session: str) -> bool:
    """Deletes a piece of what a session has, of at most `PIECE` documents; whether nothing is left of it."""
    deleted = 0
    for table, index in _everywhere(db):
        held = db.query(table).with_index(index, **{_field(db, table, index): session})
        while (document := held.first()) is not None:
            db.delete(document["_id"])
            deleted += 1
            if deleted == PIECE or db.reads.bytes > PIECE_BYTES:
                return False
    return True


def _everywhere(db: DatabaseWriter) -> Iterator[tuple[str, str]]:
    for index in db.schema.session_indexes:
        yield index.table, index.name


def _field(db: DatabaseWriter, table: str, index: str) -> str:
    """The field that holds the session."""
    fields = db.schema.index(table, index).fields
    if not fields:
        raise ValueError(f"{index!r} of {table!r} is over no field: name an index that begins with the session.")
    return fields[0]


def _held(db: DatabaseWriter, table: str, index: str, field: str, session: str) -> list[Document]:
    return db.query(table).with_index(index, **{field: session}).collect()
