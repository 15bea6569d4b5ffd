"""Declared documents."""

from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

import msgspec
import pytest

from pillion_server import DefinitionError, Int64, SessionId
from pillion_server.shapes import Shape


class Line(TypedDict):
    """A plain one."""

    product: str
    price: float


class Cart(TypedDict):
    """One with what msgspec doesn't know."""

    owner: SessionId
    lines: list[Line]
    size: NotRequired[Int64]
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


CART = Shape("carts", Cart)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Cart, {"owner": "sid.x", "lines": [{"product": "tea", "price": 3}]}),
        (Cart, {"owner": "sid.x", "lines": [], "size": Int64(2), "kind": None, "photo": b"\xff", "more": {"a": [{}]}}),
        (Seat, {"row": 1}),
        (Seat, {"row": 1, "tags": []}),
        (Named, {"type": "named", "firstName": "Ada"}),
        (Named, {"type": "named", "firstName": "Ada", "seat": None}),
        (Named, {"firstName": "Ada", "seat": {"row": 1, "tags": ["x"]}}),
    ],
)
def test_what_fits(kind: type, fields: dict[str, Any]) -> None:
    """A TypedDict, a dataclass, a Struct, and these in each other."""
    Shape("t", kind).check(fields)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"lines": []}, "object missing required field `owner`"),
        ({"owner": 1, "lines": []}, "`owner`: expected `SessionId`, got `int`"),
        ({"owner": "x", "lines": [{"product": "tea", "price": "3"}]}, "`lines[0].price`: expected `float`, got `str`"),
        (
            {"owner": "x", "lines": [{"product": "tea", "price": True}]},
            "`lines[0].price`: expected `float`, got `bool`",
        ),
        ({"owner": "x", "lines": [], "size": 2}, "`size`: expected `Int64`, got `int`"),
        ({"owner": "x", "lines": [], "kind": "secret"}, "`kind`: invalid enum value"),
        ({"owner": "x", "lines": [], "photo": "AA=="}, "`photo`: expected `bytes`, got `str`"),
        ({"owner": "x", "lines": [], "nmae": 2}, "`nmae`: there is no such field in Cart"),
        (
            {"owner": "x", "lines": [{"product": "tea", "price": 3, "a.b": 1}]},
            "`lines[0].a.b`: there is no such field in Cart",
        ),
    ],
)
def test_what_does_not_fit(fields: dict[str, Any], sentence: str) -> None:
    """The message names the table and the place, and quotes no value."""
    with pytest.raises(ValueError, match=r"The document doesn't fit the table 'carts': ") as caught:
        CART.check(fields)
    assert str(caught.value) == f"The document doesn't fit the table 'carts': {sentence}."


def test_a_surplus_field_of_a_dataclass_or_struct() -> None:
    """Is refused as well, at any depth."""
    with pytest.raises(ValueError, match="`seat`: there is no such field in Seat"):
        Shape("seats", Seat).check({"row": 1, "seat": 2})
    with pytest.raises(ValueError, match=r"`seat\.x`: there is no such field in Named"):
        Shape("names", Named).check({"firstName": "Ada", "seat": {"row": 1, "x": 1}})
    with pytest.raises(ValueError, match="`first_name`"):
        Shape("names", Named).check({"firstName": "Ada", "first_name": 1})


def test_a_changed_declaration_has_another_number() -> None:
    """Also deep inside; the same one has the same."""

    class Wider(TypedDict):
        product: str
        price: float | None

    numbers = {
        Shape("lines", Line).number,
        Shape("lines", Wider).number,
        Shape("others", Line).number,
        Shape("lines", TypedDict("Line", {"product": str, "price": int})).number,
        Shape("lines", TypedDict("Line", {"product": bytes, "price": int})).number,
    }
    assert len(numbers) == 5
    assert Shape("lines", Line).number in numbers


@pytest.mark.parametrize("kind", [int, str, list[int], object, dict, Line | None])
def test_what_can_not_be_a_document(kind: Any) -> None:
    """Said as the schema is declared."""
    with pytest.raises(DefinitionError, match="'t'"):
        Shape("t", kind)
