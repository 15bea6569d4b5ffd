"""The browser's storages, locks, channels and events: what an identity needs of it. IndexedDB is in `_database`."""

import js

from pillion._js import (
    IN_PAGE,
    attempt,
    deferred,
    forget,
    is_there,
    nothing,
    proxy_of,
    reason,
    text_of,
)
from pillion_shared import RandomnessError, StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

CLAIMS = "__pillion_claims__"
TAB = "__pillion_tab__"


def random_bytes(count: int) -> bytes:
    """`count` random bytes of `crypto.getRandomValues`, which plain http has too; raises `RandomnessError`."""
    if not hasattr(js, "crypto") or not hasattr(js.crypto, "getRandomValues"):
        raise RandomnessError("This browser has no crypto.getRandomValues, and IDs from anything less are guessable.")
    octets = js.Uint8Array.new(count)
    js.crypto.getRandomValues(octets)
    return bytes(octets[place] for place in range(count))


def warn(message: str) -> None:
    """One line on the console, as a warning."""
    js.console.warn(message)


async def storage_get(kind: str, key: str) -> "str | None":
    """`kind` is `"sessionStorage"` or `"localStorage"`. Raises `StorageError` where it is blocked or missing."""
    return text_of(await _call(await _storage(kind), "getItem", key))


async def storage_set(kind: str, key: str, value: str) -> None:
    """Raises `StorageError` where the storage is blocked, missing or full."""
    await _call(await _storage(kind), "setItem", key, value)


async def storage_remove(kind: str, key: str) -> None:
    """Raises `StorageError` where the storage is blocked or missing."""
    await _call(await _storage(kind), "removeItem", key)


async def cookies() -> str:
    """`document.cookie`; raises `StorageError` in a worker and in a sandboxed frame."""
    return text_of(await attempt(js.Reflect.get.bind(None, _document(), "cookie", _document()))) or ""


async def set_cookie(text: str) -> None:
    """Assigns to `document.cookie`, which a browser may ignore in silence."""
    await attempt(js.Reflect.set.bind(None, _document(), "cookie", text, _document()))


def is_https() -> bool:
    """Whether the page came over https."""
    return str(js.location.origin).startswith("https:")


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
        return nothing

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
    if hasattr(js, "cookieStore") and is_there(js.cookieStore):
        targets.append((js.cookieStore, "change", on_wake))
    ends = [_listen_to(target, event, heard) for target, event, heard in targets]

    def stop() -> None:
        for end in ends:
            end()

    return stop


def on_use(
    woken: "Callable[[], None]", hidden: "Callable[[], None]", shown: "Callable[[], None]"
) -> "Callable[[], None]":
    """Calls back when this page is in use again or its network back, when it goes away, and when it comes back.

    Returns the function that ends it. A worker hears of its network only.
    """

    def on_online(_event: "Any") -> None:
        woken()

    def on_pagehide(_event: "Any") -> None:
        hidden()

    def on_pageshow(_event: "Any") -> None:
        shown()

    def on_visible(_event: "Any") -> None:
        if not js.document.hidden:
            woken()

    targets = [(js.globalThis, "online", on_online)]
    if IN_PAGE:
        targets += [(js.window, "pagehide", on_pagehide), (js.window, "pageshow", on_pageshow)]
        targets += [(js.document, "visibilitychange", on_visible), (js.document, "resume", on_online)]
    ends = [_listen_to(target, event, heard) for target, event, heard in targets]

    def stop() -> None:
        for end in ends:
            end()

    return stop


async def shown() -> None:
    """Returns when the page is more than prerendered: before that, locks and channels keep everybody waiting."""
    if not (IN_PAGE and hasattr(js.document, "prerendering") and js.document.prerendering):
        return
    activated = deferred()
    js.document.addEventListener("prerenderingchange", activated.resolve)
    await activated.promise


def has_locks() -> bool:
    """Whether there are Web Locks: not on plain http."""
    return hasattr(js, "navigator") and is_there(getattr(js.navigator, "locks", None))


async def lock(name: str) -> "Callable[[], None]":
    """Takes the exclusive Web Lock `name`, however long that takes; returns what lets it go. Cancelled, it gives up.

    It ends with the document. Raises `StorageError` where storage, and locks with it, is blocked.
    """
    granted, held = deferred(), deferred()
    # The callback must not be the only one to hold what it returns: MicroPython 1.28 may collect that before
    # JavaScript has it, and the lock would be let go at once (micropython/micropython#19141).
    while_held = held.promise
    why: list[str] = []

    def on_grant(_lock: object) -> "Any":
        granted.resolve(True)
        return while_held

    def on_failure(error: object) -> None:
        why.append(reason(error))
        granted.resolve(False)

    def release() -> None:
        held.resolve(True)
        forget(grant)

    grant = proxy_of(on_grant)
    given_up, options = js.AbortController.new(), js.Object.new()
    options.signal = given_up.signal
    # The request itself settles only when the lock is let go again, or could not be had.
    js.navigator.locks.request(name, options, grant).then(nothing, on_failure)
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
    joined = await attempt(make)

    def on_message(event: "Any") -> None:
        heard(event.data)

    listener = proxy_of(on_message)
    joined.onmessage = listener

    def leave() -> None:
        joined.onmessage = None
        joined.close()
        forget(listener)

    return joined.postMessage, leave


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
    while is_there(top.frameElement):  # null above a frame of another origin, too
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
        claimed = await attempt(js.Reflect.get.bind(None, window, CLAIMS))
    except StorageError:
        return False  # it is of another origin
    return is_there(claimed) and hasattr(claimed, name)


async def _storage(kind: str) -> "Any":
    if not IN_PAGE:
        raise StorageError(f"there is no {kind} outside a page (a worker has none)")
    storage = await attempt(js.Reflect.get.bind(None, js.window, kind, js.window))
    if not hasattr(storage, "getItem"):
        raise StorageError(f"{kind} is switched off")
    return storage


def _document() -> "Any":
    if not IN_PAGE:
        raise StorageError("there is no document.cookie outside a page (a worker has none)")
    return js.document


async def _call(target: "Any", method: str, *arguments: str) -> "Any":
    return await attempt(getattr(target, method).bind(target, *arguments))


def _listen_to(target: "Any", event: str, heard: "Callable[..., None]") -> "Callable[[], None]":
    listener = proxy_of(heard)
    target.addEventListener(event, listener)

    def stop() -> None:
        target.removeEventListener(event, listener)
        forget(listener)

    return stop
