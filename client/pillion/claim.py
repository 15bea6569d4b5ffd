"""A tab's claim to its ID: nobody else may live under it, although browsers copy it into duplicated tabs.

An exclusive Web Lock named after the ID is held for the document's life. It is let go when the page may be about to
be put into the back/forward cache, which it would bar it from (Firefox decides that before `pagehide`), and must be
taken again when it stays or is back. Windows of one tab, and copies of pillion on one page, share the ID: one of them
holds the lock and the others queue up for it.

Where there are no Web Locks (plain http), the other tabs are asked over a channel instead. A tab that is busy does
not hear the question, so there a duplicate may be missed.
"""

import asyncio
import hashlib

from pillion._aio import spawn
from pillion_shared import StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pillion.surroundings import Surroundings
    from pillion_shared import SessionId

GRACE_SECONDS = 0.25
"""How long a lock is waited for: the document before a reload lets it go late."""

ASK, HERE = "?", "!"


class Claim:
    """The claim of one identity."""

    def __init__(self, surroundings: "Surroundings") -> None:
        self._surroundings = surroundings
        self._name = ""
        self._is_wanted = True
        self._release: Callable[[], None] | None = None
        self._waiting: asyncio.Task[None] | None = None

    @property
    def is_held(self) -> bool:
        """Whether an ID is claimed now."""
        return bool(self._name)

    async def take(self, session_id: "SessionId", is_this_tabs: bool = False) -> bool:
        """Whether the ID is this tab's, alone, from now on; an earlier one is let go.

        After `let_go` it takes nothing and says yes: it will be asked again. is_this_tabs: whether that is known
        already, so that whoever has claimed it is a window of this tab, maybe one that can't be found.
        """
        name = "pillion:tab:" + fingerprint(session_id)
        if name == self._name or not self._is_wanted:
            return True
        release, is_ours = None, await self._surroundings.is_claimed(name)
        if not is_ours:
            release = await (self._lock(name) if self._surroundings.has_locks else self._ask(name))
            is_ours = is_this_tabs or release is not None or await self._surroundings.is_claimed(name)
        if name == self._name or not self._is_wanted:  # meanwhile
            if release is not None:
                release()
            return True
        if is_ours:
            self._put(name, release)
        return is_ours

    def share(self, session_id: "SessionId") -> None:
        """Uses an ID that another tab has claimed."""
        if self._is_wanted:
            self._put("pillion:tab:" + fingerprint(session_id), None)

    def loosen(self) -> None:
        """Gives it up, at once, until somebody takes it again."""
        self._drop()

    def let_go(self) -> None:
        """Gives it up, at once, until `want`."""
        self._is_wanted = False
        self._drop()

    def want(self) -> None:
        """May be taken again; WebKit gives the lock of a page in its cache away without a word."""
        self._drop()
        self._is_wanted = True

    def _drop(self) -> None:
        if self._name:
            self._surroundings.claim(self._name, -1)
            self._name = ""
        if self._release is not None:
            self._release()
            self._release = None
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _put(self, name: str, release: "Callable[[], None] | None") -> None:
        self._drop()
        self._name, self._release = name, release
        self._surroundings.claim(name, 1)
        if release is None and self._surroundings.has_locks:
            self._waiting = spawn(self._queue(name))

    async def _lock(self, name: str) -> "Callable[[], None] | None":
        try:
            return await self._surroundings.lock(name, GRACE_SECONDS)
        except StorageError:
            return _nothing  # locks are blocked, and with them every storage: nobody has a copy of the ID

    async def _ask(self, name: str) -> "Callable[[], None] | None":
        """Asks the other tabs; the answer to theirs is what is held."""
        taken: list[bool] = []

        def heard(said: object) -> None:
            if said == HERE:
                taken.append(True)
            elif self._name == name:
                post(HERE)

        try:
            post, leave = await self._surroundings.join(name, heard)
        except StorageError:
            return _nothing  # nobody can be asked, and nobody can ask
        post(ASK)
        try:
            await asyncio.sleep(GRACE_SECONDS)
        except BaseException:  # cancelled
            leave()
            raise
        if taken:
            leave()
            return None
        return leave

    async def _queue(self, name: str) -> None:
        """Takes over when the one who holds the lock goes."""
        try:
            release = await self._surroundings.lock(name, None)
        except StorageError:
            return
        if self._name == name:
            self._release, self._waiting = release, None
        elif release is not None:
            release()


def fingerprint(session_id: "SessionId") -> str:
    """What an ID is called where other scripts of the page can see it; the ID can't be told from it."""
    return hashlib.sha256(session_id.encode()).digest()[:16].hex()


def _nothing() -> None:
    pass
