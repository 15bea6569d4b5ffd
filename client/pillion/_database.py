"""The browser's IndexedDB: one database of one object store, whose keys and values are texts.

The version is never upgraded, and nothing stays open. All raise `StorageError` where IndexedDB is blocked or broken.
"""

import json

import js

from pillion._js import MICROPYTHON, deferred, forget, is_there, nothing, proxy_of, reason, text_of
from pillion_shared import StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

DATABASE = "pillion"
STORE = "sessions"
LAST = "\uffff"
"""Above all characters of keys."""


async def update(key: str, decide: "Callable[[str | None], str | None]") -> "str | None":
    """One IndexedDB `readwrite` transaction on `key`: what is there afterwards, once it is committed.

    decide: given what is there, says what shall be there instead, `None` for leaving it. It is asked first about what
    a `readonly` one finds, for which no tab has to wait, and which keeps none waiting while this page is busy.
    """
    base = await _open_database()
    try:
        found = await _transact(base.transaction(STORE, "readonly"), key, nothing)
        if decide(found) is None:
            return found
        return await _transact(base.transaction(STORE, "readwrite"), key, decide)
    finally:
        base.close()


async def put(key: str, text: str) -> None:
    """Has `text` at `key`; returns when it is committed."""
    base = await _open_database()
    try:
        transaction = base.transaction(STORE, "readwrite")
        transaction.objectStore(STORE).put(text, key)
        await _done(transaction)
    finally:
        base.close()


async def remove(key: str) -> None:
    """Has nothing at `key`."""
    base = await _open_database()
    try:
        transaction = base.transaction(STORE, "readwrite")
        transaction.objectStore(STORE).delete(key)
        await _done(transaction)
    finally:
        base.close()


async def texts(prefix: str) -> "list[str]":
    """What is at the keys that begin with `prefix`, in the order of the keys."""
    base = await _open_database()
    try:
        transaction = base.transaction(STORE, "readonly")
        request = transaction.objectStore(STORE).getAll(js.IDBKeyRange.bound(prefix, prefix + LAST))
        await _done(transaction)
        found: list[str] = json.loads(js.JSON.stringify(request.result))
        return found
    finally:
        base.close()


async def _open_database() -> "Any":
    """The database, made if need be. Whichever version there is, or the first.

    Cancelled, it has what still comes closed at once.
    """
    if not (hasattr(js, "indexedDB") and is_there(js.indexedDB)):
        raise StorageError("there is no IndexedDB here")
    opened, handlers = deferred(), js.Object.new()

    def on_upgrade(event: "Any") -> None:
        event.target.result.createObjectStore(STORE)

    make = proxy_of(on_upgrade)
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
        why = reason(error)
    except BaseException:

        def close(event: "Any") -> None:
            event.target.result.close()
            forget(make)

        def drop(_event: object) -> None:
            forget(make)

        opened.promise.then(close, drop)
        raise
    else:
        forget(make)
        base = event.target.result
        if not base.objectStoreNames.contains(STORE):
            base.close()
            raise StorageError("the IndexedDB database 'pillion' is somebody else's")
        return base
    forget(make)
    raise StorageError(f"IndexedDB: {why}")


async def _done(transaction: "Any") -> None:
    done = deferred()
    transaction.oncomplete = done.resolve
    transaction.onabort = done.reject
    try:
        await done.promise
        return
    except Exception as error:
        why = reason(error)
    raise StorageError(f"IndexedDB: {why}")


async def _transact(transaction: "Any", key: str, decide: "Callable[[str | None], str | None]") -> "str | None":
    there: list[str | None] = []
    store = transaction.objectStore(STORE)

    def on_found(event: "Any") -> None:
        found = text_of(event.target.result)
        wanted = decide(found)
        if wanted is not None:
            store.put(wanted, key)
        there.append(found if wanted is None else wanted)

    got = proxy_of(on_found)
    store.get(key).onsuccess = got
    try:
        await _done(transaction)
        return there[0]
    finally:
        forget(got)
