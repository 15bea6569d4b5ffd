"""The ID for what leaves the page, at the moment of sending, and for those only who may have it."""

from pillion import _platform
from pillion._aio import apart
from pillion_shared import NotReadyError, SessionId
from pillion_shared.wire import AUTHORIZATION, authorization

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from pillion.borrowing import BorrowedIdentity
    from pillion.destinations import Destinations
    from pillion.identity import Identity
    from pillion.readiness import Readiness

READY_SECONDS = 10.0
"""How long a call waits for the ID."""


class Credentials:
    """Gives the session's ID to what is about to be sent."""

    def __init__(
        self, identity: "Identity | BorrowedIdentity", readiness: "Readiness", destinations: "Destinations"
    ) -> None:
        self.destinations = destinations
        self._identity = identity
        self._readiness = readiness

    def wait(self) -> "Coroutine[Any, Any, SessionId]":
        """The ID, once a call may go out with it: settled, not held up by a refresh, looked at just now.

        To be awaited, also by another task. Raises `NotReadyError`, also if there is a log-out meanwhile.
        """
        return self._wait(self._identity.refreshes.contains_caller())

    def at_once(self) -> "SessionId | None":
        """The ID, if a call may go out with it at once."""
        return self._identity.id if self._readiness.ready and self._identity.is_recent() else None

    def now(self) -> SessionId:
        """The ID at once, for calls that can't wait. Raises `NotReadyError` where they would have to."""
        self.check()
        if not self._readiness.ready:
            raise NotReadyError(
                "The session has no ID yet, and a synchronous call can't wait for it: `await session.ready()` first."
            )
        if self._identity.is_held_up():
            raise NotReadyError(
                "The session's ID is being replaced, and a synchronous call can't wait for the new one: "
                "`await` the refresh first, or use session.fetch, which waits."
            )
        self._identity.use()
        return self.present()

    def check(self) -> None:
        """Raises `NotReadyError` if the session is closed."""
        self._readiness.check()

    def headers(self, url: str) -> "dict[str, str]":
        """The header that carries the ID, for calls that can't wait; none for whom it is not meant.

        Nor is there one for an address that others may read in another way: one that is neither whole nor begins with
        a slash, and one that a `<base>` changes.
        """
        if not _platform.is_same_everywhere(url):
            return {}
        _, is_ours = self.destinations.find(url)
        return {AUTHORIZATION: authorization(self.now())} if is_ours else {}

    def present(self) -> SessionId:
        """The ID of a settled session."""
        if self._identity.id is None:
            raise RuntimeError("A settled session has an ID.")
        return self._identity.id

    async def _wait(self, inside: bool) -> SessionId:
        session_id = self.at_once()
        while session_id is None:
            waited = await apart(self._waited(inside))
            session_id = waited if waited == self._identity.id else self.at_once()  # or there is another one since
        return session_id

    async def _waited(self, inside: bool) -> SessionId:
        refreshes = self._identity.refreshes
        severed = refreshes.severed
        await self._readiness.wait(READY_SECONDS, inside)
        refreshes.check(severed)
        return self.present()
