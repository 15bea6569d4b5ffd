"""Strict mode: an ID opens a function only when the server has registered its session.

Under other IDs only the functions that the app names may be called: those that register one, `start` say, which may ask
for what it likes before.
"""

from collections.abc import Iterable

from pillion_server.errors import CallError, StartError
from pillion_server.lineage import Lineage
from pillion_server.registry import Registry
from pillion_server.sessions import SessionId
from pillion_shared import FunctionError, PathError, path_of

REFUSAL = {
    "code": "session_unregistered",
    "message": "The server has not registered this session: call the function that does, then call again.",
}
"""The `FunctionError.data` of a call under another ID."""


class Doors(set[str]):
    """The canonical paths of the functions that take any ID; raises `StartError` for one that isn't there."""

    def __init__(self, names: Iterable[str], registry: Registry) -> None:
        self._names = tuple(names)
        try:
            super().__init__(registry.find(None, path_of(name)).path for name in self._names)
        except (CallError, PathError) as error:
            raise StartError(f"A function named for strict mode can't be called: {error}") from error

    def among(self, registry: Registry) -> "Doors":
        """The same functions in another registry; raises `StartError` too."""
        return Doors(self._names, registry)

    def replace(self, other: "Doors") -> None:
        """Takes the paths of others instead of its own."""
        self.clear()
        self.update(other)


class RegisteredSessions:
    """The sessions that a transaction opens, if they are registered; raises `FunctionError` for one that isn't."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage

    def of(self, value: object, /) -> SessionId:
        session = self._lineage.of(value)
        if not self._lineage.is_registered(session):
            raise FunctionError(REFUSAL)
        return session

    def again(self, session: SessionId, /) -> SessionId:
        return self._lineage.again(session)
