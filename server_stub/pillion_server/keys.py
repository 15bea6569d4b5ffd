"""Index keys: values as bytes whose order is the order of the values.

The order is Convex's, by type first:

    missing < None < Int64 < number < bool < str < bytes < list < dict

Numbers compare as Python's do (so -0.0 equals 0), NaN after all of them; strings by code point; lists and the
sorted items of dicts one after another. A key followed by further keys still sorts right, and no key holds
0xFF after its end, so `key + ABOVE` is above everything that begins with `key`.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import cast

from pillion_shared import EncodingError, Int64

ABOVE = b"\xff"
"""Appended to a key: above all that begins with the key."""

_END = b"\x00"
_MISSING, _NONE, _INT64, _NUMBER, _FALSE, _TRUE, _TEXT, _BYTES, _LIST, _DICT = (bytes([n]) for n in range(1, 11))
_SIGN = 1 << 63
_ALL = (1 << 64) - 1
_NAN = _NUMBER + b"\xff" * 8


class Missing:
    """The type of `MISSING`, the value of a field that a document doesn't have."""


MISSING = Missing()


def key_of(values: Iterable[object]) -> bytes:
    """The key of a row of values; raises `EncodingError` for what is not a value."""
    return b"".join(map(_key, values))


def _key(value: object) -> bytes:
    if isinstance(value, str):
        return _TEXT + _escaped(value.encode())
    if isinstance(value, Missing):
        return _MISSING
    if value is None:
        return _NONE
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, Int64):
        return _INT64 + struct.pack(">Q", int(value) + _SIGN)
    if isinstance(value, (int, float)):
        return _number(float(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _BYTES + _escaped(bytes(cast("bytes", value)))
    if isinstance(value, (list, tuple)):
        return _LIST + key_of(cast("Iterable[object]", value)) + _END
    if isinstance(value, dict):
        items = sorted(cast("Mapping[str, object]", value).items(), key=_name)
        return _DICT + b"".join(_key(name) + _key(item) for name, item in items) + _END
    raise EncodingError(f"A {type(value).__name__} can't be looked up; give a str, number, bytes, list or dict.")


def _name(item: tuple[str, object]) -> str:
    return item[0]


def _number(number: float) -> bytes:
    if number != number:
        return _NAN
    bits: int = struct.unpack(">Q", struct.pack(">d", number + 0.0))[0]  # + 0.0 makes -0.0 into 0.0
    return _NUMBER + struct.pack(">Q", bits ^ (_ALL if bits & _SIGN else _SIGN))


def _escaped(octets: bytes) -> bytes:
    return octets.replace(b"\x00", b"\x00\xff") + _END
