"""How a live client's connection is, for a page to show."""

from pillion.callbacks import tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

IDLE = "idle"


class Connection:
    """The connection of a client, `client.connection`.

    state: `"idle"` (there are no live queries), `"connecting"`, `"open"`, `"waiting"` (it is lost, or could not be had,
    and will be tried again) or `"closed"`. pending: how many mutations wait for the server, or for their effect to be
    shown here.
    """

    def __init__(self, now: "Callable[[], float]") -> None:
        self.state = IDLE
        self.pending = 0
        self._now = now
        self._since: float | None = None
        self._callbacks: list[Callable[[Connection], object]] = []

    @property
    def since(self) -> "float | None":
        """When the oldest mutation or action was made, on the clock of `now`; for `Live`."""
        return self._since

    @property
    def oldest_pending(self) -> "float | None":
        """For how many seconds the oldest mutation or action waits; `None` where none does."""
        return None if self._since is None else max(0.0, self._now() - self._since)

    def on_change(self, callback: "Callable[[Connection], object]") -> "Callable[[], None]":
        """Calls back with this, plain or async, when the state or the count changes. Returns what ends it."""
        self._callbacks.append(callback)

        def stop() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return stop

    def update(self, state: str, pending: int = 0, since: "float | None" = None) -> None:
        """Takes how it is now; since: when the oldest call was made."""
        is_news = (state, pending) != (self.state, self.pending)
        self.state, self.pending, self._since = state, pending, since
        if is_news:
            for callback in list(self._callbacks):
                tell(callback, self, "a callback of connection.on_change")

    def __repr__(self) -> str:
        return f"<Connection {self.state}, {self.pending} pending>"
