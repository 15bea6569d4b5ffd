"""Where an ID is kept: the three-method protocol, the adapters, and the honest report.

A storage is anything with `get(key)`, `set(key, value)` and `remove(key)`, plain or async; `get` gives `None`
for what is not there, and any of them may raise. Reports use its `name`, and `persistent`: whether what it keeps
survives a reload of the page, which is taken for granted where it does not say.
"""

from pillion import _platform
from pillion._aio import settled
from pillion.cookies import LONGEST_AGE, CookieAttributes, cookie_text, cookie_value
from pillion_shared import StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType
    from typing import Protocol

    class Storage(Protocol):
        """What keeps an ID; `name` and `persistent` are optional."""

        def get(self, key: str) -> "Awaitable[str | None] | str | None": ...
        def set(self, key: str, value: str) -> "Awaitable[None] | None": ...
        def remove(self, key: str) -> "Awaitable[None] | None": ...


NAMES = ("session", "local", "cookie", "indexeddb", "memory")


class StorageReport:
    """Where a session's ID is kept.

    kind: `"sessionStorage"`, `"localStorage"`, `"cookie"`, `"indexedDB"`, `"memory"`, or the name of the user's own.
    persistent: whether it survives a reload of the page, as far as the storage says.
    why: a sentence when that is not what was asked for, else empty.
    """

    def __init__(self, kind: str, persistent: bool, why: str = "") -> None:
        self.kind = kind
        self.persistent = persistent
        self.why = why

    def __repr__(self) -> str:
        return f"StorageReport(kind={self.kind!r}, persistent={self.persistent!r}, why={self.why!r})"


class MemoryStorage:
    """Keeps values as long as the object lives: one page load, or a test. The last resort of every other."""

    name = "memory"
    persistent = False

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def get(self, key: str) -> "str | None":
        return self._values.get(key)

    def set(self, key: str, value: str) -> None:
        self._values[key] = value

    def remove(self, key: str) -> None:
        self._values.pop(key, None)


class WebStorage:
    """The browser's sessionStorage (of this tab) or localStorage (of this browser)."""

    def __init__(self, name: str) -> None:
        if name not in ("sessionStorage", "localStorage"):
            raise ValueError(f"A web storage is 'sessionStorage' or 'localStorage', not {name!r}.")
        self.name = name

    async def get(self, key: str) -> "str | None":
        value: str | None = await _browser(self.name).storage_get(self.name, key)
        return value

    async def set(self, key: str, value: str) -> None:
        await _browser(self.name).storage_set(self.name, key, value)

    async def remove(self, key: str) -> None:
        await _browser(self.name).storage_remove(self.name, key)


class CookieStorage:
    """A cookie that the page can read; the arguments are those of `CookieAttributes`."""

    name = "cookie"

    def __init__(
        self,
        *,
        path: str = "/",
        domain: "str | None" = None,
        max_age: int = LONGEST_AGE,
        same_site: str = "Lax",
        secure: "bool | None" = None,
        partitioned: bool = False,
    ) -> None:
        self._attributes = CookieAttributes(path, domain, max_age, same_site, secure, partitioned)

    async def get(self, key: str) -> "str | None":
        return cookie_value(await _browser(self.name).cookies(), key)

    async def set(self, key: str, value: str) -> None:
        await self._write(key, value, self._attributes.max_age)

    async def remove(self, key: str) -> None:
        await self._write(key, "", 0)

    async def _write(self, key: str, value: str, max_age: int) -> None:
        browser, secure = _browser(self.name), self._attributes.secure
        if secure is None:
            secure = browser.is_https()
        await browser.set_cookie(cookie_text(key, value, self._attributes, secure, max_age))


class IndexedDBStorage:
    """The browser's IndexedDB, in the database `"pillion"`; of this browser's, and workers have it too."""

    name = "indexedDB"

    async def get(self, key: str) -> "str | None":
        value: str | None = await _database(self.name).update(_VALUE + key, _keep)
        return value or None

    async def set(self, key: str, value: str) -> None:
        await _database(self.name).update(_VALUE + key, _put(value))

    async def remove(self, key: str) -> None:
        await _database(self.name).update(_VALUE + key, _put(""))


_VALUE = "value:"  # beside the records of sessions, which have the same keys


def _keep(_found: "str | None") -> "str | None":
    return None


def _put(value: str) -> "Callable[[str | None], str | None]":
    return lambda _found: value


def storage_of(choice: "str | Storage") -> "Storage":
    """The storage of a name, one of `NAMES`, or the user's own as it is.

    Raises `StorageError` for another name and for what is no storage.
    """
    if isinstance(choice, str):
        if choice == "session":
            return WebStorage("sessionStorage")
        if choice == "local":
            return WebStorage("localStorage")
        if choice == "cookie":
            return CookieStorage()
        if choice == "indexeddb":
            return IndexedDBStorage()
        if choice == "memory":
            return MemoryStorage()
        raise StorageError(f"There is no storage {choice!r}: it is one of {', '.join(NAMES)}, or an object of yours.")
    for method in ("get", "set", "remove"):
        if not callable(getattr(choice, method, None)):
            raise StorageError(f"A storage has get, set and remove; this {type(choice).__name__} has no {method}.")
    return choice


def is_elsewhere(storage: "Storage") -> bool:
    """Whether this is a storage of the browser, and here is none."""
    return _is_of_the_browser(storage) and not _platform.IN_BROWSER


def name_of(storage: object) -> str:
    """The name of a storage for reports."""
    return str(getattr(storage, "name", type(storage).__name__))


async def probe(storage: "Storage") -> str:
    """Why nothing can be kept in one of the browser's storages, or `""`; nothing else tells the truth.

    It writes, reads and deletes under a key of its own, and once more if that is cleared meanwhile. The user's
    storages are not probed: one that has room for a single value would lose it.
    """
    if not _is_of_the_browser(storage):
        return ""
    key = "pillion-probe-" + _platform.random_bytes(8).hex()
    for _ in range(2):
        try:
            await settled(storage.set(key, key))
            found = await settled(storage.get(key))
            await settled(storage.remove(key))
        except StorageError as error:
            return str(error)
        if found == key:
            return ""
    return "what is written can't be read again"


def _is_of_the_browser(storage: "Storage") -> bool:
    return isinstance(storage, (WebStorage, CookieStorage, IndexedDBStorage))


def _browser(name: str) -> "ModuleType":
    if not _platform.IN_BROWSER:
        raise StorageError(f"There is no {name} outside a browser.")
    return _platform.browser()


def _database(name: str) -> "ModuleType":
    _browser(name)
    return _platform.database()
