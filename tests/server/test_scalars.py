"""Shapes of single values; all the types are in test_signature.py and test_returns.py."""

import datetime as dt
from typing import Annotated, Any

import msgspec
import pytest

from pillion_server.fitting import Misfit, Shape
from pillion_server.scalars import Anything, Foreign, Integer, Limited, Long, Number, OneOf, Scalar
from pillion_server.sessions import SessionId
from pillion_shared import Int64
from server.world import RAW_ID

NOON = dt.datetime(2026, 8, 1, 12, tzinfo=dt.UTC)


def none(_: object) -> SessionId:
    raise AssertionError("no session is asked for")


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        (Anything(), "Any"),
        (Scalar(str, "str"), "str"),
        (Integer(), "int"),
        (Number(), "float"),
        (Long(), "Int64"),
        (OneOf(("a", 1)), "one of 'a', 1"),
        (Foreign(dt.datetime, out=True), "datetime"),
    ],
)
def test_names(shape: Shape, name: str) -> None:
    """As messages have them."""
    assert shape.name == name


@pytest.mark.parametrize(("shape", "value"), [(Integer(), 2**53), (Integer(), -(2.0**53)), (Number(), 2**53)])
def test_the_last_exact_number(shape: Shape, value: Any) -> None:
    """It fits."""
    assert shape.fit(value, none) == value


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (Integer(), 2.0**53 + 2),
        (Number(), 2**53 + 1),
        (Number(), Int64(2**53 + 1)),
        (Long(), 2**63),
        (Long(), 1.5),
        (Scalar(bytes, "bytes"), "YQ=="),
    ],
)
def test_what_would_change_on_the_way(shape: Shape, value: object) -> None:
    """It is refused."""
    with pytest.raises(Misfit):
        shape.fit(value, none)


def test_what_travels_as_text() -> None:
    """In from it, out to it."""
    text = Foreign(dt.datetime, out=True).fit(NOON, none)
    assert isinstance(text, str)
    assert Foreign(dt.datetime, out=False).fit(text, none) == NOON
    for out, value in ((True, text), (False, "noon"), (False, NOON.timestamp)):
        with pytest.raises(Misfit):
            Foreign(dt.datetime, out=out).fit(value, none)


def test_limits() -> None:
    """Those of `msgspec.Meta`; what they say holds no session ID."""
    short = Limited(Scalar(str, "str"), Annotated[str, msgspec.Meta(max_length=3)])
    assert short.fit("abc", none) == "abc"
    with pytest.raises(Misfit) as caught:
        short.fit(RAW_ID, none)
    assert caught.value.sentence == "expected `str` of length <= 3"
