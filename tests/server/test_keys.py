"""Index keys sort as their values do."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion_server.keys import ABOVE, MISSING, key_of
from pillion_shared import EncodingError, Int64

SCALARS = (
    st.just(MISSING)
    | st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats()
    | st.integers(-(2**63), 2**63 - 1).map(Int64)
    | st.text(st.sampled_from("\0\1aé\U0001f600\xff"), max_size=4)
    | st.binary(max_size=4)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
)
ROWS = st.lists(VALUES, min_size=2, max_size=2)


def order(value: Any) -> tuple[Any, ...]:
    """Where a value stands, in terms of Python's own comparisons."""
    if value is MISSING:
        return (1,)
    if value is None:
        return (2,)
    if isinstance(value, bool):
        return (5, value)
    if isinstance(value, Int64):
        return (3, int(value))
    if isinstance(value, (int, float)):
        return (4, True, 0.0) if math.isnan(value) else (4, False, float(value))
    if isinstance(value, str):
        return (6, value)
    if isinstance(value, bytes):
        return (7, value)
    if isinstance(value, list):
        return (8, [order(item) for item in value])
    return (9, [((6, name), order(item)) for name, item in sorted(value.items())])


@given(ROWS, ROWS)
def test_keys_sort_as_values(one: list[Any], other: list[Any]) -> None:
    """The bytes of two rows compare as the rows do, first column first."""
    here, there = [order(value) for value in one], [order(value) for value in other]
    assert (key_of(one) < key_of(other)) == (here < there)
    assert (key_of(one) == key_of(other)) == (here == there)


TEXTS = st.lists(st.text("\0\1a", max_size=3), min_size=2, max_size=2)


@given(TEXTS, TEXTS)
def test_texts_of_any_length_sort_as_texts(one: list[str], other: list[str]) -> None:
    """Where one ends and the next begins is no matter of what is in them."""
    assert (key_of(one) < key_of(other)) == (one < other)
    octets, others = [text.encode() for text in one], [text.encode() for text in other]
    assert (key_of(octets) < key_of(others)) == (octets < others)


@given(VALUES, VALUES, VALUES)
def test_a_prefix_finds_its_rows_and_no_others(first: Any, second: Any, looked_up: Any) -> None:
    """The range from a key to the key with ABOVE holds exactly the rows that begin with equal values."""
    prefix = key_of([looked_up])
    found = prefix <= key_of([first, second]) < prefix + ABOVE
    assert found == (order(first) == order(looked_up))


@pytest.mark.parametrize(
    ("one", "other"),
    [(0.0, -0.0), (1, 1.0), (float("nan"), -float("nan")), ((1, 2), [1, 2]), (bytearray(b"a"), b"a")],
)
def test_equal_values_have_equal_keys(one: object, other: object) -> None:
    """What Python calls equal is found under either spelling."""
    assert key_of([one]) == key_of([other])


def test_true_is_not_one() -> None:
    """A bool is no number here, nor is an Int64 a Float64."""
    assert len({key_of([True]), key_of([1]), key_of([Int64(1)])}) == 3


def test_what_is_no_value_has_no_key() -> None:
    """An object says so."""
    with pytest.raises(EncodingError, match="object can't be looked up"):
        key_of([object()])
