"""The browser's ways out: addresses, fetch, WebSocket."""

import json

import js

from pillion._js import (
    IN_PAGE,
    LAYERS,
    attempt,
    construct,
    deferred,
    forget,
    is_there,
    proxy_of,
    reason,
)
from pillion._platform import is_whole
from pillion_shared import TransportError
from pillion_shared.ids import quotable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


_PLAIN = (str, bool, int, dict, list)

# What every call needs is looked up once: each step into JavaScript shows in what a call of MicroPython's takes.
_AbortController = js.AbortController
_parse = js.JSON.parse

_page: "list[str]" = []
_made: "list[Any]" = []
_LONGEST_MS = 2**31 - 1


def set_page(href: str) -> None:
    """Says where the page of this worker is, which a worker can't see by itself."""
    _page[:] = [href]


def page() -> "str | None":
    """The address of this page, or of this worker's; `None` where nobody has said it."""
    if IN_PAGE:
        return str(js.location.href)
    return _page[0] if _page else None


def locate(url: str) -> "tuple[str, str | None] | None":
    """`url` made absolute against the page, never against a `<base>`, and its origin, if it is one of http.

    `None` for what is no address, and for one relative to a page that nobody knows: in a worker without `lend` all
    but those that begin with a slash.
    """
    base = None if is_whole(url) else page()
    if url[:1] in ("/", "\\") and base is None and home() is not None:
        base = f"{home()}/"
    return _located(url, base)


def locate_with_base(url: str) -> "tuple[str, str | None] | None":
    """The same as the browser itself does it, with the page's `<base>`."""
    return _located(url, str(js.document.baseURI)) if IN_PAGE and not is_whole(url) else locate(url)


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
    response, done = await fetch(url, options, seconds, is_whole=True)
    try:
        return int(response.status), str(await response.text())
    except Exception as error:
        why = reason(error)
    finally:
        done()
    # Nothing but the timer aborts it here; Firefox calls that an AbortError while the body is read.
    raise _lost(url, "TimeoutError" if why.startswith("AbortError") else why, seconds)


async def fetch(
    target: "Any",
    options: "dict[str, Any]",
    seconds: "float | None" = None,
    spent: float = 0.0,
    *,
    is_whole: bool = False,
) -> "tuple[Any, Callable[[], None]]":
    """The browser's Response to an address or a Request, and what ends the transfer. Raises `TransportError`.

    seconds: until the answer begins, of which some are spent; the transfer of its body takes as long as it takes,
    unless `is_whole`. Cancelled, it is aborted.
    """
    ended = _AbortController.new()
    signal = ended.signal
    is_request, can_abort = not isinstance(target, str), False
    if is_request or "signal" in options:
        can_abort = True
        signal = _any_of(signal, options.get("signal"), target.signal if is_request else None)
    given = as_js(options)
    given.signal = signal
    if is_request:  # any options at all reset these two
        given.referrer, given.referrerPolicy = target.referrer, target.referrerPolicy
    timer = None
    if seconds is not None:
        late = js.DOMException.new("It took too long.", "TimeoutError")
        timer = js.setTimeout(ended.abort.bind(ended), min(max(0, int((seconds - spent) * 1000)), _LONGEST_MS), late)

    def end() -> None:
        ended.abort()

    try:
        return await _through_layers(target, given, can_abort), end
    except Exception as error:
        why = reason(error)
    except BaseException:
        end()
        raise
    finally:
        if timer is not None and not is_whole:
            js.clearTimeout(timer)
    if is_request:
        raise _lost(str(target.url), why, seconds)
    if why.startswith("TypeError"):  # which is also what browsers call a network that fails
        await _check(target, given)
    raise _lost(target, why, seconds, options.get("redirect"))


async def _check(target: str, given: "Any") -> None:
    """Raises `ValueError` with what is wrong about a fetch, if it is one that can't be."""
    try:
        await construct(js.Request, target, given)
    except ValueError as error:
        why = str(error)
    else:
        return
    raise ValueError(f"{quotable(target)} can't be fetched so ({why}).")


def _any_of(*signals: "Any") -> "Any":
    """A signal that aborts as soon as one of those does that are there."""
    there = [signal for signal in signals if signal is not None and is_there(signal)]
    return there[0] if len(there) == 1 else js.AbortSignal.any(js.Array.of(*there))


def _through_layers(target: "Any", given: "Any", can_abort: bool = False) -> "Any":
    """The page's fetch, in which the layer of page.js adds nothing to what is ours.

    can_abort: whether somebody else may abort it, for any reason, where Pyodide hangs if that is no Error.
    """
    layers = getattr(js, LAYERS, None)
    fetch = js.fetch if layers is None else layers.fetch
    return _failing_by_errors()(fetch, target, given) if can_abort else fetch(target, given)


def _failing_by_errors() -> "Any":
    if not _made:
        throw = "e => { throw e instanceof Error ? e : new DOMException(`${e}`, 'AbortError') }"
        _made.append(js.Function.new("fetch", "target", "given", f"return fetch(target, given).catch({throw})"))
    return _made[0]


async def forward(request: "Any", options: "Any" = None) -> "Any":
    """The browser's own fetch, which raises as the runtime does."""
    return await (js.fetch(request) if options is None else js.fetch(request, options))


def send_last(target: str, options: "dict[str, Any]") -> None:
    """Sends a request that outlives its page, whose answer nobody waits for."""
    given = as_js(options)
    given.keepalive = True
    _through_layers(target, given).catch(js.Boolean)  # any function of JavaScript's: the failure counts as seen


def _lost(url: str, why: str, seconds: "float | None", redirect: "str | None" = None) -> TransportError:
    shown = quotable(url)
    if why.startswith("TimeoutError"):
        return TransportError(f"{shown} gave no answer within {'its time' if seconds is None else f'{seconds:g} s'}.")
    if why.startswith("AbortError"):
        return TransportError(f"The call of {shown} was aborted.")
    hint = ", or redirects, which is not followed, lest the ID go along" if redirect == "error" else ""
    return TransportError(
        f"{shown} can't be reached ({why}){hint}. Does the server run, and does it allow this page's origin?"
    )


def as_js(options: "dict[str, Any]") -> "Any":
    """The options of a fetch. Bytes become a Uint8Array, dicts and lists what JSON makes of them; `None` goes."""
    others = [name for name, value in options.items() if not isinstance(value, _PLAIN)]
    plain = {name: value for name, value in options.items() if name not in others} if others else options
    made = _parse(json.dumps(plain))
    for name in others:
        if options[name] is not None:
            setattr(made, name, _as_js(options[name]))
    return made


def _as_js(value: "Any") -> "Any":
    if isinstance(value, (bytes, bytearray, memoryview)):
        return js.Uint8Array.new(bytes(value))  # pyright: ignore[reportUnknownArgumentType]
    return value


def size_of(body: "Any") -> "int | None":
    """The bytes of a body, `None` for a FormData, which nobody tells."""
    if kind_of(body) == "FormData":
        return None
    return int(js.Blob.new(js.Array.of(_as_js(body))).size)


def is_aborted(signal: "Any") -> bool:
    """Whether an AbortSignal has been used, if there is one."""
    return signal is not None and is_there(signal) and bool(signal.aborted)


def on_abort(signal: "Any", callback: "Callable[[], object]") -> "Callable[[], None]":
    """Calls back when an AbortSignal is used; returns what ends that."""

    def heard(_event: object) -> None:
        callback()

    proxy = proxy_of(heard)
    signal.addEventListener("abort", proxy)

    def unlisten() -> None:
        signal.removeEventListener("abort", proxy)
        forget(proxy)

    return unlisten


def kind_of(value: object) -> str:
    """What JavaScript calls an object of its own: `"Request"`, `"FormData"`, `"ReadableStream"`."""
    return str(js.Object.prototype.toString.call(value))[8:-1]


def items_of(headers: "Any") -> "dict[str, str]":
    """Headers of the browser's as a dict, names in lower case."""
    found: dict[str, str] = {}
    if kind_of(headers) != "Headers":
        for pair in js.Object.entries(headers):
            found[str(pair[0])] = str(pair[1])
        return found

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


def form_with(body: str, name: str, value: str) -> str:
    """A form's text with one more field, unless it has it already."""
    fields = js.URLSearchParams.new(body)
    if fields.has(name):
        return body
    more = js.URLSearchParams.new()
    more.append(name, value)
    return "&".join([each for each in (body, str(more.toString())) if each])


async def with_header(request: "Any", options: "Any", name: str, value: str) -> "Any":
    """The Request that `fetch(request, options)` would send, with the header, too, unless it has it already.

    Raises `ValueError` where the browser makes no Request of them.
    """
    given = options
    if isinstance(options, dict):
        given = as_js(options)  # pyright: ignore[reportUnknownArgumentType]
        given.referrer, given.referrerPolicy = request.referrer, request.referrerPolicy
    made = await construct(js.Request, request, given)
    if not made.headers.has(name):
        made.headers.set(name, value)
    return made


async def read(response: "Any", how: str, end: "Callable[[], None]") -> "Any":
    """What one of the methods of a Response gives; cancelled, it ends the transfer. Raises `TransportError`."""
    try:
        return await getattr(response, how)()
    except Exception as error:
        why = reason(error)
    except BaseException:
        end()
        raise
    raise _lost(str(response.url), why, None)


class Stream:
    """The body of a Response, as it arrives. end: ends the transfer, as who stops waiting for it does."""

    def __init__(self, response: "Any", end: "Callable[[], None]") -> None:
        self._url = str(response.url)
        self._end = end
        self._body = response.body
        self._reader: Any = None

    async def next(self) -> "bytes | None":
        """The next bytes, `None` at the end. Raises `TransportError`, also if the body is read by others already."""
        if not is_there(self._body):
            return None
        if self._reader is None:
            self._reader = await attempt(self._body.getReader.bind(self._body), TransportError)
        try:
            chunk = await self._reader.read()
            return None if chunk.done else octets_of(chunk.value)
        except Exception as error:
            why = reason(error)
        except BaseException:
            self._end()
            raise
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

    Raises `TransportError`, and `ValueError` for protocols that are none. Cancelled, it is closed.
    """
    opened = deferred()

    def on_open() -> None:
        opened.resolve(True)

    def on_close(code: int, reason: str) -> None:
        opened.resolve(False)
        closed(code, reason)

    socket, forget_it = begin_socket(url, protocols, on_open, heard, on_close)
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


def begin_socket(
    url: str,
    protocols: "list[str]",
    opened: "Callable[[], None]",
    heard: "Callable[[str | bytes], None]",
    closed: "Callable[[int, str], None]",
) -> "tuple[Any, Callable[[], None]]":
    """A WebSocket that is being opened, which calls back then, for every message and at its end; and what forgets it.

    Raises `ValueError` for what it can't be asked for.
    """

    def on_open(_event: "Any") -> None:
        opened()

    def on_message(event: "Any") -> None:
        data = event.data
        heard(data if isinstance(data, str) else octets_of(data))

    def on_close(event: "Any") -> None:
        closed(int(event.code), str(event.reason))

    # Made here and not in a promise: Firefox 153 crashes when a promise makes one in a worker, and its events don't
    # wait for handlers. So what it would throw at is refused before.
    check_socket(url, protocols)
    socket = js.WebSocket.new(url, as_js({"list": protocols}).list)
    socket.binaryType = "arraybuffer"
    proxies = [proxy_of(on_open), proxy_of(on_message), proxy_of(on_close)]
    socket.onopen, socket.onmessage, socket.onclose = proxies

    def forget_it() -> None:
        socket.onopen = socket.onmessage = socket.onclose = None
        for proxy in proxies:
            forget(proxy)

    return socket, forget_it


def check_socket(url: str, protocols: "list[str]") -> None:
    """Raises `ValueError` for what the WebSocket standard has its constructor throw at."""
    wrong = [each for each in protocols if not (each and all("!" <= letter <= "~" for letter in each))]
    if wrong or len({each.lower() for each in protocols}) < len(protocols):
        raise ValueError("The protocols of a WebSocket are different words of printable ASCII.")
    if "#" in url:
        raise ValueError("The address of a WebSocket has no fragment, #….")
    if url.startswith("ws:") and (home() or "").startswith("https:"):
        raise ValueError("A page that came over https opens no WebSocket but wss://….")


def is_open(socket: "Any") -> bool:
    """Whether a WebSocket still takes messages."""
    return int(socket.readyState) == 1


def send_to(socket: "Any", data: "str | bytes") -> None:
    """Queues a message."""
    socket.send(_as_js(data))
