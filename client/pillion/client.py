"""The client: calls functions of the server by name, keeps queries up to date, and never attaches a session."""

from pillion import _platform
from pillion._aio import Line, apart, bounded
from pillion.authentication import MAX_REJECTED
from pillion.connection import Connection
from pillion.outbox import store_of
from pillion.paginating import PaginatedQuery
from pillion.storage import StorageReport, name_of
from pillion.subscribing import LiveQuery, Watch
from pillion.surroundings import here
from pillion.tokens import Tokens
from pillion.transport import Request, default_transport
from pillion_shared import TransportError, path_of, wire
from pillion_shared.ids import quotable
from pillion_shared.shapes import is_dict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

    from pillion.live import Answer, Live
    from pillion.optimistic import Update
    from pillion.outbox import OutboxStore
    from pillion.tokens import FetchToken
    from pillion.transport import Response, Transport
    from pillion_shared import Reference


UNAUTHORIZED = 401
"""The status of what the server refuses for its token, before anything has run."""


class Call:
    """A function and its arguments, as they were when it was called.

    timeout: seconds that it may take in all; without one it may take as long as the way that it goes allows.
    optimistic: what a mutation will probably show. give_up: has it not sent any more, and says whether it never was.
    """

    def __init__(
        self,
        kind: str,
        function: "Reference | str",
        args: "dict[str, object] | None",
        fields: "dict[str, object]",
        timeout: "float | None" = None,
        optimistic: "Callable[[Any], object] | None" = None,
    ) -> None:
        self.kind = kind
        self.timeout = timeout
        self.optimistic = optimistic
        self.give_up: Callable[[], bool] = lambda: True
        self.path = path_of(function)
        if not is_dict(args or {}):
            raise TypeError(f"{quotable(self.path)}: arguments are keywords, name='tea', or one dict.")
        fields.update(args or {})
        self.args = wire.arguments(fields)

    async def in_time(self, answer: "Coroutine[Any, Any, Any]") -> "Any":
        """`answer`, if it comes within the timeout; else it is cancelled, and `TransportError` raised."""
        if self.timeout is None:
            return await answer
        late = TransportError(
            f"{quotable(self.path)} took more than {self.timeout:g} s, and nobody waits for it any more: "
            "it may have run or not."
        )
        try:
            return await bounded(answer, self.timeout, late)
        except TransportError as error:
            if error is not late or not self.give_up():
                raise
        raise TransportError(f"{quotable(self.path)} was not sent within {self.timeout:g} s, and so it never is.")


class Client:
    """Calls the functions under `url`, such as `"/api"` or `"https://app.example/api"`.

    transport: what moves the calls; the browser's fetch unless given.
    timeout: seconds that a call over HTTP may take, and before that a mutation wait for its turn.

    While there are live queries (`subscribe`, `watch`), mutations and actions go over their WebSocket, to `url` +
    `/sync`: in order, a mutation exactly once however often the connection is lost, and answered when the live queries
    here show what it has done. They wait for a connection as long as it takes, unless they have a `timeout=`; an
    action is not sent twice. Without live queries they are calls of HTTP, as queries always are.

    outbox: `"indexeddb"` keeps mutations from the call to the answer, so that a reload or a crash of the page loses
    none: the page that is there next, or another one of the browser, sends what was left, once, in its order, with the
    session ID that it was made with. Then all mutations go over the WebSocket. Or an object of yours with `put`,
    `remove` and `texts` (see `pillion.outbox`).

    The calls raise `FunctionError` when the function fails, `TransportError` when no answer comes,
    `EncodingError` and `PathError` before anything is sent.
    """

    def __init__(
        self,
        url: str,
        transport: "Transport | None" = None,
        timeout: float = 20.0,
        *,
        outbox: "str | OutboxStore | None" = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.timeout = timeout
        self._store = None if outbox is None else store_of(outbox)
        self._transport = transport or default_transport()
        self._line = Line()
        self._live: Live | None = None
        self.connection = Connection(_platform.now)
        self._tokens = Tokens(lambda: here().now())
        if self._store is not None:
            try:
                self.live.keep()
            except RuntimeError:
                pass  # no loop runs yet; the first call does it

    @property
    def outbox(self) -> "StorageReport | None":
        """Where mutations are kept, and why not in the `outbox` that was asked for; `None` for a client without one."""
        if self._store is None:
            return None
        outbox = self.live.outbox
        return StorageReport(name_of(self._store), True) if outbox is None else outbox.report

    @property
    def live(self) -> "Live":
        """What keeps queries up to date; for `Session`."""
        if self._live is None:
            from pillion.live import Live  # which many pages have no need of

            self._live = Live(self.url, self.connection, self._store, self._tokens)
        return self._live

    def subscribe(
        self,
        function: "Reference | str",
        on_value: "Callable[[Any], object] | None" = None,
        args: "dict[str, object] | None" = None,
        *,
        on_error: "Callable[[Exception], object] | None" = None,
        **fields: object,
    ) -> LiveQuery:
        """A query that is kept up to date, until it is closed: its value now is `.value`.

        on_value: called with each new value, plain or async. on_error: with what the query fails with; without one
        that is a warning. Equal queries are asked for once. Raises `TransportError` where there are no WebSockets.
        """
        call = Call(wire.QUERY, function, args, fields)
        query = LiveQuery(call.path, on_value, on_error)
        self.live.show(query, call.path, call.args)
        return query

    def watch(self, function: "Reference | str", args: "dict[str, object] | None" = None, **fields: object) -> Watch:
        """The values of a query, one after another: `async for value in client.watch(...)`."""
        return Watch(lambda value, error: self.subscribe(function, value, args, on_error=error, **fields))

    def paginate(
        self,
        function: "Reference | str",
        on_change: "Callable[[PaginatedQuery], object] | None" = None,
        args: "dict[str, object] | None" = None,
        *,
        first: int = 20,
        **fields: object,
    ) -> PaginatedQuery:
        """A query with `pagination_opts`, loaded piece by piece and kept up to date, until it is closed.

        first: how many items are loaded at first; `.load_more(n)` loads more. on_change: called with it, plain or
        async, when its `.items`, its `.status` or its `.error` are others; without one an error is a warning. Raises
        `TransportError` where there are no WebSockets.
        """
        call = Call(wire.QUERY, function, args, fields)
        query = PaginatedQuery(self.live, call, lambda: call.args, first, on_change)
        query.begin()
        return query

    def set_auth(self, fetch_token: "FetchToken | None", on_change: "Callable[[bool], object] | None" = None) -> None:
        """From now on calls and live queries are the user's whose tokens `fetch_token` gives; `None` logs out.

        fetch_token: called with whether a token must be a new one, plain or async, returns a JWT, or `None` where
        there is no user any more. It is asked again before a token ends, and when the server refuses one. on_change:
        called with whether the server knows the user, whenever that changes; `is_authenticated` says it, too. A log-out
        ends the calls that wait for a connection: they get `NotReadyError`.

        The tokens go to `url` and nowhere else. An outbox doesn't keep a mutation that was made with one.
        """
        self._tokens.set(fetch_token, on_change)
        if self._live is not None:
            self._live.authenticate()

    @property
    def is_authenticated(self) -> "bool | None":
        """Whether the server knows the user of `set_auth`; `None` until it has answered."""
        return self._tokens.is_authenticated

    def close(self) -> None:
        """Ends the live queries, their connection, and the calls that wait on it."""
        if self._live is not None:
            self._live.close()

    async def query(
        self,
        function: "Reference | str",
        args: "dict[str, object] | None" = None,
        *,
        timeout: "float | None" = None,
        **fields: object,
    ) -> "Any":
        """What a query returns. Arguments are keywords; `args` is for names that Python can't spell, or has here.

        timeout: seconds that it may take in all.
        """
        call = Call(wire.QUERY, function, args, fields, timeout)
        return await apart(call.in_time(self.call(call)))

    async def mutation(
        self,
        function: "Reference | str",
        args: "dict[str, object] | None" = None,
        *,
        optimistic: "Update | None" = None,
        timeout: "float | None" = None,
        **fields: object,
    ) -> "Any":
        """What a mutation returns. The mutations of a client run one at a time, in the order of their calls.

        optimistic: called with a `LocalStore`, changes what live queries show until the server has answered; it is
        called again whenever they change. timeout: seconds that it may take in all; what was sent by then is carried
        to its end, what was not is never sent.
        """
        call = Call(wire.MUTATION, function, args, fields, timeout, optimistic)
        return await apart(call.in_time(self.call(call)))

    async def action(
        self,
        function: "Reference | str",
        args: "dict[str, object] | None" = None,
        *,
        timeout: "float | None" = None,
        **fields: object,
    ) -> "Any":
        """What an action returns. timeout: seconds that it may take in all."""
        call = Call(wire.ACTION, function, args, fields, timeout)
        return await apart(call.in_time(self.call(call)))

    async def call(self, call: Call, attach: "Callable[[dict[str, object]], Awaitable[None]] | None" = None) -> "Any":
        """What the three have in common; `attach` may add to the encoded arguments at the moment of sending."""
        if call.kind == wire.QUERY:
            return await self._send(call, attach)
        if call.kind == wire.ACTION:
            if not self._is_live():
                return await self._send(call, attach)
            return await (await self._begin(call, attach)).result()
        seconds = call.timeout or self.timeout
        late = TransportError(
            f"{quotable(call.path)} was not sent: the mutations before it took more than {seconds:g} s."
        )
        await self._line.enter(seconds, late)
        try:
            if not self._is_live() and self._store is None:
                return await self._send(call, attach)
            answer = await self._begin(call, attach)
        finally:
            self._line.leave()
        return await answer.result()

    def _is_live(self) -> bool:
        return self._live is not None and self._live.is_on

    async def _begin(self, call: Call, attach: "Callable[[dict[str, object]], Awaitable[None]] | None") -> "Answer":
        if attach is not None:
            await attach(call.args)
        answer = self.live.begin(call.kind, call.path, call.args, call.optimistic)
        call.give_up = answer.give_up
        return answer

    async def _send(self, call: Call, attach: "Callable[[dict[str, object]], Awaitable[None]] | None") -> "Any":
        if attach is not None:
            await attach(call.args)
        body, login, token = wire.call(call.path, call.args), self._tokens.logins, await self._tokens.get(False)
        call.give_up = lambda: False
        response = await self._post(call, body, token)
        for _ in range(MAX_REJECTED):
            if token is None or response.status != UNAUTHORIZED:
                break
            token = await self._tokens.get(True)  # nothing has run
            response = response if token is None else await self._post(call, body, token)
        if self._tokens.is_on and self._tokens.logins == login:
            self._tokens.know(token is not None and response.status != UNAUTHORIZED)
        return wire.result(response.status, response.text)

    async def _post(self, call: Call, body: str, token: "str | None") -> "Response":
        headers = {"content-type": wire.CONTENT_TYPE}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return await self._transport.send(
            Request(f"{self.url}/{call.kind}", headers, body), call.timeout or self.timeout
        )
