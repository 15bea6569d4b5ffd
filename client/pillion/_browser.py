"""The browser: the only file that names `js`, `pyodide` or `jsffi`; imported only where they exist.

What may throw in JavaScript is called inside a promise: MicroPython can catch a rejected promise that it
awaits, but not an exception that JavaScript throws straight into it.
"""

import json
import sys

import js

try:
    from pyodide.ffi import create_proxy
except ImportError:
    from jsffi import create_proxy

from pillion_shared import RandomnessError, StorageError, TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# PyScript gives a worker a `document` that stands for the page's, so that alone says nothing.
IN_PAGE = hasattr(js, "document") and not hasattr(js, "WorkerGlobalScope")
MICROPYTHON = sys.implementation.name == "micropython"
DATABASE = "pillion"
STORE = "sessions"
CLAIMS = "__pillion_claims__"
TAB = "__pillion_tab__"


def random_bytes(count: int) -> bytes:
    """`count` random bytes of `crypto.getRandomValues`, which plain http has too; raises `RandomnessError`."""
    if not hasattr(js, "crypto") or not hasattr(js.crypto, "getRandomValues"):
        raise RandomnessError("This browser has no crypto.getRandomValues, and IDs from anything less are guessable.")
    octets = js.Uint8Array.new(count)
    js.crypto.getRandomValues(octets)
    return bytes(octets[place] for place in range(count))


def promise() -> "tuple[Any, Callable[[object], None]]":
    """A promise, and what resolves it."""
    deferred = _deferred()
    return deferred.promise, deferred.resolve


def expose(target: "Any", name: str, function: "Callable[..., object]") -> "Callable[[], None]":
    """Sets `target.name` to a function; returns what unsets it."""
    proxy = create_proxy(function)
    setattr(target, name, proxy)

    def take_back() -> None:
        setattr(target, name, None)
        _forget(proxy)

    return take_back


async def ask(target: "Any", name: str, *arguments: object) -> "Any":
    """What a function of an object, or the promise it returns, gives. Raises `StorageError` with what it throws."""
    function = getattr(target, name)
    # By `apply`, because `then` passes an argument of its own, which a function of Python's would not take.
    return await _try(js.Reflect.apply.bind(None, function, None, js.Array.of(*arguments)))


def warn(message: str) -> None:
    """One line on the console, as a warning."""
    js.console.warn(message)


async def storage_get(kind: str, key: str) -> "str | None":
    """`kind` is `"sessionStorage"` or `"localStorage"`. Raises `StorageError` where it is blocked or missing."""
    return _text(await _call(await _storage(kind), "getItem", key))


async def storage_set(kind: str, key: str, value: str) -> None:
    """Raises `StorageError` where the storage is blocked, missing or full."""
    await _call(await _storage(kind), "setItem", key, value)


async def storage_remove(kind: str, key: str) -> None:
    """Raises `StorageError` where the storage is blocked or missing."""
    await _call(await _storage(kind), "removeItem", key)


async def cookies() -> str:
    """`document.cookie`; raises `StorageError` in a worker and in a sandboxed frame."""
    return _text(await _try(js.Reflect.get.bind(None, _document(), "cookie", _document()))) or ""


async def set_cookie(text: str) -> None:
    """Assigns to `document.cookie`, which a browser may ignore in silence."""
    await _try(js.Reflect.set.bind(None, _document(), "cookie", text, _document()))


def is_https() -> bool:
    """Whether the page came over https."""
    return _origin().startswith("https:")


def resolve(url: str) -> str:
    """`url` made absolute against the page, never against a `<base>`; in a worker against the page's origin."""
    base = str(js.location.href) if IN_PAGE else _origin() + "/"
    if not js.URL.canParse(url, base):
        raise TransportError(
            f"{url!r} is not an address that this page can call: give the client a whole one, https://…"
        )
    return str(js.URL.new(url, base).href)


async def fetch(url: str, headers: "dict[str, str]", body: str, seconds: float) -> "tuple[int, str]":
    """A POST: status and text of the answer. Raises `TransportError`. Redirects are refused, never followed.

    Cancelled, it is aborted, so the server may never see it.
    """
    cancelled = js.AbortController.new()
    options = js.JSON.parse(json.dumps({"method": "POST", "headers": headers, "body": body, "redirect": "error"}))
    options.signal = js.AbortSignal.any(js.Array.of(cancelled.signal, js.AbortSignal.timeout(int(seconds * 1000))))
    try:
        response = await js.fetch(url, options)
        return int(response.status), str(await response.text())
    except Exception as error:
        why = _reason(error)
    finally:
        cancelled.abort()
    if why.startswith("TimeoutError"):
        raise TransportError(f"{url} gave no answer within {seconds:g} s.")
    raise TransportError(f"{url} can't be reached ({why}). Does the server run, and does it allow this page's origin?")


def on_life(
    woken: "Callable[[], None]",
    hidden: "Callable[[], None]",
    shown: "Callable[[], None]",
    leaving: "Callable[[], None]",
) -> "Callable[[], None]":
    """Calls back when this page may have missed something, goes away, is back from the cache, or may be about to go.

    Returns the function that ends it. In a worker, which hears none of these events, it does nothing.
    """
    if not IN_PAGE:
        return _nothing

    def on_wake(_event: "Any") -> None:
        woken()

    def on_pagehide(_event: "Any") -> None:
        hidden()

    def on_beforeunload(_event: "Any") -> None:
        leaving()

    def on_pageshow(event: "Any") -> None:
        (shown if event.persisted else woken)()

    targets = [(js.window, "pagehide", on_pagehide), (js.window, "pageshow", on_pageshow)]
    targets.append((js.window, "beforeunload", on_beforeunload))
    targets += [(js.window, event, on_wake) for event in ("storage", "focus")]
    targets += [(js.document, event, on_wake) for event in ("visibilitychange", "resume")]
    if hasattr(js, "cookieStore") and _is_there(js.cookieStore):
        targets.append((js.cookieStore, "change", on_wake))
    ends = [_listen_to(target, event, heard) for target, event, heard in targets]

    def stop() -> None:
        for end in ends:
            end()

    return stop


async def shown() -> None:
    """Returns when the page is more than prerendered: before that, locks and channels keep everybody waiting."""
    if not (IN_PAGE and hasattr(js.document, "prerendering") and js.document.prerendering):
        return
    activated = _deferred()
    js.document.addEventListener("prerenderingchange", activated.resolve)
    await activated.promise


def has_locks() -> bool:
    """Whether there are Web Locks: not on plain http."""
    return hasattr(js, "navigator") and _is_there(getattr(js.navigator, "locks", None))


async def lock(name: str) -> "Callable[[], None]":
    """Takes the exclusive Web Lock `name`, however long that takes; returns what lets it go. Cancelled, it gives up.

    It ends with the document. Raises `StorageError` where storage, and locks with it, is blocked.
    """
    granted, held = _deferred(), _deferred()
    # The callback must not be the only one to hold what it returns: MicroPython 1.28 may collect that before
    # JavaScript has it, and the lock would be let go at once (micropython/micropython#19141).
    while_held = held.promise
    why: list[str] = []

    def on_grant(_lock: object) -> "Any":
        granted.resolve(True)
        return while_held

    def on_failure(error: object) -> None:
        why.append(_reason(error))
        granted.resolve(False)

    def release() -> None:
        held.resolve(True)
        _forget(grant)

    grant = create_proxy(on_grant)
    given_up, options = js.AbortController.new(), js.Object.new()
    options.signal = given_up.signal
    # The request itself settles only when the lock is let go again, or could not be had.
    js.navigator.locks.request(name, options, grant).then(_nothing, on_failure)
    try:
        is_granted = bool(await granted.promise)
    except BaseException:  # cancelled
        given_up.abort()
        release()
        raise
    if is_granted:
        return release
    release()
    raise StorageError(why[0])


async def channel(name: str, heard: "Callable[[Any], None]") -> "tuple[Callable[[Any], None], Callable[[], None]]":
    """Joins the BroadcastChannel `name`: returns what posts to it and what leaves it. Raises `StorageError`."""
    if not hasattr(js, "BroadcastChannel"):
        raise StorageError("there is no BroadcastChannel here")
    make = js.Reflect.construct.bind(None, js.BroadcastChannel, js.Array.of(name), js.BroadcastChannel)
    joined = await _try(make)

    def on_message(event: "Any") -> None:
        heard(event.data)

    listener = create_proxy(on_message)
    joined.onmessage = listener

    def leave() -> None:
        joined.onmessage = None
        joined.close()
        _forget(listener)

    return joined.postMessage, leave


async def update(key: str, decide: "Callable[[str | None], str | None]") -> "str | None":
    """One IndexedDB `readwrite` transaction on `key`: what is there afterwards, once it is committed.

    decide: given what is there, says what shall be there instead, `None` for leaving it. It is asked first about what
    a `readonly` one finds, for which no tab has to wait, and which keeps none waiting while this page is busy.
    Raises `StorageError` where IndexedDB is blocked or broken. The version is never upgraded, and nothing stays open.
    """
    if not (hasattr(js, "indexedDB") and _is_there(js.indexedDB)):
        raise StorageError("there is no IndexedDB here")
    base = await _open_database()
    try:
        if not base.objectStoreNames.contains(STORE):
            raise StorageError("the IndexedDB database 'pillion' is somebody else's")
        found = await _transact(base.transaction(STORE, "readonly"), key, _nothing)
        if decide(found) is None:
            return found
        return await _transact(base.transaction(STORE, "readwrite"), key, decide)
    finally:
        base.close()


def claim(name: str, by: int) -> None:
    """Counts what this window's copies of pillion claim for its tab up or down."""
    if not IN_PAGE:
        return
    if not hasattr(js.window, CLAIMS):
        setattr(js.window, CLAIMS, js.Object.new())
    claims = getattr(js.window, CLAIMS)
    count = by + int(getattr(claims, name, 0))
    if count:
        setattr(claims, name, count)
    else:
        js.Reflect.deleteProperty(claims, name)


async def is_claimed(name: str) -> bool:
    """Whether any window of this tab has claimed `name`; those of other origins and in shadow trees can't be asked."""
    if not IN_PAGE:
        return False
    return await _has_claimed(js.window, name) or await _is_claimed(js.window.top, name)


def tab_name() -> str:
    """What all windows of this tab (of our origin, and within reach) call it, as long as its page lives."""
    if not IN_PAGE:
        return ""
    top = _top()
    if not hasattr(top, TAB):
        setattr(top, TAB, random_bytes(8).hex())
    return str(getattr(top, TAB))


def _top() -> "Any":
    top = js.window
    while _is_there(top.frameElement):  # null above a frame of another origin, too
        top = top.parent
    return top


async def _is_claimed(window: "Any", name: str) -> bool:
    if await _has_claimed(window, name):
        return True
    for place in range(int(window.length)):  # the frames of a window of another origin are there for all
        if await _is_claimed(js.Reflect.get(window, str(place)), name):
            return True
    return False


async def _has_claimed(window: "Any", name: str) -> bool:
    try:
        claimed = await _try(js.Reflect.get.bind(None, window, CLAIMS))
    except StorageError:
        return False  # it is of another origin
    return _is_there(claimed) and hasattr(claimed, name)


def _origin() -> str:
    return str(js.location.origin)


async def _storage(kind: str) -> "Any":
    if not IN_PAGE:
        raise StorageError(f"there is no {kind} outside a page (a worker has none)")
    storage = await _try(js.Reflect.get.bind(None, js.window, kind, js.window))
    if not hasattr(storage, "getItem"):
        raise StorageError(f"{kind} is switched off")
    return storage


def _document() -> "Any":
    if not IN_PAGE:
        raise StorageError("there is no document.cookie outside a page (a worker has none)")
    return js.document


async def _call(target: "Any", method: str, *arguments: str) -> "Any":
    return await _try(getattr(target, method).bind(target, *arguments))


async def _try(function: "Any") -> "Any":
    """What a JavaScript function of no arguments returns; raises `StorageError` with what it throws."""
    try:
        return await js.Promise.resolve().then(function)
    except Exception as error:
        why = _reason(error)
    raise StorageError(why)


def _reason(error: "Any") -> str:
    """`"SecurityError: ..."`, whichever way the runtime tells it: Pyodide by attributes, MicroPython by `args`."""
    if hasattr(error, "name"):
        name, message = error.name, getattr(error, "message", error)
    elif len(error.args) == 3:
        _, name, message = error.args
    else:
        name, message = type(error).__name__, error
    return f"{name}: {message}".split("\n")[0].rstrip(".")


def _text(value: object) -> "str | None":
    """A missing item is `jsnull` on Pyodide and `None` on MicroPython."""
    return value if isinstance(value, str) else None


async def _open_database() -> "Any":
    """The database, made if need be. Whichever version there is, or the first.

    Cancelled, it has what still comes closed at once.
    """
    opened, handlers = _deferred(), js.Object.new()

    def on_upgrade(event: "Any") -> None:
        event.target.result.createObjectStore(STORE)

    make = create_proxy(on_upgrade)
    handlers.onupgradeneeded, handlers.onsuccess, handlers.onerror = make, opened.resolve, opened.reject
    try:
        # The events don't wait for handlers, so Pyodide, whose promises go through Python, must do it at once.
        if MICROPYTHON:
            ask = js.indexedDB.open.bind(js.indexedDB, DATABASE)
            attach = js.Array.prototype.reduce.bind(js.Array.of(handlers), js.Object.assign)  # assign(request, ...)
            await js.Promise.resolve().then(ask).then(attach)
        else:
            js.Object.assign(js.indexedDB.open(DATABASE), handlers)
        event = await opened.promise
    except Exception as error:
        why = _reason(error)
    except BaseException:

        def close(event: "Any") -> None:
            event.target.result.close()
            _forget(make)

        def drop(_event: object) -> None:
            _forget(make)

        opened.promise.then(close, drop)
        raise
    else:
        _forget(make)
        return event.target.result
    _forget(make)
    raise StorageError(f"IndexedDB: {why}")


async def _transact(transaction: "Any", key: str, decide: "Callable[[str | None], str | None]") -> "str | None":
    done = _deferred()
    there: list[str | None] = []
    store = transaction.objectStore(STORE)

    def on_found(event: "Any") -> None:
        found = _text(event.target.result)
        wanted = decide(found)
        if wanted is not None:
            store.put(wanted, key)
        there.append(found if wanted is None else wanted)

    got = create_proxy(on_found)
    transaction.oncomplete = done.resolve
    transaction.onabort = done.reject
    store.get(key).onsuccess = got
    try:
        await done.promise
        return there[0]
    except Exception as error:
        why = _reason(error)
    finally:
        _forget(got)
    raise StorageError(f"IndexedDB: {why}")


def _listen_to(target: "Any", event: str, heard: "Callable[..., None]") -> "Callable[[], None]":
    listener = create_proxy(heard)
    target.addEventListener(event, listener)

    def stop() -> None:
        target.removeEventListener(event, listener)
        _forget(listener)

    return stop


def _forget(proxy: "Any") -> None:
    """Gives up a proxy that JavaScript will not call any more; MicroPython's go by themselves."""
    if hasattr(proxy, "destroy"):
        proxy.destroy()


def _deferred() -> "Any":
    """A promise with its `resolve` and `reject`, as `Promise.withResolvers` (ES2024) gives it."""
    if hasattr(js.Promise, "withResolvers"):
        return js.Promise.withResolvers()
    deferred = js.Object.new()

    def take(resolve: object, reject: object) -> None:
        deferred.resolve, deferred.reject = resolve, reject

    deferred.promise = js.Promise.new(take)
    return deferred


def _is_there(value: "Any") -> bool:
    """Whether a JavaScript value is neither null nor undefined, whichever way the runtime tells it."""
    return bool(js.Boolean(value))


def _nothing(*_ignored: object) -> None:
    pass
