"""The browser's ways out: addresses, fetch, WebSocket."""

import json

import js

from pillion._js import IN_PAGE, deferred, forget, is_there, proxy_of, reason
from pillion_shared import TransportError
from pillion_shared.ids import quotable
from pillion_shared.shapes import is_dict, is_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def locate(url: str) -> "tuple[str, str | None] | None":
    """`url` made absolute against the page, never against a `<base>`, and its origin, if it is one of http.

    In a worker it is the page's origin that counts. `None` for what is no address.
    """
    if IN_PAGE:
        return _located(url, str(js.location.href))
    return _located(url, f"{home()}/" if home() else None)


def _located(url: str, base: "str | None") -> "tuple[str, str | None] | None":
    based = (url,) if base is None else (url, base)
    if not js.URL.canParse(*based):
        return None
    parsed = js.URL.new(*based)
    is_http = str(parsed.protocol) in ("http:", "https:", "ws:", "wss:")
    return str(parsed.href), str(parsed.origin) if is_http else None


def home() -> "str | None":
    """The origin of this page, or of the page whose worker this is; `None` where there is no page."""
    return str(js.location.origin) if hasattr(js, "location") else None


async def post(url: str, headers: "dict[str, str]", body: str, seconds: float) -> "tuple[int, str]":
    """A call of a function: status and text of the answer. Raises `TransportError`. Redirects are refused.

    Cancelled, it is aborted, so the server may never see it.
    """
    options = {"method": "POST", "headers": headers, "body": body, "redirect": "error"}
    response, done = await fetch(url, options, seconds)
    try:
        return int(response.status), str(await response.text())
    except Exception as error:
        why = reason(error)
    finally:
        done()
    raise _lost(url, why, seconds)


async def fetch(
    target: "Any", options: "dict[str, Any]", seconds: "float | None" = None
) -> "tuple[Any, Callable[[], None]]":
    """The browser's Response to an address or a Request, and what ends the transfer. Raises `TransportError`.

    Cancelled, it is aborted. Once the Response is there only what has been returned, or the `signal` among the
    options, or `seconds`, aborts it.
    """
    ended = js.AbortController.new()
    signals = [ended.signal]
    if seconds is not None:
        signals.append(js.AbortSignal.timeout(int(seconds * 1000)))
    if is_there(options.get("signal")):
        signals.append(options["signal"])
    given = as_js(options)
    given.signal = ended.signal if len(signals) == 1 else js.AbortSignal.any(js.Array.of(*signals))

    def end() -> None:
        ended.abort()

    try:
        return await js.fetch(target, given), end
    except Exception as error:
        why = reason(error)
    except BaseException:
        end()
        raise
    raise _lost(target if isinstance(target, str) else str(target.url), why, seconds)


async def forward(request: "Any", options: "Any" = None) -> "Any":
    """The browser's own fetch, which raises as the runtime does."""
    return await (js.fetch(request) if options is None else js.fetch(request, options))


def send_last(target: str, options: "dict[str, Any]") -> None:
    """Sends a request that outlives its page, whose answer nobody waits for."""
    given = as_js(options)
    given.keepalive = True
    js.fetch(target, given).catch(js.Boolean)  # any function of JavaScript's: the failure counts as seen


def _lost(url: str, why: str, seconds: "float | None") -> TransportError:
    shown = quotable(url)
    if why.startswith("TimeoutError") and seconds is not None:
        return TransportError(f"{shown} gave no answer within {seconds:g} s.")
    if why.startswith("AbortError"):
        return TransportError(f"The call of {shown} was aborted.")
    return TransportError(
        f"{shown} can't be reached ({why}). Does the server run, and does it allow this page's origin?"
    )


def as_js(options: "dict[str, Any]") -> "Any":
    """The options of a fetch. Bytes become a Uint8Array, dicts and lists what JSON makes of them; `None` goes."""
    made = js.Object.new()
    for name, value in options.items():
        if value is not None:
            setattr(made, name, _as_js(value))
    return made


def _as_js(value: "Any") -> "Any":
    if isinstance(value, (bytes, bytearray, memoryview)):
        return js.Uint8Array.new(bytes(value))  # pyright: ignore[reportUnknownArgumentType]
    if is_dict(value) or is_list(value):
        return js.JSON.parse(json.dumps(value))
    return value


def kind_of(value: object) -> str:
    """What JavaScript calls an object of its own: `"Request"`, `"FormData"`, `"ReadableStream"`."""
    return str(js.Object.prototype.toString.call(value))[8:-1]


def has_header(target: "Any", name: str) -> bool:
    """Whether a Request or Headers has one of that name."""
    return bool(getattr(target, "headers", target).has(name))


def items_of(headers: "Any") -> "dict[str, str]":
    """Headers of the browser's as a dict, names in lower case."""
    found: dict[str, str] = {}

    def take(value: str, name: str, _all: object) -> None:
        found[name] = value

    taken = proxy_of(take)
    headers.forEach(taken)
    forget(taken)
    return found


def with_field(body: "Any", name: str, value: str) -> "Any":
    """A copy of a FormData or URLSearchParams that has the field, too, if it does not have it already."""
    copy = js.FormData.new() if kind_of(body) == "FormData" else js.URLSearchParams.new()

    def take(each: object, field: str, _all: object) -> None:
        copy.append(field, each)

    taken = proxy_of(take)
    body.forEach(taken)
    forget(taken)
    if not body.has(name):
        copy.append(name, value)
    return copy


def with_header(request: "Any", options: "Any", name: str, value: str) -> "Any":
    """The Request that `fetch(request, options)` would send, with the header, too, unless it has it already."""
    made = js.Request.new(request, as_js(options) if isinstance(options, dict) else options)  # pyright: ignore[reportUnknownArgumentType]
    if not made.headers.has(name):
        made.headers.set(name, value)
    return made


async def read(response: "Any", how: str) -> "Any":
    """What one of the methods of a Response gives. Raises `TransportError`."""
    try:
        return await getattr(response, how)()
    except Exception as error:
        why = reason(error)
    raise _lost(str(response.url), why, None)


class Stream:
    """The body of a Response, as it arrives."""

    def __init__(self, response: "Any") -> None:
        self._url = str(response.url)
        self._reader = response.body.getReader() if is_there(response.body) else None

    async def next(self) -> "bytes | None":
        """The next bytes, `None` at the end. Raises `TransportError`."""
        if self._reader is None:
            return None
        try:
            chunk = await self._reader.read()
            return None if chunk.done else octets_of(chunk.value)
        except Exception as error:
            why = reason(error)
        raise _lost(self._url, why, None)


def octets_of(buffer: "Any") -> bytes:
    """The bytes of an ArrayBuffer or Uint8Array."""
    view = js.Uint8Array.new(buffer)
    if hasattr(view, "to_py"):  # Pyodide: at once
        return bytes(view.to_py())
    return bytes(view)


async def open_socket(
    url: str, protocols: "list[str]", heard: "Callable[[str | bytes], None]", closed: "Callable[[int, str], None]"
) -> "tuple[Any, Callable[[], None]]":
    """An open WebSocket, which calls back for every message and at its end; and what forgets it.

    Raises `TransportError`. Cancelled, it is closed.
    """
    opened = deferred()
    handlers = js.Object.new()

    def on_message(event: "Any") -> None:
        data = event.data
        heard(data if isinstance(data, str) else octets_of(data))

    def on_close(event: "Any") -> None:
        opened.resolve(False)
        closed(int(event.code), str(event.reason))

    socket = js.WebSocket.new(url, as_js({"list": protocols}).list)
    socket.binaryType = "arraybuffer"
    proxies = [proxy_of(on_message), proxy_of(on_close)]
    handlers.onmessage, handlers.onclose, handlers.onopen = proxies[0], proxies[1], opened.resolve
    js.Object.assign(socket, handlers)

    def forget_it() -> None:
        socket.onmessage = socket.onclose = socket.onopen = None
        for proxy in proxies:
            forget(proxy)

    try:
        is_open = bool(await opened.promise)
    except BaseException:
        socket.close()
        forget_it()
        raise
    if not is_open:
        forget_it()
        raise TransportError(
            f"{quotable(url)} can't be reached. Does the server run, and does it take WebSockets there?"
        )
    return socket, forget_it


def is_open(socket: "Any") -> bool:
    """Whether a WebSocket still takes messages."""
    return int(socket.readyState) == 1


def send_to(socket: "Any", data: "str | bytes") -> None:
    """Queues a message."""
    socket.send(_as_js(data))
