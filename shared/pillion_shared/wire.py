"""The HTTP function API, as bodies: what the page sends and what the server answers.

    POST {base}/query | /mutation | /action     {"path": "cart:add", "args": {...}, "format": "convex_encoded_json"}
    200  {"status": "success", "value": ..., "logLines": [...]}
    200  {"status": "error", "errorMessage": "...", "errorData": ..., "logLines": [...]}    the function failed
    4xx, 5xx  {"code": "BadJsonBody", "message": "..."}                                     it was never run

It is Convex's, so a page talks to this server and to a Convex deployment alike.
"""

import json

from pillion_shared.errors import ABSENT, EncodingError, FunctionError, TransportError
from pillion_shared.shapes import is_dict, is_list
from pillion_shared.values import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SESSION_ARG = "sessionId"
"""The name under which a session ID travels in the arguments of a call."""

SESSION_PARAM = "session_id"
"""The name of the same thing in Python."""

WIRE_NAMES = {SESSION_PARAM: SESSION_ARG, "pagination_opts": "paginationOpts"}
"""Arguments by their names in Python, where the wire has another one for them."""

AUTHORIZATION = "Authorization"
SCHEME = "Session"
"""`Authorization: Session <id>` is how an ID travels with plain HTTP: browsers drop this header, and no other one, when
a redirect leads to another origin."""

QUERY = "query"
MUTATION = "mutation"
ACTION = "action"
KINDS = (QUERY, MUTATION, ACTION)

FORMAT = "convex_encoded_json"
CONTENT_TYPE = "application/json"
MAX_BODY = 16 * 1024 * 1024 + 2000
"""The longest body of a call, in bytes."""


def authorization(session_id: str) -> str:
    """The value of the header that carries an ID."""
    return SCHEME + " " + session_id


def arguments(fields: "dict[str, object]") -> "dict[str, object]":
    """The arguments of a call, encoded as they are now, under their names on the wire; raises `EncodingError`."""
    try:
        return {name: encode(value, "$." + name) for name, value in on_wire(fields).items()}
    except MemoryError:
        raise _too_large() from None


def wire_name(name: str) -> str:
    """The name on the wire of an argument: `sessionId` for `session_id`."""
    return WIRE_NAMES.get(name, name)


def on_wire(fields: "Mapping[str, object]") -> "dict[str, object]":
    """Arguments under their names on the wire; raises `EncodingError` for one that is given under both of its names."""
    for name, other in WIRE_NAMES.items():
        if name in fields and other in fields:
            raise EncodingError(f"$.{name}: it is {other} on the wire, which is given too: leave one of them out.")
    return {wire_name(name): value for name, value in fields.items()}


def call(path: str, args: "dict[str, object]") -> str:
    """The body of a call of `path` (canonical) with `args`, which are encoded; raises `EncodingError`."""
    try:
        return json.dumps({"path": path, "args": args, "format": FORMAT})
    except MemoryError:
        raise _too_large() from None


def success(value: object, log_lines: "Sequence[str]" = ()) -> "dict[str, object]":
    """The answer of a function that returned `value`; raises `EncodingError`."""
    return _with_logs({"status": "success", "value": encode(value)}, log_lines)


def failure(message: str, data: object = ABSENT, log_lines: "Sequence[str]" = ()) -> "dict[str, object]":
    """The answer of a function that failed; `data` may be `ABSENT`. Raises `EncodingError`."""
    body: dict[str, object] = {"status": "error", "errorMessage": message}
    if data is not ABSENT:
        body["errorData"] = encode(data)
    return _with_logs(body, log_lines)


def refusal(code: str, message: str) -> "dict[str, object]":
    """The answer to what was not a call at all."""
    return {"code": code, "message": message}


def result(status: int, text: str) -> object:
    """The value that an answer carries.

    Raises `FunctionError` when the function failed, `TransportError` when the answer is not one of a function.
    """
    try:
        body: object = json.loads(text)
    except (ValueError, RuntimeError):  # RuntimeError: nested too deep
        body = None
    if not is_dict(body):
        raise TransportError(
            f"The answer (HTTP {status}) is not one of a function: is this the address of the API?", status
        )
    outcome = body.get("status")
    try:
        if outcome == "success" and "value" in body:
            return decode(body["value"])
        if outcome == "error":
            data = decode(body["errorData"]) if "errorData" in body else ABSENT
            lines = body.get("logLines")
            message = body.get("errorMessage")
            raise FunctionError(data, str(message or ""), [str(line) for line in lines] if is_list(lines) else ())
    except EncodingError as error:
        raise TransportError(f"The answer holds what is not a value: {error}", status) from None
    code = body.get("code")
    if isinstance(code, str):
        raise TransportError(f"The server refused the call ({code}): {body.get('message')}", status, code)
    raise TransportError(
        f"The answer (HTTP {status}) is not one of a function: is this the address of the API?", status
    )


def _too_large() -> EncodingError:
    return EncodingError("$: the arguments are too large for the memory of this place: send less in one call.")


def _with_logs(body: "dict[str, object]", log_lines: "Sequence[str]") -> "dict[str, object]":
    if log_lines:
        body["logLines"] = list(log_lines)
    return body
