"""`session.fetch`: the browser's fetch in the shape of PyScript's, with the session's ID."""

import asyncio
import json

from pillion import _platform
from pillion._aio import apart, bounded
from pillion.placing import CONTENT_TYPE, JSON, Placement, with_header
from pillion_shared import TransportError
from pillion_shared.errors import ABSENT
from pillion_shared.ids import quotable
from pillion_shared.shapes import is_dict, is_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from typing import Any

    from pillion.credentials import Credentials
    from pillion_shared import SessionId


_OPTIONS = (
    "method", "headers", "body", "mode", "credentials", "cache", "redirect", "referrer", "referrerPolicy", "integrity",
    "keepalive", "signal", "duplex", "priority", "window", "targetAddressSpace", "attributionReporting",
    "sharedStorageWritable", "adAuctionHeaders", "browsingTopics", "privateToken",
)  # fmt: skip


class Outgoing:
    """A request of plain HTTP before it has the ID.

    target: an address, or a URL or Request of the browser's. options: those of fetch; `headers` is a dict, pairs, or
    Headers, `body` what fetch takes, or bytes. data: what `json=` was given, else `ABSENT`. Raises `TypeError` for what
    fetch would not understand, `ValueError` for what can't be together.
    """

    def __init__(self, target: "Any", placement: Placement, options: "dict[str, Any]", data: object = ABSENT) -> None:
        for name in options:
            if name not in _OPTIONS:
                raise TypeError(f"{name!r} is no option of fetch: {', '.join(_OPTIONS)}. A dict goes into json=.")
        self._placement = placement
        self._options = options
        headers = options.get("headers")
        body = options.get("body")
        self._headers: dict[str, str] = headers if isinstance(headers, dict) else _items_of(headers)
        if data is not ABSENT:
            if body is not None:
                raise ValueError("The body is json= or body=, not both.")
            body = _json_text(data)
            self.add_header(CONTENT_TYPE, JSON)
        elif isinstance(body, (dict, list)):
            raise TypeError("A dict is no body: pass it as json=, or its text, or a FormData.")
        elif body is not None and not is_octets(body) and not _platform.is_of_js(body):
            raise TypeError(f"A {type(body).__name__} is no body: pass text, bytes, or what fetch takes.")
        self._body = body
        self.target = target = _addressed(target)
        self.is_request = not isinstance(target, str)
        if self.is_request and placement.field is not None:
            raise ValueError("A Request has its body already: with field= pass the address, and json= or body=.")
        self.url = str(target.url) if self.is_request else target

    @property
    def signal(self) -> "Any":
        """What aborts it, `None` where nothing does."""
        return self.target.signal if self.is_request else self._options.get("signal")

    def add_header(self, name: str, value: str) -> None:
        """One more, unless it is there already."""
        self._headers = with_header(self._headers, name, value)

    def carrying(self, session_id: "SessionId | None") -> "dict[str, Any]":
        """The options of fetch, with the ID where there is one. Raises `ValueError` for a body that can't hold it."""
        headers, body, options = self._headers, self._body, dict(self._options)
        if session_id is not None:
            if not self.is_request:
                headers, body = self._placement.put(session_id, headers, body)
            if options.get("mode") == "no-cors":
                raise ValueError("A call with mode='no-cors' carries no header, and so no session: leave it out.")
            if not self._placement.follows_redirects and options.get("redirect") != "manual":
                options["redirect"] = "error"
        if headers:
            options["headers"] = headers
        if body is not None:
            options["body"] = body
            if not self.is_request:
                options.setdefault("method", "POST")
            if _is_stream(body):
                options.setdefault("duplex", "half")
        return options

    async def with_header(self, session_id: "SessionId | None", options: "Any") -> "Any":
        """The Request that is sent for the one given: the options are in it already."""
        if session_id is None or self._placement.header is None:
            return self.target
        web = _platform.web()
        value = self._placement.value(session_id)
        return await web.with_header(self.target, options, self._placement.header, value)


def _json_text(value: object) -> str:
    if _platform.SHARES_A_TASK:  # MicroPython would write a `repr` for what JSON can't hold
        _check_json(value)
        return json.dumps(value)
    return json.dumps(value, allow_nan=False)


def _check_json(value: object) -> None:
    if is_dict(value):
        for item in value.values():
            _check_json(item)
    elif is_list(value) or isinstance(value, tuple):
        for item in list(value):  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
            _check_json(item)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError(f"{value} is nothing for JSON.")
    elif not (value is None or isinstance(value, (str, int))):
        raise TypeError(f"A {type(value).__name__} is nothing for JSON.")


def _addressed(target: "Any") -> "Any":
    """An address, or a Request."""
    if isinstance(target, str):
        return target
    if not _platform.is_of_js(target):
        raise TypeError(f"A {type(target).__name__} is no address: pass text, or a URL or Request of the browser's.")
    return str(target.href) if _platform.web().kind_of(target) == "URL" else target


def _items_of(headers: "Any") -> "dict[str, str]":
    if headers is None:
        return {}
    if isinstance(headers, (list, tuple)):
        return dict(headers)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
    found: dict[str, str] = _platform.web().items_of(headers)
    return found


def is_octets(value: object) -> bool:
    """Whether a value is text or bytes."""
    return isinstance(value, (str, bytes, bytearray, memoryview))


def _is_stream(body: "Any") -> bool:
    if is_octets(body):
        return False
    return bool(_platform.web().kind_of(body) == "ReadableStream")


def require_browser(what: str) -> "Any":
    """The browser's ways out; raises `TransportError` where there are none."""
    if not _platform.IN_BROWSER:
        raise TransportError(f"{what} is the browser's: elsewhere use requests or httpx with auth=session.auth.")
    return _platform.web()


class FetchResponse:
    """What came back. Attributes of the browser's Response are found on it: `ok`, `status`, `headers.get(name)`, `url`.

    Bodies are read once, by awaiting one of the methods; all of them raise `TransportError` if it doesn't arrive whole.
    """

    def __init__(self, response: "Any", end: "Callable[[], None]") -> None:
        self._response = response
        self._end = end

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._response, name)

    def text(self) -> "Coroutine[Any, Any, str]":
        """The body as text, decoded as UTF-8."""
        return self._read("text")

    async def json(self) -> "Any":
        """The body's JSON as Python values. Raises `ValueError`."""
        return json.loads(await self.text())

    async def bytearray(self) -> "bytearray":
        """The body as it is."""
        return bytearray(_platform.web().octets_of(await self._read("arrayBuffer")))

    async def arrayBuffer(self) -> memoryview:  # noqa: N802 - PyScript's name for it
        """The body as it is."""
        return memoryview(await self.bytearray())

    def blob(self) -> "Coroutine[Any, Any, Any]":
        """The body as a Blob of the browser's."""
        return self._read("blob")

    def chunks(self) -> "Chunks":
        """The body as it arrives, for `async for`: pieces of bytes."""
        return Chunks(_platform.web().Stream(self._response, self._end), self._end)

    def close(self) -> None:
        """Ends the transfer, if it is still under way."""
        self._end()

    def _read(self, how: str) -> "Coroutine[Any, Any, Any]":
        reading: Coroutine[Any, Any, Any] = _platform.web().read(self._response, how, self._end)
        return reading

    def __repr__(self) -> str:
        return f"FetchResponse({self._response.status})"


class Chunks:
    """The pieces of a body, as they arrive. `close` ends the transfer early."""

    def __init__(self, stream: "Any", end: "Callable[[], None]") -> None:
        self._stream = stream
        self.close = end

    def __aiter__(self) -> "Chunks":
        return self

    async def __anext__(self) -> bytes:
        chunk: bytes | None = await self._stream.next()
        if chunk is None:
            raise StopAsyncIteration
        return chunk


class Fetch:
    """A fetch that is sent when it is first awaited: itself, for the response, or one of its methods, for the body.

    response = await session.fetch(url)
    items = await session.fetch(url).json()

    It carries the ID if it goes where the ID may go. Raises `TransportError`.
    """

    def __init__(self, credentials: "Credentials", outgoing: Outgoing, seconds: "float | None" = None) -> None:
        self._credentials = credentials
        self._outgoing = outgoing
        self._seconds = seconds
        self._is_sent = False
        self._response: FetchResponse | None = None

    # One coroutine for all of it: MicroPython goes through each of those that wait for the same promise, slowly.
    async def _begin(self) -> "FetchResponse":
        if self._response is not None:
            return self._response
        if self._is_sent:
            raise RuntimeError("This fetch is awaited already, or has failed: make another one.")
        self._is_sent = True
        web, outgoing, credentials = require_browser("session.fetch"), self._outgoing, self._credentials
        target, is_ours = credentials.destinations.find(outgoing.url)
        session_id, spent = None, 0.0
        if is_ours:
            session_id = credentials.at_once()
            if session_id is None:
                begin = _platform.now()
                session_id = await self._wait()
                spent = _platform.now() - begin
        options = outgoing.carrying(session_id)
        if outgoing.is_request:
            target = await outgoing.with_header(session_id, options)
            if session_id is not None:
                options = {"signal": options.get("signal")}  # the rest is in the new Request
        response, end = await web.fetch(target, options, self._seconds, spent)
        self._response = FetchResponse(response, end)
        return self._response

    async def _wait(self) -> "SessionId":
        """The ID, as long as the call may take and nobody aborts it."""
        outgoing, web = self._outgoing, _platform.web()
        lost = TransportError(
            f"{quotable(outgoing.url)} was not sent: before the session's ID was there it was aborted, or had its time."
        )
        if outgoing.signal is None:
            waiting = self._credentials.wait()
            return await (waiting if self._seconds is None else apart(bounded(waiting, self._seconds, lost)))
        if web.is_aborted(outgoing.signal):
            raise lost
        over = asyncio.Event()
        unlisten = web.on_abort(outgoing.signal, over.set)
        try:
            return await apart(bounded(self._credentials.wait(), self._seconds, lost, over))
        finally:
            unlisten()

    if _platform.SHARES_A_TASK:  # MicroPython awaits iterators

        def __iter__(self) -> "Any":
            return self._begin()
    else:

        def __await__(self) -> "Generator[Any, Any, FetchResponse]":
            return self._begin().__await__()

    async def text(self) -> str:
        """The body as text, decoded as UTF-8."""
        return await (await self._begin()).text()

    async def json(self) -> "Any":
        """The body's JSON as Python values. Raises `ValueError`."""
        return await (await self._begin()).json()

    async def bytearray(self) -> "bytearray":
        """The body as it is."""
        return await (await self._begin()).bytearray()

    async def arrayBuffer(self) -> memoryview:  # noqa: N802 - PyScript's name for it
        """The body as it is."""
        return await (await self._begin()).arrayBuffer()

    async def blob(self) -> "Any":
        """The body as a Blob of the browser's."""
        return await (await self._begin()).blob()
