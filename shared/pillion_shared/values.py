"""Values and their JSON: the Python side of Convex's encoding (`convex_encoded_json`).

    Python                      JSON
    None, bool, str             as is
    float, int up to 2^53       a number with a fraction, 3.0; NaN, infinities and -0 as {"$float": base64}
    Int64                       {"$integer": base64}, 8 bytes little-endian
    bytes                       {"$bytes": base64}
    list, tuple                 an array of at most 8192
    dict with string keys       an object of at most 1024 fields, no key beginning with "$"

Coming back, a number without a fraction is an `int`, so that a counter stays a counter.
"""

import binascii
import struct
from math import copysign, isfinite

from pillion_shared.errors import EncodingError
from pillion_shared.ids import quotable
from pillion_shared.shapes import is_dict, is_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    _Place: TypeAlias = "tuple[_Place | None, object]"
    """Where a value is: the place of what holds it and its key or index there; at the root, `None` and a name."""

MAX_SAFE_INTEGER = 2**53
MAX_DEPTH = 64
MAX_ITEMS = 8192
MAX_FIELDS = 1024
MAX_KEY = 1024


class Int64(int):
    """A whole number that travels as Convex's Int64 (JavaScript's bigint) instead of as a Float64."""


def encode(value: object, place: str = "$") -> object:
    """`value` as what `json.dumps` can write; raises `EncodingError`, naming the place, for what can't travel."""
    return _encode(value, (None, place), 0)


def decode(json: object) -> object:
    """The value of parsed JSON; raises `EncodingError`, naming the place, for what is not an encoding."""
    return _decode(json, (None, "$"), 0)


def _encode(value: object, place: "_Place", depth: int) -> object:
    if depth > MAX_DEPTH:
        raise _error(place, f"nested more than {MAX_DEPTH} deep.")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, Int64):
        whole = int(value)  # MicroPython compares a subclass of int only from its own side
        if not -(2**63) <= whole < 2**63:
            raise _error(place, "an Int64 has 64 bits, this one needs more.")
        return {"$integer": _to_base64(struct.pack("<q", whole))}
    if isinstance(value, int):
        if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            raise _error(place, "a whole number beyond 2^53 would be rounded: send it as Int64(number).")
        return float(value)
    if isinstance(value, float):
        if _is_special(value):
            return {"$float": _to_base64(struct.pack("<d", value))}
        return float(value)  # of a subclass, such as NumPy's, only the number travels
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": _to_base64(bytes(value))}
    if is_list(value):
        if len(value) > MAX_ITEMS:
            raise _error(place, f"a list of {len(value)} is longer than {MAX_ITEMS}.")
        return [_encode(item, (place, index), depth + 1) for index, item in enumerate(value)]
    if is_dict(value):
        _check_fields(value, place)
        return {key: _encode(item, (place, key), depth + 1) for key, item in value.items()}
    kind = type(value).__name__
    raise _error(place, f"a value of type {kind} can't travel; make it a str, number, bytes, list or dict.")


def _decode(json: object, place: "_Place", depth: int) -> object:
    if depth > MAX_DEPTH:
        raise _error(place, f"nested more than {MAX_DEPTH} deep.")
    if json is None or isinstance(json, bool):
        return json
    if isinstance(json, str):
        return _text(json, place)
    if isinstance(json, (int, float)):
        return _number(json, place)
    if is_list(json):
        if len(json) > MAX_ITEMS:
            raise _error(place, f"a list of {len(json)} is longer than {MAX_ITEMS}.")
        return [_decode(item, (place, index), depth + 1) for index, item in enumerate(json)]
    if not is_dict(json):
        raise _error(place, f"a {type(json).__name__} is not JSON.")
    if len(json) == 1:
        for key, item in json.items():
            if key == "$bytes":
                return _from_base64(item, place)
            if key == "$integer":
                return Int64(struct.unpack("<q", _eight_bytes(item, place))[0])
            if key == "$float":
                return _special_float(item, place)
    _check_fields(json, place)
    return {key: _decode(item, (place, key), depth + 1) for key, item in json.items()}


def _number(number: "int | float", place: "_Place") -> "int | float":
    if isinstance(number, int):
        if -MAX_SAFE_INTEGER <= number <= MAX_SAFE_INTEGER:
            return number
        try:
            number = float(number)
        except OverflowError:
            number = _INFINITY
    if not isfinite(number):
        raise _error(place, f"{number} is not JSON; it is written as $float.")
    if _is_special(number):
        return number
    whole = int(number)
    return whole if float(whole) == number and -MAX_SAFE_INTEGER <= whole <= MAX_SAFE_INTEGER else number


def _special_float(text: object, place: "_Place") -> float:
    number: float = struct.unpack("<d", _eight_bytes(text, place))[0]
    if not _is_special(number):
        raise _error(place, f"{number} is written as a plain number, not as $float.")
    return number


def _check_fields(fields: "dict[object, object]", place: "_Place") -> None:
    if len(fields) > MAX_FIELDS:
        raise _error(place, f"{len(fields)} fields are more than {MAX_FIELDS}.")
    for key in fields:
        if not isinstance(key, str):
            raise _error(place, f"the key {quotable(repr(key))} is not a string.")
        if len(key) > MAX_KEY or key.startswith("$") or (key and (min(key) < " " or max(key) > "~")):
            shown = quotable(repr(key if len(key) <= 40 else key[:37] + "..."))
            raise _error(place, f"{shown} can't be a key (printable ASCII, at most {MAX_KEY}, no leading $).")


def _text(text: str, place: "_Place") -> str:
    try:
        text.encode()
    except UnicodeError:
        raise _error(place, "the text holds half of a surrogate pair, which is no character.") from None
    return str(text)


def _error(place: "_Place", what: str) -> EncodingError:
    """The keys of the place are somebody's words, and one of them may be a session ID."""
    steps = ""
    parent, step = place
    while parent is not None:
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}") + steps
        parent, step = parent
    return EncodingError(f"{quotable(f'{step}{steps}')}: {what}")


def _to_base64(octets: bytes) -> str:
    return binascii.b2a_base64(octets, newline=False).decode()


def _from_base64(text: object, place: "_Place") -> bytes:
    try:
        octets = binascii.a2b_base64(text.encode()) if isinstance(text, str) else None
    except (TypeError, ValueError):
        octets = None
    if octets is None or _to_base64(octets) != text:
        raise _error(place, "not base64.")
    return octets


def _eight_bytes(text: object, place: "_Place") -> bytes:
    octets = _from_base64(text, place)
    if len(octets) != 8:
        raise _error(place, f"8 bytes are needed, not {len(octets)}.")
    return octets


def _is_special(number: float) -> bool:
    """NaN, the infinities and -0: what JSON's numbers can't say."""
    return not isfinite(number) or (number == 0 and copysign(1, number) < 0)


_INFINITY = float("inf")
