"""What a tab has around it: a clock, a database, locks, the other tabs, and the events that put it away and wake it."""

import time

from pillion import _platform
from pillion._aio import bounded
from pillion_shared import StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    Release = Callable[[], None]

    class Surroundings(Protocol):
        """What an identity needs besides its storage. Names are those of locks, channels and claims."""

        has_locks: bool

        def now(self) -> int:
            """Milliseconds since 1970, on the clock that all tabs share."""
            ...

        async def update(self, key: str, decide: "Callable[[str | None], str | None]") -> "str | None":
            """One transaction of all tabs' database: what is at `key` once `decide(found)` has said what shall be.

            `None` leaves it. Raises `StorageError`.
            """
            ...

        async def lock(self, name: str, seconds: "float | None") -> "Release | None":
            """Takes an exclusive lock; `None` if it isn't free within `seconds`, if any. Raises `StorageError`."""
            ...

        async def join(
            self, channel: str, heard: "Callable[[object], None]"
        ) -> "tuple[Callable[[object], None], Release]":
            """Joins a channel of all tabs: what posts to the others, and what leaves. Raises `StorageError`."""
            ...

        def listen(
            self,
            woken: "Callable[[], None]",
            hidden: "Callable[[], None]",
            shown: "Callable[[], None]",
            leaving: "Callable[[], None]",
        ) -> "Release":
            """Calls back when this tab may have missed something, goes away, is back, or may be about to go."""
            ...

        def claim(self, name: str, by: int) -> None:
            """Counts the claims of this window's copies of pillion up or down."""
            ...

        async def is_claimed(self, name: str) -> bool:
            """Whether a window of this tab has claimed `name`."""
            ...

        def tab_name(self) -> str:
            """What all windows of this tab call it."""
            ...


class Alone:
    """Outside a browser: no other tabs, and nothing to lock against."""

    has_locks = False

    def now(self) -> int:
        return int(time.time() * 1000)

    async def update(self, key: str, decide: "Callable[[str | None], str | None]") -> "str | None":
        raise StorageError("there is no IndexedDB outside a browser")

    async def lock(self, name: str, seconds: "float | None") -> "Release | None":
        raise StorageError("there are no locks outside a browser")

    async def join(self, channel: str, heard: "Callable[[object], None]") -> "tuple[Callable[[object], None], Release]":
        raise StorageError("there are no other tabs outside a browser")

    def listen(
        self,
        woken: "Callable[[], None]",
        hidden: "Callable[[], None]",
        shown: "Callable[[], None]",
        leaving: "Callable[[], None]",
    ) -> "Release":
        return _nothing

    def claim(self, name: str, by: int) -> None:
        pass

    async def is_claimed(self, name: str) -> bool:
        return False

    def tab_name(self) -> str:
        return ""


class Browser(Alone):
    """The browser's, through the one module that talks to it."""

    def __init__(self) -> None:
        self._browser = _platform.browser()
        self.has_locks = self._browser.has_locks()

    async def update(self, key: str, decide: "Callable[[str | None], str | None]") -> "str | None":
        kept: str | None = await _platform.database().update(key, decide)
        return kept

    async def lock(self, name: str, seconds: "float | None") -> "Release | None":
        got: list[Release] = []
        late = StorageError("the lock is not free")

        async def take() -> None:
            got.append(await self._browser.lock(name))

        try:
            # Not by AbortSignal.timeout: on a page that stood still it takes a lock away that was granted long ago.
            await (take() if seconds is None else bounded(take(), seconds, late))
        except BaseException as error:
            for release in got:
                release()  # granted as the caller was cancelled
            if error is not late:
                raise
            return None
        return got[0]

    async def join(self, channel: str, heard: "Callable[[object], None]") -> "tuple[Callable[[object], None], Release]":
        post, leave = await self._browser.channel(channel, heard)
        return post, leave

    def listen(
        self,
        woken: "Callable[[], None]",
        hidden: "Callable[[], None]",
        shown: "Callable[[], None]",
        leaving: "Callable[[], None]",
    ) -> "Release":
        stop: Release = self._browser.on_life(woken, hidden, shown, leaving)
        return stop

    def claim(self, name: str, by: int) -> None:
        self._browser.claim(name, by)

    async def is_claimed(self, name: str) -> bool:
        return bool(await self._browser.is_claimed(name))

    def tab_name(self) -> str:
        return str(self._browser.tab_name())


def here() -> "Surroundings":
    """The surroundings of this code."""
    return Browser() if _platform.IN_BROWSER else Alone()


def _nothing() -> None:
    pass
