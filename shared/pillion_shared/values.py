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
    from collections.abc import Callable

MAX_SAFE_INTEGER = 2**53
MAX_DEPTH = 64
MAX_ITEMS = 8192
MAX_FIELDS = 1024
MAX_KEY = 1024


class Int64(int):
    """A whole number that travels as Convex's Int64 (JavaScript's bigint) instead of as a Float64."""


def encode(value: object, place: str = "$") -> object:
    """`value` as what `json.dumps` can write; raises `EncodingError`, naming the place, for what can't travel."""
    try:
        return _encode(value, 0)
    except _Refusal as refusal:
        raise refusal.at(place) from None


def decode(json: object) -> object:
    """The value of parsed JSON; raises `EncodingError`, naming the place, for what is not an encoding."""
    try:
        return _decode(json, 0)
    except _Refusal as refusal:
        raise refusal.at("$") from None


class _Refusal(Exception):
    """What is wrong with a value, and the steps that lead to it, the last one first."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self._what = what
        self.steps: list[object] = []

    def at(self, root: str) -> EncodingError:
        """The keys among the steps are somebody's words, and one of them may be a session ID."""
        steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in reversed(self.steps)]
        return EncodingError(f"{quotable(root + ''.join(steps))}: {self._what}")


def _encode(value: object, depth: int) -> object:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Int64):
        whole = int(value)  # MicroPython compares a subclass of int only from its own side
        if not -(2**63) <= whole < 2**63:
            raise _Refusal("an Int64 has 64 bits, this one needs more.")
        return {"$integer": _to_base64(struct.pack("<q", whole))}
    if isinstance(value, int):
        if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            raise _Refusal("a whole number beyond 2^53 would be rounded: send it as Int64(number).")
        return float(value)
    if isinstance(value, float):
        if _is_special(value):
            return {"$float": _to_base64(struct.pack("<d", value))}
        return float(value)  # of a subclass, such as NumPy's, only the number travels
    if is_dict(value):
        return _fields(value, _encode, depth)
    if is_list(value):
        return _items(value, _encode, depth)
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": _to_base64(bytes(value))}
    kind = type(value).__name__
    raise _Refusal(f"a value of type {kind} can't travel; make it a str, number, bytes, list or dict.")


def _decode(json: object, depth: int) -> object:
    if isinstance(json, str):
        return _text(json)
    if json is None or isinstance(json, bool):
        return json
    if isinstance(json, (int, float)):
        return _number(json)
    if is_dict(json):
        if len(json) == 1:
            for key, item in json.items():
                if key == "$bytes":
                    return _from_base64(item)
                if key == "$integer":
                    return Int64(struct.unpack("<q", _eight_bytes(item))[0])
                if key == "$float":
                    return _special_float(item)
        return _fields(json, _decode, depth)
    if is_list(json):
        return _items(json, _decode, depth)
    raise _Refusal(f"a {type(json).__name__} is not JSON.")


def _items(
    values: "list[object] | tuple[object, ...]", convert: "Callable[[object, int], object]", depth: int
) -> "list[object]":
    if len(values) > MAX_ITEMS:
        raise _Refusal(f"a list of {len(values)} is longer than {MAX_ITEMS}.")
    _check_depth(values, depth)
    converted: list[object] = []
    try:
        for item in values:
            converted.append(convert(item, depth + 1))  # noqa: PERF401 - how far it came says where it failed
    except _Refusal as refusal:
        refusal.steps.append(len(converted))
        raise
    return converted


def _fields(
    fields: "dict[object, object]", convert: "Callable[[object, int], object]", depth: int
) -> "dict[object, object]":
    if len(fields) > MAX_FIELDS:
        raise _Refusal(f"{len(fields)} fields are more than {MAX_FIELDS}.")
    _check_depth(fields, depth)
    converted: dict[object, object] = {}
    for key, item in fields.items():
        if not isinstance(key, str) or len(key) > MAX_KEY or key[:1] == "$" or key.strip(_IN_KEYS):
            raise _refused_key(key)
        try:
            converted[key] = convert(item, depth + 1)
        except _Refusal as refusal:
            refusal.steps.append(key)
            raise
    return converted


def _check_depth(values: "dict[object, object] | list[object] | tuple[object, ...]", depth: int) -> None:
    if depth >= MAX_DEPTH and values:
        raise _Refusal(f"nested more than {MAX_DEPTH} deep.")


def _refused_key(key: object) -> _Refusal:
    if not isinstance(key, str):
        return _Refusal(f"the key {quotable(repr(key))} is not a string.")
    shown = quotable(repr(key if len(key) <= 40 else key[:37] + "..."))
    return _Refusal(f"{shown} can't be a key (printable ASCII, at most {MAX_KEY}, no leading $).")


def _number(number: "int | float") -> "int | float":
    if -MAX_SAFE_INTEGER <= number <= MAX_SAFE_INTEGER:
        whole = int(number)
        return whole if float(whole) == number and not _is_special(number) else number
    try:
        number = float(number)
    except OverflowError:
        number = _INFINITY
    if not isfinite(number):
        raise _Refusal(f"{number} is not JSON; it is written as $float.")
    return number


def _special_float(text: object) -> float:
    number: float = struct.unpack("<d", _eight_bytes(text))[0]
    if not _is_special(number):
        raise _Refusal(f"{number} is written as a plain number, not as $float.")
    return number


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeError:
        raise _Refusal("the text holds half of a surrogate pair, which is no character.") from None
    return str(text)


def _to_base64(octets: bytes) -> str:
    return binascii.b2a_base64(octets, newline=False).decode()


def _from_base64(text: object) -> bytes:
    try:
        octets = binascii.a2b_base64(text.encode()) if isinstance(text, str) else None
    except (TypeError, ValueError):
        octets = None
    if octets is None or _to_base64(octets) != text:
        raise _Refusal("not base64.")
    return octets


def _eight_bytes(text: object) -> bytes:
    octets = _from_base64(text)
    if len(octets) != 8:
        raise _Refusal(f"8 bytes are needed, not {len(octets)}.")
    return octets


def _is_special(number: float) -> bool:
    """NaN, the infinities and -0: what JSON's numbers can't say."""
    return not isfinite(number) or (number == 0 and copysign(1, number) < 0)


_INFINITY = float("inf")
_IN_KEYS = "".join(map(chr, range(ord(" "), ord("~") + 1)))
