"""The declared type of a table's documents, and whether a document fits it.

Documents are judged as they are read back: a whole number is an `int` and does for a `float`, a `SessionId` is text.
What the type doesn't name is refused too, at any depth.
"""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec
import msgspec.inspect

from pillion_server.errors import DefinitionError
from pillion_server.sessions import SessionId
from pillion_shared.ids import quotable

_CUT = ("Invalid value", "Invalid enum value")  # msgspec goes on with the value, which could be a session ID
_KINDS = (msgspec.inspect.TypedDictType, msgspec.inspect.DataclassType, msgspec.inspect.StructType)


class Shape:
    """What the documents of `table` hold.

    number: names it in the database. It is made of the type, so a changed one is checked against the documents anew.
    sessions: the fields that are declared `SessionId`, or a union with it.
    """

    name = "(documents)"

    def __init__(self, table: str, document: type) -> None:
        self.table = table
        self._type = document
        try:
            info = msgspec.inspect.type_info(document)
            schema = msgspec.json.schema(document, schema_hook=_named)
        except TypeError as error:
            raise DefinitionError(
                f"The documents of {table!r} are declared by what can't be checked: {error}."
            ) from error
        if not isinstance(info, _KINDS):
            raise DefinitionError(f"Table(...) of {table!r} takes a TypedDict, a dataclass or a msgspec.Struct.")
        self._names = {field.encode_name for field in info.fields}
        self.sessions = frozenset(field.encode_name for field in info.fields if _holds_session(field.type))
        words = msgspec.json.encode((table, schema), order="sorted")
        self.number = int.from_bytes(hashlib.blake2b(words, digest_size=8).digest(), "big", signed=True)

    def check_names(self, index: str, fields: tuple[str, ...]) -> None:
        """Raises `DefinitionError` when an index is over a field that no document has."""
        for name in fields:
            if name not in self._names:
                raise DefinitionError(
                    f"The index {index!r} of {self.table!r} is over {name!r}, which {self._type.__name__} doesn't have."
                )

    def check(self, fields: Mapping[str, object]) -> None:
        """Raises `ValueError`, which names the table and the field, for a document that doesn't fit."""
        try:
            made = cast("object", msgspec.convert(fields, self._type, builtin_types=(bytes,), dec_hook=_made))
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at `$")
            message = next((cut for cut in _CUT if message.startswith(cut)), message)
            raise self._misfit(path.rstrip("`"), message[:1].lower() + message[1:]) from None
        for path in _surplus(fields, made, ""):
            raise self._misfit(path, f"there is no such field in {self._type.__name__}")

    def _misfit(self, path: str, what: str) -> ValueError:
        place = f"`{quotable(path.removeprefix('.'))}`: " if path else ""
        return ValueError(f"The document doesn't fit the table {self.table!r}: {place}{quotable(what)}.")


def _holds_session(kind: msgspec.inspect.Type) -> bool:
    if isinstance(kind, msgspec.inspect.UnionType):
        return any(map(_holds_session, kind.types))
    return isinstance(kind, msgspec.inspect.CustomType) and kind.cls is SessionId


def _named(kind: type) -> dict[str, object]:
    return {"title": kind.__qualname__}


def _made(kind: type, value: object) -> object:
    """A value of a type that msgspec doesn't know, such as `SessionId`, which is read back as text, or `Int64`."""
    if isinstance(value, kind):
        return value
    if isinstance(value, str) and issubclass(kind, str):
        return kind(value)
    raise ValueError(f"Expected `{kind.__name__}`, got `{type(value).__name__}`")


def _surplus(given: object, made: object, path: str) -> Iterator[str]:
    """The places of the fields that msgspec passed over."""
    if isinstance(given, dict):
        known = _members(made)
        for name, value in cast("dict[str, object]", given).items():
            if name in known:
                yield from _surplus(value, known[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(given, list) and isinstance(made, (list, tuple)):
        pairs = zip(cast("list[object]", given), cast("tuple[object, ...]", made), strict=True)
        for number, (value, item) in enumerate(pairs):
            yield from _surplus(value, item, f"{path}[{number}]")


def _members(made: Any) -> Mapping[str, object]:
    if isinstance(made, msgspec.Struct):
        config = made.__struct_config__
        named = zip(made.__struct_encode_fields__, made.__struct_fields__, strict=True)
        tag = {} if config.tag_field is None else {config.tag_field: config.tag}
        return {**tag, **{wire: getattr(made, name) for wire, name in named}}
    if dataclasses.is_dataclass(made):
        return {each.name: getattr(made, each.name) for each in dataclasses.fields(made)}
    return cast("Mapping[str, object]", made)
