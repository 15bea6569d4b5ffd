"""The shape of an object; all the types are in test_signature.py and test_returns.py."""

from dataclasses import dataclass
from typing import TypedDict

import msgspec
import pytest

from pillion_server.fitting import Misfit
from pillion_server.objects import Field, Object
from pillion_server.scalars import Integer
from pillion_server.sessions import SessionId


@dataclass
class Point:
    """With a default that is left to the class."""

    x: int
    y: int = 7


class Flat(TypedDict):
    """The same as a dict."""

    x: int


class Sparse(msgspec.Struct):
    """With a field that may be left out."""

    x: int
    y: int | msgspec.UnsetType = msgspec.UNSET


X, Y = Field("x", "x", Integer(), required=True), Field("y", "why", Integer(), required=False)


def none(_: object) -> SessionId:
    raise AssertionError("no session is asked for")


def test_into_a_function_it_is_what_was_asked_for() -> None:
    """With the class's own defaults."""
    shape = Object(Point, out=False, fields=(X, Y))
    assert shape.fit({"x": 1.0}, none) == Point(1)
    assert shape.fit({"x": 1, "why": 2}, none) == Point(1, 2)
    assert Object(Flat, out=False, fields=(X,)).fit({"x": 1}, none) == {"x": 1}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({}, "the required field `x` is missing"),
        ({"x": 1, "y": 2}, "there is no field `y`"),
        ({"x": None}, "expected `int`, got `null`"),
        (Point(1), "expected `object`, got `Point`"),
    ],
)
def test_what_is_refused(value: object, sentence: str) -> None:
    """Also a name that it has in Python only."""
    with pytest.raises(Misfit) as caught:
        Object(Point, out=False, fields=(X, Y)).fit(value, none)
    assert caught.value.sentence == sentence


def test_out_of_a_function_it_is_a_dict_of_the_named_fields() -> None:
    """Under their names on the wire; what is unset stays away, and so does what isn't named."""
    assert Object(Point, out=True, fields=(X, Y)).fit(Point(1), none) == {"x": 1, "why": 7}
    assert Object(Point, out=True, fields=(X,)).fit(Point(1), none) == {"x": 1}
    assert Object(Flat, out=True, fields=(X,)).fit({"x": 1, "session_id": "s"}, none) == {"x": 1}
    assert Object(Sparse, out=True, fields=(X, Y)).fit(Sparse(1), none) == {"x": 1}
    assert Object(Point, out=True, tag=("type", "p"), fields=(X,)).fit(Point(1), none) == {"type": "p", "x": 1}
    with pytest.raises(Misfit, match="the required field `x` is missing"):
        Object(Flat, out=True, fields=(X,)).fit({}, none)
    with pytest.raises(Misfit, match="expected `Flat`, got `Point`"):
        Object(Flat, out=True, fields=(X,)).fit(Point(1), none)
