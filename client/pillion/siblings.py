"""The other tabs of a session, and the times when this one may have missed what they did.

They tell each other that something has happened, never an ID; whoever hears it looks for itself.
"""

from pillion._aio import spawn
from pillion_shared import StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pillion.surroundings import Surroundings


class Siblings:
    """Tells the other tabs, and calls back.

    woken: something may have happened. hidden: the page goes away, maybe into the back/forward cache. shown: it
    is back from there. leaving: it may be about to go away, or only to download something.
    """

    def __init__(
        self,
        surroundings: "Surroundings",
        channel: str,
        woken: "Callable[[], None]",
        hidden: "Callable[[], None]",
        shown: "Callable[[], None]",
        leaving: "Callable[[], None]",
    ) -> None:
        self._surroundings = surroundings
        self._channel = channel
        self._woken = woken
        self._hidden = hidden
        self._shown = shown
        self._leaving = leaving
        self._stop: Callable[[], None] | None = None
        self._post: Callable[[object], None] | None = None
        self._leave: Callable[[], None] | None = None
        self._wanted = False

    @property
    def hears(self) -> bool:
        """Whether what the other tabs tell is heard here."""
        return self._post is not None

    async def join(self) -> None:
        """Begins to listen."""
        self._wanted = True
        self._stop = self._surroundings.listen(self._woken, self._on_hidden, self._on_shown, self._leaving)
        await self._open()

    def tell(self, generation: int) -> None:
        """Tells the others that there is a new generation."""
        if self._post is not None:
            self._post(generation)

    def leave(self) -> None:
        """Ends it."""
        self._wanted = False
        if self._stop is not None:
            self._stop()
            self._stop = None
        self._close()

    async def _open(self) -> None:
        try:
            post, leave = await self._surroundings.join(self._channel, self._heard)
        except StorageError:
            return  # the events and the look before a call are left
        if self._wanted and self._leave is None:
            self._post, self._leave = post, leave
        else:
            leave()

    def _close(self) -> None:
        self._post = None
        if self._leave is not None:
            self._leave()
            self._leave = None

    def _heard(self, _generation: object) -> None:
        self._woken()

    def _on_hidden(self) -> None:
        self._close()  # a message to a page in the cache would evict it
        self._hidden()

    def _on_shown(self) -> None:
        spawn(self._open())
        self._shown()
