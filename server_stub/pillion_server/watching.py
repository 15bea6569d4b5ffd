"""The sessions among a query's arguments: which they are, and whether the query looks at any of them."""

from collections.abc import Callable
from typing import Any

from pillion_server.sessions import SessionId, Sessions


class WatchedSessions:
    """Makes the sessions that `sessions` makes, and remembers them.

    names: those made so far, each with the one that its ID belonged to. read: whether one of them was looked at, that
    is compared, looked up, sent or shown. What C code takes without asking, as `"".join` does, is not seen.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._names: list[tuple[str, str | None]] = []
        self.read = False

    @property
    def names(self) -> tuple[tuple[str, str | None], ...]:
        return tuple(self._names)

    @property
    def led_on(self) -> bool:
        """Whether one of them has taken over from the session that its ID belonged to."""
        return any(via is not None for _, via in self._names)

    def of(self, value: object, /) -> SessionId:
        return self._watch(self._sessions.of(value))

    def again(self, session: SessionId, /) -> SessionId:
        return self._watch(self._sessions.again(session))

    def _watch(self, session: SessionId) -> SessionId:
        self._names.append((str(session), session.via))
        watched = _Watched(session, via=session.via)
        watched.watcher = self
        return watched


class _Watched(SessionId):
    """A session that tells its watcher when it is looked at."""

    __slots__ = ("watcher",)

    watcher: WatchedSessions


def _watched(method: Callable[..., Any]) -> Callable[..., Any]:
    def look(self: _Watched, *args: Any, **options: Any) -> Any:
        self.watcher.read = True
        return method(self, *args, **options)

    return look


for _name in vars(str).keys() - vars(object).keys() | {
    "__eq__",
    "__ne__",
    "__hash__",
    "__str__",
    "__repr__",
    "__format__",
}:
    setattr(_Watched, _name, _watched(getattr(SessionId, _name)))
