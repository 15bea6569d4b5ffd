"""For your tests: a transport that answers from a function of yours, and what a storage of yours has to do."""

import json

from pillion import _platform
from pillion._aio import settled
from pillion.storage import name_of, storage_of
from pillion.transport import Request, Response
from pillion_shared import FunctionError, decode, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pillion.storage import Storage


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


async def check_storage(storage: "Storage") -> None:
    """Has a storage do all that a session asks of one; raises `AssertionError` with the first thing that it does wrong.

    It uses two keys of its own and removes them. Raises what the storage raises, and `StorageError` for what is none.
    """
    storage_of(storage)
    one, other = ("pillion-check-" + _platform.random_bytes(8).hex() for _ in range(2))
    id_like, record_like = "Aa0-_" * 25, "Aa0-_" * 25 + " 1 refreshed 1790000000000 1790000000000"

    async def expect(key: str, value: "str | None", when: str) -> None:
        found = await settled(storage.get(key))
        if found != value:
            raise AssertionError(f"{name_of(storage)}: {when}, get gives {found!r} instead of {value!r}.")

    await expect(one, None, "before anything was set")
    await settled(storage.remove(one))
    for value in ("a", id_like, record_like):
        await settled(storage.set(one, value))
        await expect(one, value, "after set")
        await expect(other, None, "after set of another key")
    await settled(storage.set(other, "b"))
    await settled(storage.remove(one))
    await expect(one, None, "after remove")
    await expect(other, "b", "after remove of another key")
    await settled(storage.remove(other))
    await expect(other, None, "after remove")
