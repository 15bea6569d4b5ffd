"""What leaves a function: checked, and stripped to what its annotation names."""

import enum
import logging
import math
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
import pytest

from pillion_server import DefinitionError, Id, SessionId, id_of
from pillion_server.returns import Returns
from pillion_server.sessions import Digests
from pillion_shared import Int64
from server.world import RAW_ID, World

Make = Callable[..., World]
DIGEST = Digests(b"s" * 32).of(RAW_ID)


class Item(TypedDict):
    """What may be seen of a document."""

    name: str
    note: NotRequired[str]


@dataclass
class Cart:
    """What holds some."""

    items: list[Item]
    owner: str = "nobody"


class Receipt(msgspec.Struct, rename="camel"):
    """With names of its own on the wire."""

    cart: Cart
    paid_with: str = "cash"


class Ok(msgspec.Struct, tag="ok"):
    """A Struct with a tag."""

    value: Item


class Failed(msgspec.Struct, tag="failed"):
    """Another."""

    why: str


@dataclass
class Longer(Cart):
    """What has more fields than the annotation names."""

    session_id: str = "secret"


@dataclass
class Tree:
    """A type that holds itself."""

    name: str
    leaves: "list[Tree]" = field(default_factory=list["Tree"])


class Colour(enum.Enum):
    """What travels as its value."""

    RED = "red"


DOCUMENT = {"_id": "items:x", "_creation_time": 1.0, "session_id": str(DIGEST), "name": "tea"}


def returned(annotation: Any, result: object) -> Any:
    """The result of a function that is annotated with it."""

    def f(ctx: object) -> annotation: ...

    return Returns("f", f).fit(result)


@pytest.mark.parametrize(
    ("annotation", "result", "expected"),
    [
        (Item, DOCUMENT, {"name": "tea"}),
        (list[Item], [DOCUMENT], [{"name": "tea"}]),
        (tuple[Item, ...], (DOCUMENT,), [{"name": "tea"}]),
        (tuple[Item, int], (DOCUMENT, 1), [{"name": "tea"}, 1]),
        (Iterable[Item], [DOCUMENT], [{"name": "tea"}]),
        (dict[str, Item], {"a": DOCUMENT}, {"a": {"name": "tea"}}),
        (Item | None, DOCUMENT, {"name": "tea"}),
        (Item | None, None, None),
        (list[Item | int], [DOCUMENT, 3], [{"name": "tea"}, 3]),
        (Cart, Cart([DOCUMENT]), {"items": [{"name": "tea"}], "owner": "nobody"}),
        (Cart, {"items": [DOCUMENT], "session_id": "s"}, {"items": [{"name": "tea"}]}),
        (Cart, Longer([]), {"items": [], "owner": "nobody"}),
        (
            Receipt,
            Receipt(Cart([DOCUMENT])),
            {"cart": {"items": [{"name": "tea"}], "owner": "nobody"}, "paidWith": "cash"},
        ),
        (Ok | Failed, Ok(DOCUMENT), {"type": "ok", "value": {"name": "tea"}}),
        (Ok | Failed, Failed("so"), {"type": "failed", "why": "so"}),
        (Ok | Failed, {"type": "failed", "value": DOCUMENT, "why": "so"}, {"type": "failed", "why": "so"}),
        (Tree, Tree("a", [Tree("b")]), {"name": "a", "leaves": [{"name": "b", "leaves": []}]}),
        (Any, DOCUMENT, DOCUMENT),
        (object, DOCUMENT, DOCUMENT),
        (dict[str, Any], DOCUMENT, DOCUMENT),
        (list, [DOCUMENT], [DOCUMENT]),
        (None, None, None),
        (int, 3, 3),
        (int, 3.0, 3),
        (int, -0.0, 0),
        (int, Int64(3), 3),
        (float, 3, 3.0),
        (float, -0.0, -0.0),
        (float, -math.inf, -math.inf),
        (Int64, 2**60, Int64(2**60)),
        (int | Int64, Int64(2**60), Int64(2**60)),
        (bytes, b"\0", b"\0"),
        (bool, False, False),
        (Literal["a", 1], 1, 1),
        (SessionId, str(DIGEST), DIGEST),
        (SessionId | None, DIGEST, DIGEST),
        (Id["items"], "items:x", id_of("items", "items:x")),
        (Colour, Colour.RED, "red"),
        (uuid.UUID, uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Annotated[int, msgspec.Meta(ge=0)], 0, 0),
    ],
)
def test_what_fits_is_stripped(annotation: Any, result: object, expected: object) -> None:
    """At every depth; numbers are of the type that was promised."""
    fitted = returned(annotation, result)
    assert fitted == expected
    assert type(fitted) is type(expected)
    assert not isinstance(expected, float) or math.copysign(1, fitted) == math.copysign(1, expected)


def test_nan_is_a_float() -> None:
    """And no int."""
    assert math.isnan(returned(float, math.nan))
    with pytest.raises(TypeError, match="expected `int`, got `float`"):
        returned(int, math.nan)


@pytest.mark.parametrize(
    ("annotation", "result", "sentence"),
    [
        (int, "3", "f returned what its annotation doesn't say: expected `int`, got `str`."),
        (int, None, "f returned what its annotation doesn't say: expected `int`, got `null`."),
        (None, 0, "f returned what its annotation doesn't say: expected `null`, got `int`."),
        (bool, 1, "f returned what its annotation doesn't say: expected `bool`, got `int`."),
        (Int64, 2**63, "f returned what its annotation doesn't say: expected `Int64`, got `int`."),
        (
            list[Item],
            [{}],
            "f returned at `[0]` what its annotation doesn't say: the required field `name` is missing.",
        ),
        (
            Cart,
            Cart([{"name": 3}]),
            "f returned at `items[0].name` what its annotation doesn't say: expected `str`, got `int`.",
        ),  # type: ignore[typeddict-item]
        (dict[str, int], {"a": "b"}, "f returned at `a` what its annotation doesn't say: expected `int`, got `str`."),
        (Item, Cart([]), "f returned what its annotation doesn't say: expected `Item`, got `Cart`."),
        (Cart, Tree("a"), "f returned what its annotation doesn't say: expected `Cart`, got `Tree`."),
        (Id["items"], "carts:x", "f returned what its annotation doesn't say: not the ID of a document in 'items'."),
        (Colour, "red", "f returned what its annotation doesn't say: expected `Colour`, got `str`."),
        (Annotated[int, msgspec.Meta(ge=0)], -1, "f returned what its annotation doesn't say: expected `int` >= 0."),
    ],
)
def test_what_does_not_fit(annotation: Any, result: object, sentence: str) -> None:
    """The message, which is for the log, names the place."""
    with pytest.raises(TypeError) as caught:
        returned(annotation, result)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("result", [RAW_ID, "tea", 7, None])
def test_a_raw_id_is_no_result(result: object) -> None:
    """Only a digest is a SessionId, and the error holds no ID."""
    with pytest.raises(TypeError) as caught:
        returned(SessionId, result)
    assert RAW_ID not in str(caught.value)


def test_without_an_annotation_everything_is_returned() -> None:
    """As it is."""

    def f(ctx: object): ...  # type: ignore[no-untyped-def]  # noqa: ANN202

    assert Returns("f", f).fit(DOCUMENT) == DOCUMENT


def no_such_name(ctx: object) -> "Nowhere": ...  # type: ignore[name-defined]  # noqa: F821


def no_type(ctx: object) -> 3: ...  # type: ignore[valid-type]


def strange(ctx: object) -> list[logging.Logger]: ...


def session_keys(ctx: object) -> dict[SessionId, int]: ...


@pytest.mark.parametrize(
    ("handler", "sentence"),
    [
        (no_such_name, "no_such_name: an annotation can't be read"),
        (no_type, "no_type: what it returns can't be checked: 3 is no type of values"),
        (strange, "strange: what it returns can't be checked: values can't be made of Logger"),
        (session_keys, "SessionId as the key of a dict"),
    ],
)
def test_an_annotation_that_can_not_be_checked(handler: Callable[..., object], sentence: str) -> None:
    """It is refused where it is written."""
    with pytest.raises(DefinitionError, match=sentence):
        Returns(handler.__name__, handler)


CART = """
class Item(TypedDict):
    name: str

@mutation
def add(ctx, session_id: SessionId, name: str) -> Id["items"]:
    return ctx.db.insert("items", session_id=session_id, name=name)

@query
def get(ctx) -> list[Item]:
    return ctx.db.query("items").collect()

@query
def whole(ctx):
    return ctx.db.query("items").collect()

@query
def wrong(ctx) -> list[int]:
    return ctx.db.query("items").collect()

@mutation
def add_wrongly(ctx, name: str) -> int:
    return ctx.db.insert("items", name=name)

@internal_query
def inside(ctx) -> list[Item]:
    return ctx.db.query("items").collect()

@action
async def through(ctx) -> list:
    return await ctx.run_query(inside)

@action
async def seen(ctx, name: str) -> str:
    try:
        await ctx.run_mutation(add_wrongly, name=name)
    except TypeError as error:
        return str(error)
    return "no error"

@action
async def also_wrong(ctx) -> int:
    return "3"

@query
def integer(ctx, n: int) -> int:
    assert type(n) is int
    return n

@query
def number(ctx, n: float) -> float:
    assert type(n) is float
    return n

@query
def long(ctx, n: Int64) -> Int64:
    assert type(n) is Int64
    return n

@query
def octets(ctx, b: bytes) -> bytes:
    return b

@query
def half(ctx) -> str:
    return chr(0xd800)

@query
def text(ctx, t: str) -> str:
    return t
"""


@pytest.fixture
def cart(world: Make) -> World:
    """Documents with a session."""
    made = world(cart=CART)
    made.mutation("cart:add", sessionId=RAW_ID, name="tea")
    return made


def test_a_documents_session_stays_at_home(cart: World) -> None:
    """To callers, and to other functions."""
    assert cart.query("cart:get") == [{"name": "tea"}]
    assert cart.action("cart:through") == [{"name": "tea"}]
    assert cart.query("cart:whole")[0]["session_id"].startswith("sid.")


def test_a_wrong_result_is_an_error_of_the_function(cart: World, caplog: pytest.LogCaptureFixture) -> None:
    """Whole in the log, a number to the caller; a mutation has not happened."""
    for kind, path, args in (
        ("query", "cart:wrong", {}),
        ("mutation", "cart:add_wrongly", {"name": "milk"}),
        ("action", "cart:also_wrong", {}),
    ):
        caplog.clear()
        with caplog.at_level(logging.ERROR, "pillion_server"):
            error = cart.call(kind, path, **args).error
        assert error.startswith("[Request ID: ")
        assert error.endswith("] Server Error")
        [record] = caplog.records
        assert record.exc_info is not None
        assert "what its annotation doesn't say: expected `int`, got" in str(record.exc_info[1])
    assert "add_wrongly returned what" in cart.action("cart:seen", name="milk")
    assert cart.query("cart:get") == [{"name": "tea"}]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("integer", 3.0),
        ("integer", -(2.0**53)),
        ("number", 3.0),
        ("number", 0.5),
        ("number", {"$float": "AAAAAAAAAIA="}),
        ("number", {"$float": "AAAAAAAA+H8="}),
        ("number", {"$float": "AAAAAAAA8H8="}),
        ("number", {"$float": "AAAAAAAA8P8="}),
        ("long", {"$integer": "AQAAAAAAIAA="}),
        ("long", {"$integer": "AAAAAAAAAIA="}),
        ("octets", {"$bytes": "ABCD"}),
        ("octets", {"$bytes": ""}),
        ("text", "\U0001f375"),
    ],
)
def test_numbers_bytes_and_texts_there_and_back(cart: World, path: str, value: object) -> None:
    """As Convex's encoding has them."""
    name = {"octets": "b", "text": "t"}.get(path, "n")
    assert cart.query(f"cart:{path}", **{name: value}) == value


def test_numbers_that_change_their_type(cart: World) -> None:
    """-0 for an int is 0; an Int64 for an int is a Float64 on its way back; a number for an Int64 is one."""
    assert cart.call("query", "cart:integer", n={"$float": "AAAAAAAAAIA="}).text.count('"value":0.0') == 1
    assert cart.query("cart:integer", n={"$integer": "BwAAAAAAAAA="}) == 7.0
    assert cart.query("cart:long", n=7) == {"$integer": "BwAAAAAAAAA="}


def test_an_int_beyond_the_exact_ones_is_no_result(cart: World) -> None:
    """It takes `-> Int64`."""
    assert cart.call("query", "cart:integer", n={"$integer": "AQAAAAAAIAA="}).error.endswith("Server Error")


def test_half_a_surrogate_pair(cart: World) -> None:
    """No argument, and no result."""
    answer = cart.request("POST", "/api/query", b'{"path": "cart:text", "args": {"t": "\\ud800"}}')
    assert (answer.status, answer.json["code"]) == (400, "BadJsonBody")
    assert cart.call("query", "cart:half").error.endswith("Server Error")
