"""Equal calls and equal values."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.comparing import call_key, copied, is_same
from pillion_shared.wire import arguments

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)
FIELDS = st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3)


@given(FIELDS)
def test_the_order_of_fields_makes_no_difference(fields: dict[str, Any]) -> None:
    """Nor does it matter whether a number is written with a fraction."""
    turned = dict(reversed(list(copy.deepcopy(fields).items())))
    assert call_key("a:b", arguments(fields)) == call_key("a:b", arguments(turned))
    assert call_key("a:b", arguments(fields)) != call_key("a:c", arguments(fields))
    assert call_key("a:b", arguments({"n": 3})) == call_key("a:b", arguments({"n": 3.0}))


@given(FIELDS, FIELDS)
def test_different_arguments_have_different_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    mine, theirs = arguments(one), arguments(other)
    assert (call_key("a:b", mine) == call_key("a:b", theirs)) == is_same(mine, theirs)


@given(VALUES)
def test_a_copy_is_the_same(value: Any) -> None:
    assert is_same(value, copied(value))


def test_a_copy_is_its_own() -> None:
    """All the way down."""
    value = {"a": [1, {"b": 2}]}
    other: Any = copied(value)
    other["a"][1]["b"] = 3
    assert value == {"a": [1, {"b": 2}]}


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (1, 1.0), (0.0, -0.0), ([1], [1, 2]), ({"a": 1}, {"b": 1}), ({"a": 1}, {}), ("1", 1), (None, False)],
)
def test_what_differs(one: object, other: object) -> None:
    """Also where Python's own comparison is lax."""
    assert not is_same(one, other)
    assert is_same(float("nan"), float("nan"))
