"""The client: calls functions of the server by name, and never attaches a session."""

from pillion._aio import Line, apart
from pillion.transport import Request, default_transport
from pillion_shared import TransportError, path_of, wire
from pillion_shared.ids import quotable
from pillion_shared.shapes import is_dict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from pillion.transport import Transport
    from pillion_shared import Reference


class Call:
    """A function and its arguments, as they were when it was called."""

    def __init__(
        self,
        kind: str,
        function: "Reference | str",
        args: "dict[str, object] | None",
        fields: "dict[str, object]",
    ) -> None:
        self.kind = kind
        self.path = path_of(function)
        if not is_dict(args or {}):
            raise TypeError(f"{quotable(self.path)}: arguments are keywords, name='tea', or one dict.")
        fields.update(args or {})
        self.args = wire.arguments(fields)


class Client:
    """Calls the functions under `url`, such as `"/api"` or `"https://app.example/api"`.

    transport: what moves the calls; the browser's fetch unless given.
    timeout: seconds that a call may take, and before that a mutation wait for its turn.

    The calls raise `FunctionError` when the function fails, `TransportError` when no answer comes,
    `EncodingError` and `PathError` before anything is sent.
    """

    def __init__(self, url: str, transport: "Transport | None" = None, timeout: float = 20.0) -> None:
        self.url = url.rstrip("/")
        self.timeout = timeout
        self._transport = transport or default_transport()
        self._line = Line()

    async def query(
        self, function: "Reference | str", args: "dict[str, object] | None" = None, **fields: object
    ) -> "Any":
        """What a query returns. Arguments are keywords; `args` is for names that Python can't spell."""
        return await apart(self.call(Call(wire.QUERY, function, args, fields)))

    async def mutation(
        self, function: "Reference | str", args: "dict[str, object] | None" = None, **fields: object
    ) -> "Any":
        """What a mutation returns. The mutations of a client run one at a time, in the order of their calls."""
        return await apart(self.call(Call(wire.MUTATION, function, args, fields)))

    async def action(
        self, function: "Reference | str", args: "dict[str, object] | None" = None, **fields: object
    ) -> "Any":
        """What an action returns."""
        return await apart(self.call(Call(wire.ACTION, function, args, fields)))

    async def call(self, call: Call, attach: "Callable[[dict[str, object]], Awaitable[None]] | None" = None) -> "Any":
        """What the three have in common; `attach` may add to the encoded arguments at the moment of sending."""
        if call.kind != wire.MUTATION:
            return await self._send(call, attach)
        late = TransportError(
            f"{quotable(call.path)} was not sent: the mutations before it took more than {self.timeout:g} s."
        )
        await self._line.enter(self.timeout, late)
        try:
            return await self._send(call, attach)
        finally:
            self._line.leave()

    async def _send(self, call: Call, attach: "Callable[[dict[str, object]], Awaitable[None]] | None") -> "Any":
        if attach is not None:
            await attach(call.args)
        body = wire.call(call.path, call.args)
        request = Request(f"{self.url}/{call.kind}", {"content-type": wire.CONTENT_TYPE}, body)
        response = await self._transport.send(request, self.timeout)
        return wire.result(response.status, response.text)
