"""Shapes that hold others; all the types are in test_signature.py and test_returns.py."""

from typing import Any

import pytest

from pillion_server.containers import Entries, Items, Row, Union
from pillion_server.fitting import Misfit, Shape
from pillion_server.scalars import Integer, Number, OneOf, Scalar
from pillion_server.sessions import SessionId

INT, TEXT = Integer(), Scalar(str, "str")


def none(_: object) -> SessionId:
    raise AssertionError("no session is asked for")


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        (Items(INT, list), (1, 2.0), [1, 2]),
        (Items(INT, tuple), [], ()),
        (Row((INT, TEXT), tuple), [1, "a"], (1, "a")),
        (Entries(TEXT, INT), {"a": 1.0}, {"a": 1}),
        (Union((Number(), INT), {int: INT}), 1, 1),
        (Union((Number(), INT), {}), 1, 1.0),
    ],
)
def test_what_fits(shape: Shape, value: object, expected: Any) -> None:
    """A container of a new kind; a union's exact member before the first."""
    made = shape.fit(value, none)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("shape", "value", "place", "sentence"),
    [
        (Items(INT, list), "ab", "", "expected `array`, got `str`"),
        (Items(Items(INT, list), list), [[1], [2, "x"]], "[1][1]", "expected `int`, got `str`"),
        (Row((INT,), tuple), [], "", "expected 1 items, got 0"),
        (Entries(TEXT, INT), [], "", "expected `object`, got `array`"),
        (Entries(TEXT, INT), {"a": "x"}, "a", "expected `int`, got `str`"),
        (Entries(OneOf(("a",)), INT), {"b": 1}, "", "a key: not one of the values that are allowed"),
        (Union((INT, TEXT), {}), None, "", "expected `int | str`, got `null`"),
        (Union((INT, Items(INT, list)), {}), [1, "x"], "[1]", "expected `int`, got `str`"),
        (Union((Items(INT, list), Items(TEXT, list)), {}), [1, "x"], "", "expected `array | array`, got `array`"),
    ],
)
def test_what_does_not(shape: Shape, value: object, place: str, sentence: str) -> None:
    """The place of the one member that the value was meant for, or of the union."""
    with pytest.raises(Misfit) as caught:
        shape.fit(value, none)
    assert (caught.value.place, caught.value.sentence) == (place, sentence)
