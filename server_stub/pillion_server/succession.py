"""`ctx.sessions`: who a session belongs to (queries), and how it ends or goes on as another one (mutations).

    ctx.sessions.bind(new, user_id)
    ctx.sessions.transfer(ctx.session_id, new)

A session ends once and for all: its digest is never seen again. Its ID opens a fresh session, which has
nothing of the old one, neither its user nor its digest.
"""

from math import isfinite
from typing import NoReturn, TypedDict

from pillion_server import belongings
from pillion_server.documents import DatabaseWriter
from pillion_server.lineage import Lineage
from pillion_server.sessions import SessionId
from pillion_shared import FunctionError

GRACE = 60.0
"""How long the old ID leads to the new session, in seconds: longer than a page takes to hear that it may go on."""

REFUSALS = {
    "session_same": "A session can't go on as itself: make a new ID, and pass the session of that one.",
    "session_moved": "This session has already gone on as another one: call under the ID of that one.",
    "session_ended": "This session has ended: call again, and the ID opens a new one.",
    "session_taken": "This session is another user's: make a new ID, and log in with the session of that one.",
}
"""What `FunctionError.data` holds: `{"code": ..., "message": ...}`."""


class Login(TypedDict):
    """A session of a user. bound: since when, in ms since 1970, or `None`: by a pillion that did not note it."""

    session_id: SessionId
    bound: float | None


class SessionsReader:
    """The sessions, to be asked. One that has ended has no user."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage

    def user(self, session_id: str, /) -> str | None:
        """The user that `bind` gave the session, or `None`."""
        return self._lineage.user(session_id)

    def logins(self, user: str, /) -> list[Login]:
        """The sessions that are bound to a user, the oldest log-in first."""
        return [{"session_id": SessionId(digest), "bound": bound} for digest, bound in self._lineage.of_user(user)]


class SessionsWriter(SessionsReader):
    """The sessions, to be asked and changed, in the mutation's transaction: all of it happens, or nothing."""

    def __init__(self, lineage: Lineage, db: DatabaseWriter) -> None:
        super().__init__(lineage)
        self._db = db

    def transfer(self, old: str, new: str, /, *, grace: float = GRACE, **tables: str) -> None:
        """The session `new` takes over from `old`, which ends.

        What moves are the documents of `old` in every table with an index that begins with `session_id`, or with
        a field declared `SessionId`: there that field becomes `new`. tables: only this moves, or another field,
        `cart_items="by_owner"`. The user doesn't move: `bind` says whose the new session is. grace: for so many
        seconds calls under the old ID are seen as calls of `new`, unless `new` has a user, now or later.

        The same transfer again moves what has come under `old` since, and is no error. Raises `FunctionError`:
        the two are one, `old` has gone on as another session, or one of them has ended.
        """
        if not (isfinite(grace) and grace >= 0):
            raise ValueError(f"The grace is a number of seconds, 0 for none, not {grace!r}.")
        source = _via(old) or str(old)
        if not self._is_done(old, source, new):
            until = self._lineage.now + grace * 1000 if grace and self.user(new) is None else 0.0
            if self._lineage.is_registered(source):
                self._lineage.register(str(new))
            self._lineage.close(source, str(new), until)
        belongings.move(self._db, source, str(new), tables)

    def bind(self, session_id: str, user: str, /) -> None:
        """Ties a session to a user, who may have several. Other IDs no longer lead to it.

        user: any text of yours, such as the ID of the user's document. Raises `FunctionError`: the session is
        another user's, has ended, or is not the one of the caller's own ID.
        """
        _check_user(user)
        known = self._lineage.known(session_id)
        if not known.live:
            _refuse("session_ended")
        if _via(session_id):
            _refuse("session_moved")
        if known.user not in (None, user):
            _refuse("session_taken")
        self._lineage.bind(str(session_id), user)
        self._lineage.register(str(session_id))

    def register(self, session_id: str, /) -> None:
        """Lets a session in, where the app is strict: until it ends, its ID opens every function.

        `bind` does so too, and `transfer` hands it on. Raises `FunctionError`: it has ended.
        """
        if not self._lineage.known(session_id).live:
            _refuse("session_ended")
        self._lineage.register(str(session_id))

    def invalidate(self, session_id: str, /) -> None:
        """Ends a session now; one that has ended already is no error."""
        if self._lineage.known(session_id).live:
            self._lineage.close(str(session_id))

    def forget(self, session_id: str, /) -> None:
        """Ends a session, if it hasn't ended, and deletes what it has: the documents that `transfer` would move."""
        self.invalidate(session_id)
        belongings.delete(self._db, str(session_id))

    def invalidate_user(self, user: str, /) -> None:
        """Ends all sessions of a user now."""
        for session, _ in self._lineage.of_user(user):
            self._lineage.close(session)

    def invalidate_all(self) -> None:
        """Ends all sessions there are now, also those that nothing is known of."""
        self._lineage.close_all()

    def _is_done(self, old: str, source: str, new: str) -> bool:
        """Whether the session has gone from `source` to `new` before; raises `FunctionError` if it can't now."""
        taking, leaving = self._lineage.known(new), self._lineage.known(source)
        if str(old) == str(new) and _via(old) in (None, _via(new)):
            _refuse("session_same")
        if not taking.live:
            _refuse("session_ended")
        if leaving.heir == str(new):
            return True
        if leaving.heir is not None or _via(new):
            _refuse("session_moved")
        if not leaving.live:
            _refuse("session_ended")
        return False


def _via(session: str) -> str | None:
    return session.via if isinstance(session, SessionId) else None


def _check_user(user: object) -> None:
    if not isinstance(user, str):
        raise TypeError(f"A user is a str, such as the ID of the user's document, not a {type(user).__name__}.")


def _refuse(code: str) -> NoReturn:
    raise FunctionError({"code": code, "message": REFUSALS[code]})
