"""Declared documents."""

import datetime as dt
import enum
from dataclasses import dataclass, field, make_dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
import pytest

from pillion_server import DefinitionError, Id, Int64, SessionId
from pillion_server.document_type import DocumentType
from pillion_server.sessions import Digests
from server.world import RAW_ID


class Line(TypedDict):
    """A plain one."""

    product: str
    price: float


class Cart(TypedDict):
    """One with all kinds of fields."""

    owner: SessionId
    lines: list[Line]
    size: NotRequired[Int64]
    weight: NotRequired[float]
    kind: NotRequired[Literal["gift", "own"] | None]
    photo: NotRequired[bytes]
    more: NotRequired[dict[str, Any]]


@dataclass
class Seat:
    """A dataclass with a default."""

    row: int
    tags: list[str] = field(default_factory=list)


class Named(msgspec.Struct, rename="camel", omit_defaults=True, tag="named"):
    """A Struct whose names differ on the wire."""

    first_name: str
    seat: Seat | None = None


class Owned(TypedDict):
    """Unions, of sessions and of objects."""

    owner: SessionId | Id["users"] | None  # noqa: F821
    what: Seat | Line | Int64


DIGEST = str(Digests(b"s" * 32).of(RAW_ID))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Cart, {"owner": DIGEST, "lines": [{"product": "tea", "price": 3}]}),
        (Cart, {"owner": DIGEST, "lines": [], "size": Int64(2), "kind": None, "photo": b"\xff", "more": {"a": [{}]}}),
        (Seat, {"row": 1}),
        (Seat, {"row": 1, "tags": []}),
        (Named, {"type": "named", "firstName": "Ada"}),
        (Named, {"type": "named", "firstName": "Ada", "seat": None}),
        (Named, {"firstName": "Ada", "seat": {"row": 1, "tags": ["x"]}}),
        (Owned, {"owner": DIGEST, "what": {"row": 1}}),
        (Owned, {"owner": "users:x", "what": {"product": "tea", "price": 3}}),
        (Owned, {"owner": None, "what": Int64(3)}),
    ],
)
def test_what_fits(kind: type, fields: dict[str, Any]) -> None:
    """A TypedDict, a dataclass, a Struct, and these in each other."""
    DocumentType("t", kind).check(fields)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"lines": []}, "the required field `owner` is missing"),
        ({"owner": 1, "lines": []}, "`owner`: expected `SessionId`, got `int`"),
        ({"owner": DIGEST, "lines": [{"product": "a", "price": "3"}]}, "`lines[0].price`: expected `float`, got `str`"),
        (
            {"owner": DIGEST, "lines": [{"product": "a", "price": True}]},
            "`lines[0].price`: expected `float`, got `bool`",
        ),
        ({"owner": DIGEST, "lines": [], "size": 2}, "`size`: expected `Int64`, got `int`"),
        ({"owner": DIGEST, "lines": [], "weight": Int64(2)}, "`weight`: expected `float`, got `Int64`"),
        ({"owner": DIGEST, "lines": [], "kind": "secret"}, "`kind`: not one of the values that are allowed"),
        ({"owner": DIGEST, "lines": [], "photo": "AA=="}, "`photo`: expected `bytes`, got `str`"),
        ({"owner": DIGEST, "lines": [], "nmae": 2}, "there is no field `nmae`"),
        ({"owner": DIGEST, "lines": [{"product": "a", "price": 3, "a.b": 1}]}, "`lines[0]`: there is no field `a.b`"),
    ],
)
def test_what_does_not_fit(fields: dict[str, Any], sentence: str) -> None:
    """The message names the table and the place, and quotes no value."""
    with pytest.raises(ValueError, match=r"The document doesn't fit the table 'carts': ") as caught:
        DocumentType("carts", Cart).check(fields)
    assert str(caught.value) == f"The document doesn't fit the table 'carts': {sentence}."


def test_a_raw_id_is_no_session_of_a_document() -> None:
    """Only a digest is, and the error holds no ID."""
    with pytest.raises(ValueError, match="`owner`: not a session") as caught:
        DocumentType("carts", Cart).check({"owner": RAW_ID, "lines": []})
    assert RAW_ID not in str(caught.value)


def test_a_surplus_field_of_a_dataclass_or_struct() -> None:
    """Is refused as well, at any depth."""
    with pytest.raises(ValueError, match="there is no field `seat`"):
        DocumentType("seats", Seat).check({"row": 1, "seat": 2})
    with pytest.raises(ValueError, match=r"`seat`: there is no field `x`"):
        DocumentType("names", Named).check({"firstName": "Ada", "seat": {"row": 1, "x": 1}})
    with pytest.raises(ValueError, match="there is no field `first_name`"):
        DocumentType("names", Named).check({"firstName": "Ada", "first_name": 1})


def test_where_sessions_are() -> None:
    """In the fields that are declared so, also beside other types."""
    assert DocumentType("carts", Cart).sessions == {"owner"}
    assert DocumentType("things", Owned).sessions == {"owner"}
    assert DocumentType("seats", Seat).sessions == frozenset()


def number(product: Any, table: str = "lines") -> int:
    """That of a type which is defined anew each time, as by a reload, and holds itself."""
    tree: Any = make_dataclass("Tree", [("product", product), ("leaves", list)])
    tree.__annotations__["leaves"] = list[tree]
    return DocumentType(table, tree).number


def colours(*names: str) -> enum.EnumMeta:
    return enum.Enum("Colour", [(name, name) for name in names])


def test_a_changed_declaration_has_another_number() -> None:
    """Also deep inside; the same one has the same."""

    def numbers() -> list[int]:
        line, seat = make_dataclass("Line", [("price", int)]), make_dataclass("Seat", [("row", int)])
        kinds: list[Any] = [str, bytes, int, Int64, float, Any, Line, Seat, Named, Cart, line, seat, Line | None]
        kinds += [list[str], list[bytes], dict[str, int], dict[str, str], tuple[int, str], tuple[str, int], SessionId]
        kinds += [Literal["a"], Literal["a", "b"], Literal[1], Literal[True], Id["users"], Id["carts"], dt.date]
        kinds += [
            Annotated[int, msgspec.Meta(gt=0)],
            Annotated[int, msgspec.Meta(gt=1)],
            colours("r"),
            colours("r", "g"),
        ]
        return [number(kind) for kind in kinds] + [number(str, "others")]

    assert len(set(numbers())) == len(numbers())
    assert numbers() == numbers()


@pytest.mark.parametrize("kind", [int, str, list[int], object, dict, Line | None])
def test_what_can_not_be_a_document(kind: Any) -> None:
    """Said as the schema is declared."""
    with pytest.raises(DefinitionError, match="'t'"):
        DocumentType("t", kind)


def test_the_databases_own_fields_are_not_declared() -> None:
    """No document could be written: `insert` takes none of them."""
    with pytest.raises(DefinitionError, match="Kept of 't' declares '_id': names that begin with _ are the database's"):
        DocumentType("t", make_dataclass("Kept", [("_id", str)]))
