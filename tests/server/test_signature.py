"""The signature is the schema."""

import enum
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NewType, NotRequired, TypedDict

import msgspec
import pytest

from pillion_server import ArgumentError, DefinitionError, Id, PaginationOptions, SessionId
from pillion_server.document_id import DocumentId
from pillion_server.sessions import Digests
from pillion_server.signature import Signature, parameters_of
from pillion_shared import EncodingError, Int64
from server.world import OTHER_ID, RAW_ID

DIGESTS = Digests(b"s" * 32)
DIGEST = DIGESTS.of(RAW_ID)


class Point(TypedDict):
    """A type of the user's."""

    x: int
    y: float


@dataclass
class Line:
    """Another."""

    points: list[Point]
    name: str = "line"


class Strange:
    """One that no JSON can be made into."""


def signature(handler: Callable[..., object]) -> Signature:
    return Signature("f", parameters_of(handler))


def convert(annotation: Any, value: object, **options: bool) -> Any:
    """The value as a parameter of that type gets it."""

    def f(ctx: object, a: annotation) -> None: ...

    return signature(f).convert({"a": value}, DIGESTS, **options)["a"]


UserId = Id["users"]


@dataclass
class Circle:
    """One member of a union."""

    kind: Literal["circle"]
    radius: float


class Square(TypedDict):
    """The other."""

    side: NotRequired[list[float]]
    kind: Literal["square"]


class Red(TypedDict):
    """Told from `Blue` by its kind, and has another field of a few values."""

    kind: Literal["red"]
    mode: Literal["soft", "hard"]


class Blue(TypedDict):
    """The other."""

    kind: Literal["blue"]


class Sparse(msgspec.Struct):
    """A Struct that knows whether a field was given."""

    n: int
    m: int | msgspec.UnsetType = msgspec.UNSET


class Account(msgspec.Struct, rename="camel"):
    """A Struct with names of its own on the wire."""

    full_name: str
    owner: UserId | None = None


class Low(msgspec.Struct, tag="low"):
    """A Struct with a tag."""

    n: int


class High(msgspec.Struct, tag="high"):
    """Another."""

    n: str


@dataclass
class Tree:
    """A type that holds itself."""

    leaves: "list[Tree]" = field(default_factory=list["Tree"])


Positive = Annotated[int, msgspec.Meta(gt=0)]


class Colour(enum.Enum):
    """What travels as its value."""

    RED = "red"


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (str, "a", "a"),
        (int, 3, 3),
        (int, Int64(2**62), 2**62),
        (float, 3, 3.0),
        (float, 0.5, 0.5),
        (float, -0.0, -0.0),
        (float, math.inf, math.inf),
        (bool, True, True),
        (bytes, b"\0", b"\0"),
        (None, None, None),
        (Int64, Int64(7), Int64(7)),
        (Int64, 7, Int64(7)),
        (list[int], [1, 2], [1, 2]),
        (dict[str, bool], {"a": True}, {"a": True}),
        (Literal["a", "b"], "a", "a"),
        (int | None, None, None),
        (int | str, "a", "a"),
        (Any, {"a": [b"x", Int64(1)]}, {"a": [b"x", Int64(1)]}),
        (list[float], [1, 2.5], [1.0, 2.5]),
        (Point, {"x": 1, "y": 2}, {"x": 1, "y": 2.0}),
        (Line, {"points": [{"x": 1, "y": 0.5}]}, Line([{"x": 1, "y": 0.5}])),
        (int, 3.0, 3),
        (int, -0.0, 0),
        (int, Int64(-(2**63)), -(2**63)),
        (float, Int64(2**53), 2.0**53),
        (Int64, Int64(2**53 + 1), Int64(2**53 + 1)),
        (float | int, 3, 3),
        (int | float, 3.5, 3.5),
        (int | Int64, Int64(1), Int64(1)),
        (Literal[1, True], True, True),
        (Literal[1], 1.0, 1),
        (tuple[int, str], [1, "a"], (1, "a")),
        (tuple[int, ...], [1, 2], (1, 2)),
        (Sequence[int], [1], [1]),
        (Mapping[str, int], {"a": 1}, {"a": 1}),
        (dict, {"a": b"x"}, {"a": b"x"}),
        (UserId, "users:x", UserId("users:x")),
        (UserId | None, None, None),
        (UserId | Id["carts"], "carts:x", Id["carts"]("carts:x")),
        (Circle | Square, {"kind": "circle", "radius": 1}, Circle("circle", 1.0)),
        (Circle | Square, {"kind": "square", "side": [1]}, {"kind": "square", "side": [1.0]}),
        (Account, {"fullName": "ada", "owner": "users:x"}, Account("ada", UserId("users:x"))),
        (Low | High, {"type": "high", "n": "1"}, High("1")),
        (Tree, {"leaves": [{"leaves": []}, {}]}, Tree([Tree(), Tree()])),
        (Positive, 1, 1),
        (Sparse, {"n": 1}, Sparse(1)),
        (Sparse, {"n": 1, "m": 2}, Sparse(1, 2)),
        (tuple[()], [], ()),
        (tuple, [1], (1,)),
        (NewType("Age", int), 3, 3),
        (Colour, "red", Colour.RED),
        (uuid.UUID, "12345678-1234-5678-1234-567812345678", uuid.UUID("12345678-1234-5678-1234-567812345678")),
    ],
)
def test_what_fits(annotation: Any, value: object, expected: object) -> None:
    """It arrives with the type that was asked for."""
    converted = convert(annotation, value)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("annotation", "value", "sentence"),
    [
        (str, 3, "`a`: expected `str`, got `int`."),
        (int, "3", "`a`: expected `int`, got `str`."),
        (int, 3.5, "`a`: expected `int`, got `float`."),
        (int, True, "`a`: expected `int`, got `bool`."),
        (float, True, "`a`: expected `float`, got `bool`."),
        (bool, 1, "`a`: expected `bool`, got `int`."),
        (bytes, "YQ==", "`a`: expected `bytes`, got `str`."),
        (Int64, True, "`a`: expected `Int64`, got `bool`."),
        (Int64, 0.5, "`a`: expected `Int64`, got `float`."),
        (int, None, "`a`: expected `int`, got `null`."),
        (list[int], [1, "x"], "`a[1]`: expected `int`, got `str`."),
        (dict[str, int], {"b": "x"}, "`a.b`: expected `int`, got `str`."),
        (Literal["a"], "b", "`a`: not one of the values that are allowed."),
        (Literal[1], 7, "`a`: not one of the values that are allowed."),
        (dict[Literal["a"], int], {"b": 1}, "`a`: a key: not one of the values that are allowed."),
        (Point, {"x": 1}, "`a`: the required field `y` is missing."),
        (Line, {"points": [{"x": "1", "y": 1}]}, "`a.points[0].x`: expected `int`, got `str`."),
        (int, math.nan, "`a`: expected `int`, got `float`."),
        (int, 2.0**60, "`a`: expected `int`, got a `float` beyond 2^53, which may be rounded: use Int64."),
        (float, Int64(2**53 + 1), "`a`: expected `float`, got `Int64`."),
        (Literal[1], True, "`a`: not one of the values that are allowed."),
        (Literal["a"] | None, "b", "`a`: not one of the values that are allowed."),
        (int | str, [], "`a`: expected `int | str`, got `array`."),
        (list[int] | None, [1, None], "`a[1]`: expected `int`, got `null`."),
        (dict[str, list[Point]], {"b": [{"x": 1, "y": "2"}]}, "`a.b[0].y`: expected `float`, got `str`."),
        (Point, {"x": 1, "y": 2, "z": 3}, "`a`: there is no field `z`."),
        (tuple[int, str], [1, 2], "`a[1]`: expected `str`, got `int`."),
        (tuple[int, str], [1], "`a`: expected 2 items, got 1."),
        (UserId, "carts:x", "`a`: not the ID of a document in 'users'."),
        (UserId, "users:", "`a`: not the ID of a document in 'users'."),
        (UserId, 7, "`a`: not the ID of a document in 'users'."),
        (list[UserId | None], [None, "carts:x"], "`a[1]`: not the ID of a document in 'users'."),
        (Circle | Square, {"kind": "circle", "radius": "1"}, "`a.radius`: expected `float`, got `str`."),
        (Circle | Square, {"kind": "square", "side": ["1"]}, "`a.side[0]`: expected `float`, got `str`."),
        (Circle | Square, {"kind": "cube"}, "`a.kind`: not one of the values that are allowed."),
        (Circle | Square, {"radius": 1}, "`a`: expected `Circle | Square`, got `object`."),
        (Account, {"full_name": "ada"}, "`a`: the required field `fullName` is missing."),
        (Low | High, {"type": "high", "n": 1}, "`a.n`: expected `str`, got `int`."),
        (Tree, {"leaves": [{"leaves": [3]}]}, "`a.leaves[0].leaves[0]`: expected `object`, got `int`."),
        (Positive, 0, "`a`: expected `int` >= 1."),
        (Positive | None, 0, "`a`: expected `int` >= 1."),
        (tuple[int, str] | None, [1], "`a`: expected 2 items, got 1."),
        (tuple[()], [1], "`a`: expected 0 items, got 1."),
        (Red | Blue, {"kind": "red", "mode": "x"}, "`a.mode`: not one of the values that are allowed."),
        (Blue | Red, {"kind": "red", "mode": "x"}, "`a.mode`: not one of the values that are allowed."),
        (Blue | Red | None, {"kind": "blue", "mode": "x"}, "`a`: there is no field `mode`."),
        (UserId | Literal["all"], "x", "`a`: expected `Id[\"users\"] | one of 'all'`, got `str`."),
        (Sparse, {"n": 1, "m": None}, "`a.m`: expected `int`, got `null`."),
        (Colour, "blue", "`a`: not one of the values that are allowed."),
    ],
)
def test_what_does_not_fit(annotation: Any, value: object, sentence: str) -> None:
    """The message names the place, what was expected and what came."""
    with pytest.raises(ArgumentError) as caught:
        convert(annotation, value)
    assert str(caught.value) == f"ArgumentValidationError: {sentence}"


def test_missing_and_surplus_arguments() -> None:
    """Both by their names on the wire."""

    def f(ctx: object, session_id: SessionId, name: str = "x") -> None: ...

    def nothing(ctx: object) -> None: ...

    with pytest.raises(ArgumentError, match="the required field `sessionId` is missing"):
        signature(f).convert({}, DIGESTS)
    with pytest.raises(ArgumentError, match=r"no field `nam` \(the function takes `sessionId`, `name`\)"):
        signature(f).convert({"sessionId": RAW_ID, "nam": "x"}, DIGESTS)
    with pytest.raises(ArgumentError, match="takes no arguments"):
        signature(nothing).convert({"a": 1}, DIGESTS)
    with pytest.raises(ArgumentError, match="no field `session_id`"):
        signature(f).convert({"sessionId": RAW_ID, "session_id": RAW_ID}, DIGESTS)


def test_a_default_is_left_to_the_handler() -> None:
    """What the caller doesn't give is not among the keywords, so a default may be anything."""

    def f(ctx: object, a: int, b: list[int] = [], c: Any = Strange()) -> None: ...  # noqa: B006, B008

    assert signature(f).convert({"a": 1}, DIGESTS) == {"a": 1}
    assert signature(f).convert({"a": 1, "b": [2]}, DIGESTS) == {"a": 1, "b": [2]}


def test_session_ids_become_digests_everywhere() -> None:
    """Under any name, in lists, optional."""

    def f(ctx: object, session_id: SessionId, new: SessionId | None, others: list[SessionId]) -> None: ...

    args = {"sessionId": RAW_ID, "new": OTHER_ID, "others": [RAW_ID]}
    given = signature(f).convert(args, DIGESTS)
    assert given == {"session_id": DIGEST, "new": DIGESTS.of(OTHER_ID), "others": [DIGEST]}
    assert {type(given["session_id"]), type(given["new"]), type(given["others"][0])} == {SessionId}
    assert signature(f).convert({**args, "new": None}, DIGESTS)["new"] is None


@pytest.mark.parametrize("value", ["short", 7, None, str(DIGEST), DIGEST, [RAW_ID]])
def test_what_is_no_session_id(value: object) -> None:
    """It is refused, digests too, and not repeated."""
    with pytest.raises(ArgumentError, match="`a`: not a session ID") as caught:
        convert(SessionId, value)
    assert str(value) not in str(caught.value)


def test_inside_the_server_a_digest_is_passed_on() -> None:
    """As it is, not digested twice; a plain string that looks like one has to be called one."""
    assert convert(SessionId, DIGEST, trusted=True) is DIGEST
    assert convert(SessionId, RAW_ID, trusted=True) == DIGEST
    with pytest.raises(ArgumentError, match="not a session ID"):
        convert(SessionId, str(DIGEST), trusted=True)
    assert convert(SessionId, SessionId(str(DIGEST)), trusted=True) == DIGEST


def test_it_knows_whether_it_takes_sessions() -> None:
    """Anywhere in its arguments; only then do they have to be looked up."""

    def plain(ctx: object, a: int, b: list[Int64]) -> None: ...
    def direct(ctx: object, session_id: SessionId) -> None: ...
    def deep(ctx: object, a: dict[str, list[SessionId | None]]) -> None: ...

    assert [signature(each).takes_sessions for each in (plain, direct, deep)] == [False, True, True]


def test_inside_the_server_names_are_pythons() -> None:
    """`session_id`, as the parameter is called."""

    def f(ctx: object, session_id: SessionId) -> None: ...

    assert signature(f).convert({"session_id": DIGEST}, DIGESTS, trusted=True) == {"session_id": DIGEST}
    with pytest.raises(EncodingError, match="sessionId on the wire, which is given too"):
        signature(f).convert({"session_id": DIGEST, "sessionId": OTHER_ID}, DIGESTS, trusted=True)


def test_annotations_may_be_strings() -> None:
    """As under `from __future__ import annotations`; the context's is never looked at."""

    def f(ctx: "Nowhere", a: "list[int]") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    assert signature(f).convert({"a": [1]}, DIGESTS) == {"a": [1]}


def no_context() -> None: ...


def only_keywords(*, ctx: object) -> None: ...


def variable(ctx: object, *args: int) -> None: ...


def open_ended(ctx: object, **kwargs: int) -> None: ...


def unannotated(ctx: object, a) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001


def wire_name(ctx: object, sessionId: SessionId) -> None: ...  # noqa: N803


def wire_name_of_pages(ctx: object, paginationOpts: PaginationOptions) -> None: ...  # noqa: N803


def raw_session(ctx: object, session_id: str) -> None: ...


def unknown_name(ctx: object, a: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


def strange(ctx: object, a: list[Strange]) -> None: ...


def strange_union(ctx: object, a: SessionId | int) -> None: ...


def no_type(ctx: object, a: 3) -> None: ...  # type: ignore[valid-type]


def number_keys(ctx: object, a: dict[int, int]) -> None: ...


def limited_any(ctx: object, a: Annotated[Any, msgspec.Meta(gt=0)]) -> None: ...


def wrong_limit(ctx: object, a: Annotated[str, msgspec.Meta(gt=0)]) -> None: ...


def no_table(ctx: object, a: DocumentId) -> None: ...


@dataclass
class Vague:
    """Whose own annotation names nothing."""

    a: "Nowhere"  # type: ignore[name-defined]  # noqa: F821


def vague(ctx: object, a: Vague) -> None: ...


@pytest.mark.parametrize(
    ("handler", "sentence"),
    [
        (no_context, "needs the context as its first parameter"),
        (only_keywords, "needs the context as its first parameter"),
        (variable, "can't be filled by a call"),
        (open_ended, "can't be filled by a call"),
        (unannotated, "say what `a` is"),
        (wire_name, "write `session_id`; it is sessionId on the wire"),
        (wire_name_of_pages, "write `pagination_opts`; it is paginationOpts on the wire"),
        (raw_session, "annotate `session_id` as SessionId"),
        (unknown_name, "an annotation can't be read"),
        (strange, "can't be made into Strange"),
        (strange_union, "can't be checked"),
        (no_type, "can't be"),
        (number_keys, "int as the key of a dict"),
        (limited_any, "msgspec.Meta limits numbers, texts and lists, not Any"),
        (wrong_limit, "can't be checked"),
        (no_table, "can't be made into DocumentId"),
        (vague, r"an annotation of Vague can't be read \(name 'Nowhere' is not defined\)"),
    ],
)
def test_a_signature_that_is_no_schema(handler: Callable[..., object], sentence: str) -> None:
    """It is refused where it is written, with what to write."""
    with pytest.raises(DefinitionError, match=sentence):
        signature(handler)


def test_a_session_id_can_not_be_the_key_of_a_dict() -> None:
    """Keys are not converted, so the handler would get the raw ID."""

    def f(ctx: object, a: dict[SessionId, int]) -> None: ...
    def g(ctx: object, a: list[dict[SessionId, int]]) -> None: ...

    for handler in (f, g):
        with pytest.raises(DefinitionError, match="SessionId as the key of a dict"):
            signature(handler)


@dataclass
class Picky:
    """A type of the user's that quotes what it was given."""

    name: str

    def __post_init__(self) -> None:
        raise ValueError(f"{self.name} won't do")


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Literal["a"], RAW_ID),
        (Literal["a"], f"x - at `{RAW_ID}`"),
        (list[Literal["a"]], [f"' - at `$.{RAW_ID}"]),
        (dict[Literal["a"], int], {RAW_ID: 1}),
        (Picky, {"name": RAW_ID}),
        (Picky, {"name": "a", RAW_ID: "b"}),
        (SessionId, RAW_ID + " "),
        (int, RAW_ID),
    ],
)
def test_no_refusal_holds_a_session_id(annotation: Any, value: object) -> None:
    """Wherever the caller puts it."""
    with pytest.raises(ArgumentError) as caught:
        convert(annotation, value)
    assert RAW_ID not in str(caught.value)


def test_a_surplus_argument_that_is_a_session_id() -> None:
    """Its name isn't repeated either; the function's own names are."""

    def f(ctx: object, shipping_address_line: str) -> None: ...

    with pytest.raises(ArgumentError, match=r"no field `sess_\w{6}` \(the function takes `shipping_address_line`\)"):
        signature(f).convert({"shipping_address_line": "x", RAW_ID: 1}, DIGESTS)
    with pytest.raises(ArgumentError, match="required field `shipping_address_line` is missing"):
        signature(f).convert({}, DIGESTS)


def test_a_long_argument_is_not_repeated_whole() -> None:
    """A type of the user's may quote what it was given."""
    with pytest.raises(ArgumentError) as caught:
        convert(Picky, {"name": "x " * 100_000})
    assert len(str(caught.value)) < 500
