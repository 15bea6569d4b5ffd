"""What a session has in the tables: the documents that indexes hold under its digest, to be moved or deleted.

An index holds sessions when its first field is named `session_id`, or is declared `SessionId` by the table's type.
"""

from collections.abc import Iterator, Mapping

from pillion_server.documents import DatabaseWriter
from pillion_server.query import Document


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
