"""Instances as what they hold."""

import datetime as dt
import decimal
import enum
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from pillion_server import Int64, Schema, SessionId, Table
from pillion_server.documents import DatabaseWriter
from pillion_server.instances import plain, plain_fields
from pillion_shared import EncodingError
from server.clockwork import Clockwork
from server.world import World


class Kind(str, enum.Enum):  # noqa: UP042 - what is tried is the mixed one, whose str() is not its value
    """A text with a name."""

    TEA = "tea"


@dataclass
class Line:
    """With a field of its own making, which is no part of it."""

    product: str
    price: float = 1.0
    shown: str = field(init=False, default="-")


class Cart(msgspec.Struct, rename="camel", tag="cart", kw_only=True):
    """One that holds others, under other names on the wire."""

    first_line: Line
    more_lines: list[Line] = []
    made: dt.date | None = None
    note: str | msgspec.UnsetType = msgspec.UNSET


CART = Cart(first_line=Line("tea"), more_lines=[Line("honey", 2)], made=dt.date(2026, 7, 1))
STORED = {
    "type": "cart",
    "firstLine": {"product": "tea", "price": 1.0},
    "moreLines": [{"product": "honey", "price": 2}],
    "made": "2026-07-01",
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (CART, STORED),
        ({"a": (Line("tea"), [Kind.TEA])}, {"a": ({"product": "tea", "price": 1.0}, ["tea"])}),
        (Kind.TEA, "tea"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (decimal.Decimal("1.50"), "1.50"),
        (dt.datetime(2026, 7, 1, tzinfo=dt.UTC), "2026-07-01T00:00:00Z"),
    ],
)
def test_plain(value: object, expected: object) -> None:
    """A dict of the fields by their names on the wire, at any depth; what is unset stays away."""
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


def test_other_values_stay_what_they_are() -> None:
    """`encode` judges them, and a `Int64` or a `SessionId` is one of its own."""
    for value in (None, True, 1, 1.5, "x", b"x", Int64(3), SessionId("sid.a"), Line, object()):
        assert plain(value) is value
    circle: list[Any] = []
    circle.append(circle)
    plain(circle)


@pytest.mark.parametrize(
    ("document", "given"), [(3, "a int"), (None, "a NoneType"), ([Line("tea")], "a list"), (Line, "the class Line")]
)
def test_what_is_no_document(document: object, given: str) -> None:
    """Said with what it is."""
    with pytest.raises(TypeError, match=f"A document is a dict, a dataclass or a msgspec.Struct, not {given}."):
        plain_fields(document, {})


class Base(Clockwork):
    """Documents of declared tables."""

    def writer(self, **tables: Table) -> DatabaseWriter:
        return DatabaseWriter(self.connection, Schema(**tables), lambda: self.now)


@pytest.fixture
def db(tmp_path_factory: pytest.TempPathFactory) -> DatabaseWriter:
    return Base(tmp_path_factory.mktemp("instances")).writer(
        carts=Table(Cart), lines=Table(Line).index("by_product", "product"), days=Table().index("by_day", "day")
    )


def stored(db: DatabaseWriter, id: str) -> dict[str, object]:
    return {name: value for name, value in db.get(id).items() if not name.startswith("_")}


def test_an_instance_is_written(db: DatabaseWriter) -> None:
    """By insert, patch and replace; keywords come on top, and the indexes hold what is stored."""
    cart = db.insert("carts", CART)
    assert stored(db, cart) == STORED
    db.patch(cart, note="soon")
    db.patch(cart, Cart(first_line=Line("milk")))
    assert stored(db, cart) == {
        **STORED,
        "firstLine": {"product": "milk", "price": 1.0},
        "moreLines": [],
        "made": None,
        "note": "soon",
    }
    line = db.insert("lines", Line("tea"), price=3)
    assert stored(db, line) == {"product": "tea", "price": 3}
    db.replace(line, Line("honey"))
    assert [each["price"] for each in db.query("lines").with_index("by_product", product="honey").collect()] == [1]
    db.replace(line, db.get(line), price=5)
    assert stored(db, line) == {"product": "honey", "price": 5}


def test_an_instance_is_judged_as_a_dict_is(db: DatabaseWriter) -> None:
    """By the type of its table, whatever its own class says; nothing of it is dropped in silence."""

    @dataclass
    class Longer(Line):
        note: str = ""

    for wrong, place in ((Line(3), "`product`: expected `str`, got `int`"), (Longer("tea"), "no field `note`")):  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=place):
            db.insert("lines", wrong)
    with pytest.raises(EncodingError, match=r"\$\.product: a value of type object can't travel"):
        db.insert("lines", Line(object()))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="names that begin with _"):
        db.insert("lines", {"_id": "lines:x", "product": "tea"})
    with pytest.raises(EncodingError, match="the key 3 is not a string"):
        db.insert("days", {3: 4})  # type: ignore[dict-item]


def test_what_travels_as_text_is_looked_up_as_it_was_written(db: DatabaseWriter) -> None:
    """By the value itself."""
    first, second = dt.date(2026, 7, 1), dt.date(2026, 7, 2)
    for day in (first, second):
        db.insert("days", day=day)
    days = db.query("days").with_index("by_day")
    assert [each["day"] for each in days.eq("day", first).collect()] == ["2026-07-01"]
    assert [each["day"] for each in days.gt("day", first).collect()] == ["2026-07-02"]


SHOP = """
from dataclasses import dataclass

@dataclass
class Item:
    name: str
    price: float

@mutation
def add(ctx, item: Item) -> Item:
    ctx.db.insert("items", item)
    return item

@query
def loosely(ctx):
    return [Item(**{n: row[n] for n in ("name", "price")}) for row in ctx.db.query("items").collect()]

@action
async def buy(ctx) -> Any:
    return await ctx.run_mutation("shop:add", item=Item("tea", 4))
"""


def test_from_the_argument_to_the_document_to_the_page(world: Callable[..., World]) -> None:
    """What comes as an instance is written and returned as it is, with an annotation or without, and handed on."""
    shop = world(shop=SHOP)
    assert shop.mutation("shop:add", item={"name": "honey", "price": 3}) == {"name": "honey", "price": 3}
    assert shop.call("action", "shop:buy").value == {"name": "tea", "price": 4}
    assert shop.query("shop:loosely") == [{"name": "honey", "price": 3}, {"name": "tea", "price": 4}]
