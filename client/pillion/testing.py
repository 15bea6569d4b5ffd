"""For your tests: a transport that answers from a function of yours, and remembers what it was asked."""

import json

from pillion._aio import settled
from pillion.transport import Request, Response
from pillion_shared import FunctionError, decode, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Call:
    """What a page asked for. kind: `"query"`, `"mutation"` or `"action"`. args: with `sessionId`, if it came."""

    def __init__(self, kind: str, path: str, args: "dict[str, object]") -> None:
        self.kind = kind
        self.path = path
        self.args = args

    def __repr__(self) -> str:
        return f"Call({self.kind!r}, {self.path!r})"


class MockTransport:
    """Answers every call with what `answer(call)` returns, plain or async.

    A `FunctionError` that it raises is a failed function; a `TransportError` reaches the caller as it is. Values
    go through the real encoding both ways, so what can't travel fails here too. `calls` holds all, oldest first.
    """

    def __init__(self, answer: "Callable[[Call], object]") -> None:
        self.calls: list[Call] = []
        self._answer = answer

    async def send(self, request: Request, seconds: float) -> Response:
        body = json.loads(request.body)
        args: Any = decode(body["args"])
        call = Call(request.url.rpartition("/")[2], body["path"], args)
        self.calls.append(call)
        try:
            answer = wire.success(await settled(self._answer(call)))
        except FunctionError as error:
            answer = wire.failure(error.message, error.data, error.log_lines)
        return Response(200, json.dumps(answer))
