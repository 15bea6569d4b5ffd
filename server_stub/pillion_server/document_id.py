"""`Id["users"]`: the type of a document's `_id` that says of which table it is.

    def rename(ctx: MutationCtx, user: Id["users"], name: str) -> None: ...

To type checkers it is a `str` that only the same annotation accepts. An ID read from a document is a plain
`str`; `id_of("users", document["_id"])` says, and checks, that it is one.
"""

from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

from pillion_server.errors import DefinitionError

__all__ = ["DocumentId", "Id", "check_table", "id_of", "is_id_of"]

T = TypeVar("T", bound=str)

_LONGEST = 128


class DocumentId(str):
    """The ID of a document, `"users:..."`; each table has a subclass of its own, `Id["users"]`."""

    __slots__ = ()

    table: ClassVar[str] = ""
    _of_table: ClassVar[dict[str, "type[DocumentId]"]] = {}

    def __new__(cls, value: object, /) -> Self:
        """Raises `ValueError` for what can't be the ID of a document in this table, `TypeError` without one."""
        if not cls.table:
            raise TypeError('An ID is one of a table: Id["users"].')
        if not (isinstance(value, str) and is_id_of(cls.table, value)):
            raise ValueError(f"not the ID of a document in {cls.table!r}")
        return super().__new__(cls, value)

    def __class_getitem__(cls, table: Any) -> "type[DocumentId]":
        """The type of the IDs of `table`, given by its name; raises `DefinitionError`."""
        return cls.of_table(table)

    @classmethod
    def of_table(cls, table: object) -> "type[DocumentId]":
        """The same as a function."""
        if cls.table or not isinstance(table, str):
            raise DefinitionError('An ID is one of a table, given by its name: Id["users"].')
        check_table(table)
        made = cls._of_table.get(table)
        if made is None:
            made = type(f'Id["{table}"]', (DocumentId,), {"__slots__": (), "table": table})
            cls._of_table[table] = made
        return made


def is_id_of(table: str, text: str) -> bool:
    """Whether a text has the form of an ID of `table`; there need not be such a document."""
    owner, colon, rest = text.partition(":")
    return owner == table and bool(colon and rest) and len(text) <= _LONGEST


def id_of(table: T, value: object, /) -> T:
    """A text, such as a document's `_id`, as an `Id` of `table`; raises `ValueError` for another table's."""
    return cast("T", DocumentId.of_table(table)(value))


def check_table(table: str) -> None:
    """Raises `DefinitionError` for what can't name a table."""
    if not (table.isascii() and table.isidentifier() and len(table) <= 64) or table.startswith("_"):
        raise DefinitionError(f"{table[:80]!r} can't name a table: take letters, digits and _, such as 'cart_items'.")


if TYPE_CHECKING:
    from typing import Literal as Id  # the one form whose argument type checkers take for a word
else:
    Id = DocumentId
