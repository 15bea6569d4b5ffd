"""Whether two calls are equal, and whether two values are."""

import json

from pillion_shared.shapes import is_dict, is_list


def call_key(path: str, args: "dict[str, object]") -> str:
    """The same text for the same function, in its canonical spelling, with the same encoded arguments."""
    pieces = [path, " "]
    _write(args, pieces)
    return "".join(pieces)


def _write(value: object, pieces: "list[str]") -> None:
    """JSON with its keys in order, which MicroPython's own has not."""
    if is_dict(value):
        pieces.append("{")
        for key in sorted([str(each) for each in value]):
            pieces.append(json.dumps(key) + ":")
            _write(value[key], pieces)
            pieces.append(",")
        pieces.append("}")
    elif is_list(value):
        pieces.append("[")
        for item in value:
            _write(item, pieces)
            pieces.append(",")
        pieces.append("]")
    else:
        pieces.append(json.dumps(value))


def is_same(one: object, other: object) -> bool:
    """Whether nobody could tell two values apart: `1` and `True` are two, NaN and NaN are one."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if is_dict(one) and is_dict(other):
        return len(one) == len(other) and all(key in other and is_same(one[key], other[key]) for key in one)
    if is_list(one) and is_list(other):
        return len(one) == len(other) and all(is_same(one[place], other[place]) for place in range(len(one)))
    if isinstance(one, float):
        return repr(one) == repr(other)
    return one == other


def copied(value: object) -> object:
    """The value with lists and dicts of its own, so that a change of them changes nothing else."""
    if is_dict(value):
        return {key: copied(item) for key, item in value.items()}
    if is_list(value):
        return [copied(item) for item in value]
    return value
