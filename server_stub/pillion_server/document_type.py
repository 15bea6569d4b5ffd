"""The declared type of a table's documents, and whether a document is of it.

Documents are judged as they are read back: a whole number is an `int` and does for a `float`, a `SessionId` is text.
What the type doesn't name is refused too, at any depth.
"""

import dataclasses
import enum
import hashlib
from collections.abc import Iterable, Mapping
from typing import cast

import msgspec

from pillion_server.annotations import Reader, Use
from pillion_server.containers import Union
from pillion_server.errors import DefinitionError
from pillion_server.fitting import Misfit, Shape, session_of
from pillion_server.objects import Object
from pillion_server.scalars import OfSession


class DocumentType:
    """What the documents of `table` hold; raises `DefinitionError` for a type that can't say it.

    number: names it in the database. It is made of the type, so a changed one is checked against the documents anew.
    sessions: the fields that are declared `SessionId`, or a union with it.
    """

    name = "(documents)"

    def __init__(self, table: str, document: type) -> None:
        self.table = table
        try:
            shape = Reader(Use.DOCUMENT).shape_of(document)
        except TypeError as error:
            raise DefinitionError(
                f"The documents of {table!r} are declared by what can't be checked: {error}."
            ) from error
        if not isinstance(shape, Object):
            raise DefinitionError(f"Table(...) of {table!r} takes a TypedDict, a dataclass or a msgspec.Struct.")
        for field in shape.fields:
            if field.wire.startswith("_"):
                raise DefinitionError(
                    f"{shape.name} of {table!r} declares {field.wire!r}: names that begin with _ are the database's."
                )
        self._shape = shape
        self.sessions = frozenset(field.wire for field in shape.fields if _may_be_session(field.shape))
        words = msgspec.json.encode((table, _outline(shape)))
        self.number = int.from_bytes(hashlib.blake2b(words, digest_size=8).digest(), "big", signed=True)

    def check_names(self, index: str, fields: Iterable[str]) -> None:
        """Raises `DefinitionError` when an index is over a field that no document has."""
        for name in fields:
            if name not in {field.wire for field in self._shape.fields}:
                raise DefinitionError(
                    f"The index {index!r} of {self.table!r} is over {name!r}, which {self._shape.name} doesn't have."
                )

    def check(self, fields: Mapping[str, object]) -> None:
        """Raises `ValueError`, which names the table and the field, for a document that doesn't fit."""
        try:
            self._shape.fit(dict(fields), session_of)
        except Misfit as error:
            place = f"`{error.place}`: " if error.place else ""
            raise ValueError(f"The document doesn't fit the table {self.table!r}: {place}{error.sentence}.") from None


def _may_be_session(shape: Shape) -> bool:
    return any(isinstance(each, OfSession) for each in (shape.members if isinstance(shape, Union) else (shape,)))


def _outline(part: object, within: tuple[object, ...] = ()) -> object:
    """A shape as plain data: the same each time for one type, another one when what it admits has changed."""
    if any(part is each for each in within):
        return "itself"
    if isinstance(part, type):
        return [part.__qualname__, *(map(repr, part) if issubclass(part, enum.Enum) else ())]
    if dataclasses.is_dataclass(part):
        parts = [_outline(getattr(part, each.name), (*within, part)) for each in dataclasses.fields(part)]
        return [type(part).__name__, *parts]
    if isinstance(part, tuple):
        return [_outline(each, within) for each in cast("tuple[object, ...]", part)]
    return repr(part)
