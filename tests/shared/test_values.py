"""Values and their JSON; the vectors are those of Convex's own clients."""

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion_shared import EncodingError, Int64, decode, encode, show

VECTORS = [
    (Int64(0), {"$integer": "AAAAAAAAAAA="}),
    (Int64(1), {"$integer": "AQAAAAAAAAA="}),
    (Int64(-1), {"$integer": "//////////8="}),
    (Int64(5151996), {"$integer": "/JxOAAAAAAA="}),
    (Int64(2**53 + 1), {"$integer": "AQAAAAAAIAA="}),
    (Int64(2**63 - 1), {"$integer": "/////////38="}),
    (Int64(-(2**63)), {"$integer": "AAAAAAAAAIA="}),
    (math.inf, {"$float": "AAAAAAAA8H8="}),
    (-math.inf, {"$float": "AAAAAAAA8P8="}),
    (-0.0, {"$float": "AAAAAAAAAIA="}),
    (b"\x00\x10\x83", {"$bytes": "ABCD"}),
    (b"", {"$bytes": ""}),
    (3, 3.0),
    (True, True),
    (None, None),
    ("é", "é"),
    ([1.5, {"": [None]}], [1.5, {"": [None]}]),
]


@pytest.mark.parametrize(("value", "encoded"), VECTORS, ids=lambda value: repr(value)[:30])
def test_the_vectors(value: object, encoded: object) -> None:
    """Each value has this JSON, and comes back the same, of the same type."""
    assert encode(value) == encoded
    back = decode(encoded)
    assert back == value
    assert type(back) is type(value)
    assert math.copysign(1, back) == math.copysign(1, value) if isinstance(value, float) else True


def test_nan_travels() -> None:
    """NaN, which equals nothing, arrives as NaN."""
    assert encode(math.nan) == {"$float": "AAAAAAAA+H8="}
    assert math.isnan(decode({"$float": "AAAAAAAA+H8="}))  # type: ignore[arg-type]


def test_an_int_is_written_with_a_fraction() -> None:
    """Clients exist that take a JSON integer for no number at all."""
    assert json.dumps(encode({"n": 3, "big": 2**53})) == '{"n": 3.0, "big": 9007199254740992.0}'


@pytest.mark.parametrize(("written", "value"), [(3, 3), (3.0, 3), (0.5, 0.5), (2**60, 2.0**60), (1e300, 1e300)])
def test_a_number_without_a_fraction_is_an_int(written: float, value: float) -> None:
    """A counter stays a counter; what a double can't hold exactly stays a float."""
    assert decode(written) == value
    assert type(decode(written)) is type(value)


keys = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).filter(lambda key: key[:1] != "$")
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.integers(-(2**63), 2**63 - 1).map(Int64)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=20)


@given(values)
def test_whatever_travels_arrives(value: object) -> None:
    """Encoded, written, read and decoded, a value equals itself."""
    assert decode(json.loads(json.dumps(encode(value), allow_nan=False))) == value


def deep(levels: int) -> object:
    """A list in a list in a list."""
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": [1, {2}]}, r"^\$\.a\[1\]: a value of type set can't travel"),
        (2**53 + 1, r"^\$: a whole number beyond 2\^53"),
        (Int64(2**63), "64 bits"),
        ({3: 1}, "the key 3 is not a string"),
        ({"$a": 1}, r"'\$a' can't be a key"),
        ({"é": 1}, "can't be a key"),
        ({"k" * 1025: 1}, "can't be a key"),
        ("\ud800", "surrogate"),
        ([1] * 8193, "longer than 8192"),
        ({str(n): n for n in range(1025)}, "more than 1024"),
        (deep(66), "64 deep"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_can_not_travel_is_refused_with_its_place(value: object, said: str) -> None:
    """The error begins with where it is and says what is wrong."""
    with pytest.raises(EncodingError, match=said):
        encode(value)


ID = "3b241101-e2bb-4255-8caf-4136c566a962"


@pytest.mark.parametrize(
    "value",
    [{ID: {1}}, {"a": {f"cart:{ID}": [2**60]}}, {"$" + ID: 1}, {"é" + ID: 1}, {ID.encode(): 1}, {(ID, 1): 1}],
    ids=lambda value: repr(value)[:6],
)
def test_no_place_holds_a_session_id(value: object) -> None:
    """Not even where an ID is a key, whole or in part; it is shown as IDs are."""
    with pytest.raises(EncodingError, match=re.escape(show(ID)) + r"|sess_\w{6}") as caught:
        encode(value)
    assert ID not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"$integer": "AAAA"}, "8 bytes"),
        ({"$integer": 3}, "not base64"),
        ({"$integer": "????"}, "not base64"),
        ({"$float": "AAAAAAAA8D8="}, "plain number"),
        ({"$bytes": "QQ"}, "not base64"),
        ({"$bytes": "QR=="}, "not base64"),
        ({"$bytes": "é"}, "not base64"),
        ({"$set": []}, "can't be a key"),
        ({"$bytes": "QQ==", "b": 1}, "can't be a key"),
        (math.nan, "not JSON"),
        (10**400, "not JSON"),
        ([math.inf], r"^\$\[0\]: inf is not JSON"),
        ("\udfff", "surrogate"),
        (deep(66), "64 deep"),
        ({"a": {1}}, "not JSON"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_encoding_is_refused(written: object, said: str) -> None:
    """Rubbish on the wire ends in a sentence, never in a wrong value."""
    with pytest.raises(EncodingError, match=said):
        decode(written)
