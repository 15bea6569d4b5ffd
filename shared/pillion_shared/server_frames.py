"""What a server says in the sync protocol, read from the text of a frame."""

import json

from pillion_shared import frames
from pillion_shared.errors import ABSENT, EncodingError, FrameError, FunctionError, TransportError
from pillion_shared.ids import quotable
from pillion_shared.shapes import is_dict, is_list
from pillion_shared.values import decode
from pillion_shared.versions import read_count, read_timestamp, read_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pillion_shared.errors import PillionError
    from pillion_shared.versions import Version

    Fields = dict[object, object]


class Result:
    """What a function has returned, or why it gave nothing; `log_lines` is what it said."""

    def __init__(self, value: object, error: "PillionError | None" = None, log_lines: "tuple[str, ...]" = ()) -> None:
        self.value = value
        self.error = error
        self.log_lines = log_lines

    def __repr__(self) -> str:
        return "Result()" if self.error is None else f"Result({type(self.error).__name__})"


class QueryResult:
    """The result of a query; `journal` is to come with it when it is asked for on another connection."""

    def __init__(self, query_id: int, result: Result, journal: "str | None") -> None:
        self.query_id = query_id
        self.result = result
        self.journal = journal


class QueryRemoved:
    """A query is not in the query set any more."""

    def __init__(self, query_id: int) -> None:
        self.query_id = query_id


class Transition:
    """From one version to the next: what has changed meanwhile, all of it as of `end`.

    clock_skew: by how many milliseconds the client's clock is ahead of the server's, `None` if it doesn't say.
    """

    def __init__(
        self, start: "Version", end: "Version", modifications: "list[Modification]", clock_skew: "float | None"
    ) -> None:
        self.start = start
        self.end = end
        self.modifications = modifications
        self.clock_skew = clock_skew


class TransitionChunk:
    """A part of the text of a transition that is too long for one frame."""

    def __init__(self, transition_id: str, number: int, total: int, text: str) -> None:
        self.transition_id = transition_id
        self.number = number
        self.total = total
        self.text = text


class MutationResponse:
    """How a mutation went; `timestamp` is that of its commit, `None` for one that failed."""

    def __init__(self, request_id: int, result: Result, timestamp: "int | None") -> None:
        self.request_id = request_id
        self.result = result
        self.timestamp = timestamp


class ActionResponse:
    """How an action went."""

    def __init__(self, request_id: int, result: Result) -> None:
        self.request_id = request_id
        self.result = result


class AuthError:
    """A token is not valid (`is_update`), or not any more; `base` is the version of the identity before it."""

    def __init__(self, message: str, base: int, is_update: bool) -> None:
        self.message = message
        self.base = base
        self.is_update = is_update


class FatalError:
    """The client has made a mistake that a new connection would repeat."""

    def __init__(self, message: str) -> None:
        self.message = message


class Ping:
    """The server is there."""


if TYPE_CHECKING:
    Modification = QueryResult | QueryRemoved
    Frame = Transition | TransitionChunk | MutationResponse | ActionResponse | AuthError | FatalError | Ping


def read(text: object) -> "Frame":
    """The frame of a text; raises `FrameError` for what is none, and for one of an unknown type.

    A value that can't be read is the failure of its own query or call only.
    """
    try:
        frame: object = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RuntimeError, MemoryError):  # RuntimeError: nested too deep
        frame = None
    if not is_dict(frame):
        raise FrameError("The server has sent what is no frame.")
    kind = frame.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise FrameError(f"The server has sent a frame of an unknown type, {quotable(repr(kind))[:80]}.")
    return reader(frame)


def _transition(frame: "Fields") -> Transition:
    modifications = frame.get("modifications")
    if not is_list(modifications):
        raise FrameError("The modifications of a transition are a list.")
    skew = frame.get("clientClockSkew")
    return Transition(
        read_version(frame.get("startVersion")),
        read_version(frame.get("endVersion")),
        [_modification(each) for each in modifications],
        skew if isinstance(skew, (int, float)) else None,
    )


def _modification(fields: object) -> "Modification":
    if not is_dict(fields):
        raise FrameError("A modification is an object.")
    query_id = read_count(fields.get("queryId"), "queryId")
    kind = fields.get("type")
    if kind == frames.QUERY_REMOVED:
        return QueryRemoved(query_id)
    if kind == frames.QUERY_UPDATED and "value" in fields:
        result = _returned(fields["value"], fields)
    elif kind == frames.QUERY_FAILED:
        result = _failed(fields.get("errorMessage"), fields)
    else:
        raise FrameError(f"The server has sent an unknown modification, {quotable(repr(kind))[:80]}.")
    journal = fields.get("journal")
    if journal is not None and not isinstance(journal, str):
        raise FrameError("A journal is a string.")
    return QueryResult(query_id, result, journal)


def _chunk(frame: "Fields") -> TransitionChunk:
    transition_id, text = frame.get("transitionId"), frame.get("chunk")
    if not isinstance(transition_id, str) or not isinstance(text, str):
        raise FrameError("A chunk has a text and the ID of its transition.")
    number = read_count(frame.get("partNumber"), "partNumber")
    return TransitionChunk(transition_id, number, read_count(frame.get("totalParts"), "totalParts"), text)


def _mutation_response(frame: "Fields") -> MutationResponse:
    result = _result(frame)
    succeeded = frame.get("success") is True
    return MutationResponse(
        read_count(frame.get("requestId"), "requestId"),
        result,
        read_timestamp(frame.get("ts")) if succeeded else None,
    )


def _action_response(frame: "Fields") -> ActionResponse:
    return ActionResponse(read_count(frame.get("requestId"), "requestId"), _result(frame))


def _auth_error(frame: "Fields") -> AuthError:
    base = read_count(frame.get("baseVersion", 0), "baseVersion")
    return AuthError(str(frame.get("error")), base, frame.get("authUpdateAttempted") is not False)


def _fatal_error(frame: "Fields") -> FatalError:
    return FatalError(str(frame.get("error")))


def _ping(_frame: "Fields") -> Ping:
    return Ping()


_READERS: "dict[str, Callable[[Fields], Frame]]" = {
    frames.TRANSITION: _transition,
    frames.TRANSITION_CHUNK: _chunk,
    frames.MUTATION_RESPONSE: _mutation_response,
    frames.ACTION_RESPONSE: _action_response,
    frames.AUTH_ERROR: _auth_error,
    frames.FATAL_ERROR: _fatal_error,
    frames.PING: _ping,
}


def _result(frame: "Fields") -> Result:
    success = frame.get("success")
    if success is True and "result" in frame:
        return _returned(frame["result"], frame)
    if success is False:
        return _failed(frame.get("result"), frame)
    raise FrameError("A response says whether it is a success, and has a result.")


def _returned(encoded: object, frame: "Fields") -> Result:
    try:
        return Result(decode(encoded), None, _log_lines(frame))
    except EncodingError as error:
        return Result(None, TransportError(f"The answer holds what is not a value: {error}"), _log_lines(frame))


def _failed(message: object, frame: "Fields") -> Result:
    lines = _log_lines(frame)
    try:
        data = decode(frame["errorData"]) if "errorData" in frame else ABSENT
    except EncodingError:
        data = ABSENT
    return Result(None, FunctionError(data, str(message or ""), lines), lines)


def _log_lines(frame: "Fields") -> "tuple[str, ...]":
    lines = frame.get("logLines")
    return tuple(str(line) for line in lines) if is_list(lines) else ()
