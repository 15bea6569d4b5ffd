"""Changes of the ID, and the callbacks that are told of them: plain or async, each harmed only by its own errors."""

from pillion.callbacks import tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pillion_shared import SessionId


HERE = "here"
ELSEWHERE = "elsewhere"


class Change:
    """An ID took the place of another.

    id: the new one. reason: `"refreshed"`, `"login"`, `"logout"`, `"expired"`, `"duplicate"` (this tab turned out to
    be one), `"new"` (another tab's, made after the storage was cleared) or `"adopted"` (a storage of yours held it).
    origin: `"here"`, by this page, or `"elsewhere"`, by another tab.
    """

    def __init__(self, id: "SessionId", reason: str, origin: str) -> None:
        self.id = id
        self.reason = reason
        self.origin = origin

    def __repr__(self) -> str:
        return f"Change({self.reason!r}, {self.origin!r})"


class Listeners:
    """Callbacks in the order in which they were added."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Change], object]] = []

    def add(self, callback: "Callable[[Change], object]") -> "Callable[[], None]":
        """Adds a callback; returns the function that takes it away again, and may be called twice."""
        self._callbacks.append(callback)

        def remove() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return remove

    def clear(self) -> None:
        """Takes all away."""
        self._callbacks.clear()

    def tell(self, change: "Change") -> None:
        """Calls all of them; the async ones run on their own."""
        for callback in list(self._callbacks):
            tell(callback, change, "a callback of on_change", change.id)
