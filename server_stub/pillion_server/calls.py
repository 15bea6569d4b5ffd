"""What arrives, as calls: from the body of a POST or the address of a GET, or `Refused` with the reason."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl

import msgspec

from pillion_server.errors import Refused
from pillion_server.formats import is_plain
from pillion_shared import EncodingError, PathError, canonical, decode
from pillion_shared.errors import FrameError
from pillion_shared.versions import read_timestamp

MOST_QUERIES = 1000
"""The most queries of one batch."""

_BATCH = '{"queries": [{"path": "module:function", "args": {...}}, ...]}'


@dataclass(frozen=True)
class Call:
    """A call as it arrived: a canonical path, decoded arguments, and whether its answer is to be plain JSON."""

    path: str
    args: Mapping[str, object]
    plain: bool


def of_body(body: bytes, client: str | None = None) -> Call:
    """The call in the body of a POST; `client` is its `Convex-Client` header. Raises `Refused`."""
    return _call(_object(body, '{"path": "module:function", "args": {...}}'), client)


def of_run(address: str, body: bytes, client: str | None = None) -> Call:
    """The call of `/api/run/module/function`, with what is after `run/`; plain JSON is its default."""
    fields = _object(body, '{"args": {...}}')
    module, slash, function = address.rpartition("/")
    path = f"{module}:{function}" if slash else address
    format = fields.get("format")
    return _call({**fields, "path": path, "format": "json" if format is None else format}, client)


def of_batch(body: bytes, client: str | None = None) -> list[Call]:
    """The calls in the body of a `query_batch`, at most `MOST_QUERIES`."""
    queries = _object(body, _BATCH).get("queries")
    if not isinstance(queries, list) or not all(isinstance(each, dict) for each in cast("list[object]", queries)):
        raise Refused(400, "BadJsonBody", f"The body is an object: {_BATCH}.")
    if len(cast("list[object]", queries)) > MOST_QUERIES:
        raise Refused(400, "BadJsonBody", f"A batch has at most {MOST_QUERIES} queries: send the rest in another one.")
    return [_call(each, client) for each in cast("list[dict[str, object]]", queries)]


def of_time(body: bytes, client: str | None = None) -> tuple[Call, int]:
    """The call in the body of a `query_at_ts`, and its timestamp."""
    fields = _object(body, '{"path": "module:function", "args": {...}, "ts": "..."}')
    try:
        return _call(fields, client), read_timestamp(fields.get("ts"))
    except FrameError as error:
        raise Refused(400, "BadTimestamp", f'"ts": {error}') from None


def of_address(query: bytes, client: str | None = None) -> Call:
    """The call in an address, `path=module:function&args={...}&format=json`. Raises `Refused`."""
    fields = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    try:
        args = _json(fields.pop("args", "{}").encode())
    except ValueError as error:
        raise Refused(400, "BadArguments", f'"args" is not JSON: {error}.') from None
    return _call({**fields, "args": args}, client)


def _object(body: bytes, form: str) -> dict[str, object]:
    """The object in a body, which should have this form; raises `Refused`."""
    try:
        request = _json(body)
    except ValueError as error:
        raise Refused(400, "BadJsonBody", f"The body is not JSON: {error}.") from None
    if not isinstance(request, dict):
        raise Refused(400, "BadJsonBody", f"The body is an object: {form}.")
    return cast("dict[str, object]", request)


def _call(fields: Mapping[str, object], client: str | None) -> Call:
    path = fields.get("path")
    if not isinstance(path, str):
        raise Refused(400, "BadJsonBody", '"path" is missing: it names the function, "module:function".')
    try:
        as_plain = is_plain(fields.get("format"), client)
        return Call(canonical(path), _arguments(fields.get("args", {})), as_plain)
    except PathError as error:
        raise Refused(400, "BadPath", str(error)) from None
    except (EncodingError, OverflowError) as error:
        raise Refused(400, "BadArguments", f'"args": {error}') from None


def _arguments(args: object) -> dict[str, Any]:
    """The arguments, from an object or a list of one object."""
    if isinstance(args, list) and len(cast("list[object]", args)) == 1:
        args = cast("list[object]", args)[0]
    if isinstance(args, dict):
        decoded = decode(cast("object", args))
        if isinstance(decoded, dict):
            return cast("dict[str, Any]", decoded)
    raise Refused(400, "BadArguments", '"args" is an object, or a list of one object.')


def _json(text: bytes) -> object:
    """The value of a JSON text; raises `ValueError` with the reason."""
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        said = str(error)
    if said.startswith("Number out of range"):
        raise ValueError("it holds a number that no double can, such as 1e400")
    if "surrogate" in said or ("truncated" in said and _is_whole(text)):
        raise ValueError("it holds half of a surrogate pair, such as \\ud800, which is no character")
    raise ValueError(said)


def _is_whole(text: bytes) -> bool:
    """Whether Python's own parser, which doesn't mind half a character, finds an end."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
