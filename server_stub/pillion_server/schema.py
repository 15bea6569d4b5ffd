"""Tables and their indexes, declared: what `schema.py` of a functions folder holds as `schema`.

    class CartItem(TypedDict):
        session_id: SessionId
        name: str

    schema = Schema(cart_items=Table(CartItem).index("by_session", "session_id"), notes=Table())

A table may say what its documents hold, by a TypedDict, a dataclass or a msgspec.Struct. One that is not declared works
too; it has no indexes but the one by time of creation.
"""

import hashlib
from dataclasses import dataclass, field

from pillion_server.document_id import check_table
from pillion_server.document_type import DocumentType
from pillion_server.errors import DefinitionError
from pillion_server.misuse import expect
from pillion_shared.wire import SESSION_PARAM

BY_CREATION_TIME = "by_creation_time"
"""The index that every table has: its documents in the order of their creation."""


@dataclass(frozen=True)
class Index:
    """One index of a table: equal fields first, then the time of creation.

    number: names the index in the database. It is made of the definition, so a changed index is a new one.
    columns: what its entries are sorted by, its fields and then the time of creation.
    """

    table: str
    name: str
    fields: tuple[str, ...]
    number: int = field(init=False)
    columns: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        words = "\0".join((self.table, self.name, *self.fields)).encode()
        octets = hashlib.blake2b(words, digest_size=8).digest()
        object.__setattr__(self, "number", int.from_bytes(octets, "big", signed=True))
        object.__setattr__(self, "columns", (*self.fields, "_creation_time"))


@dataclass(frozen=True)
class Table:
    """A table's declaration; `index` adds to it.

    document: the type of its documents, a TypedDict, dataclass or msgspec.Struct; a write that doesn't fit is refused.
    A field that may be missing has a default, or is NotRequired. Without a type, documents may hold anything.
    """

    document: type | None = None
    indexes: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def index(self, name: str, /, *fields: str) -> "Table":
        """This table with an index over `fields`, for `query(table).with_index(name, ...)`."""
        for word in (name, *fields):
            expect(word, str, 'index() takes names, index("by_owner", "owner")', DefinitionError)
        if not name.isidentifier() or name == BY_CREATION_TIME or name in dict(self.indexes):
            raise DefinitionError(f"{name!r} can't name an index: take a new identifier, such as 'by_owner'.")
        if not fields or len(set(fields)) != len(fields) or any(field.startswith(("_", "$")) for field in fields):
            raise DefinitionError(f"The index {name!r} needs the names of one or more different fields.")
        return Table(self.document, (*self.indexes, (name, fields)))


class Schema:
    """All declared tables: `Schema(users=Table(), cart_items=Table().index(...))`."""

    def __init__(self, **tables: Table) -> None:
        for table, declared in tables.items():
            check_table(table)
            expect(declared, Table, f"Schema({table}=...) takes a Table()", DefinitionError)
        self._indexes = {
            (table, name): Index(table, name, fields)
            for table, declared in tables.items()
            for name, fields in declared.indexes
        }
        self._of_table = {
            table: (
                Index(table, BY_CREATION_TIME, ()),
                *(index for index in self._indexes.values() if index.table == table),
            )
            for table in tables
        }
        self._document_types = {
            table: DocumentType(table, declared.document)
            for table, declared in tables.items()
            if declared.document is not None
        }
        for table, type in self._document_types.items():
            for index in self._of_table[table][1:]:
                type.check_names(index.name, index.fields)

    @property
    def indexes(self) -> tuple[Index, ...]:
        """Every declared index."""
        return tuple(self._indexes.values())

    @property
    def session_indexes(self) -> tuple[Index, ...]:
        """Those whose first field holds sessions: it is named `session_id`, or declared `SessionId`. One per field."""
        found: dict[tuple[str, str], Index] = {}
        for index in self.indexes:
            type, first = self.document_type(index.table), index.fields[0]
            if first == SESSION_PARAM or (type is not None and first in type.sessions):
                found.setdefault((index.table, first), index)
        return tuple(found.values())

    @property
    def document_types(self) -> tuple[DocumentType, ...]:
        """What is declared of documents."""
        return tuple(self._document_types.values())

    def document_type(self, table: str) -> DocumentType | None:
        """What is declared of the documents of `table`."""
        return self._document_types.get(table)

    def indexes_of(self, table: str) -> tuple[Index, ...]:
        """The indexes of `table`, the one by time of creation first."""
        expect(table, str, "A table is named by a str")
        indexes = self._of_table.get(table)
        if indexes is None:
            check_table(table)
            indexes = self._of_table[table] = (Index(table, BY_CREATION_TIME, ()),)
        return indexes

    def by_creation_time(self, table: str) -> Index:
        """The index that `table` has without being declared."""
        return self.indexes_of(table)[0]

    def index(self, table: str, name: str) -> Index:
        """The index of that name; raises `DefinitionError` with the names there are."""
        expect(name, str, "An index is named by a str")
        if name == BY_CREATION_TIME:
            return self.by_creation_time(table)
        index = self._indexes.get((table, name))
        if index is None:
            names = ", ".join(index.name for index in self.indexes_of(table)[1:]) or "none"
            raise DefinitionError(
                f"The table {table!r} has no index {name!r} (declared: {names}): "
                f"declare it in schema.py, {table}=Table().index({name!r}, ...)."
            )
        return index
