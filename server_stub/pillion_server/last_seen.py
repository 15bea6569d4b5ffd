"""When sessions were last seen: in a table of its own, which no function reads, so that none runs again for it.

A session is in the table from its first mutation on; a query or an action only moves its time, so callers who only
look add nothing to the file. What is seen is gathered here and written now and then, so a server that is killed may
have lost the last `INTERVAL_MS` of it.
"""

import threading
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from pillion_server.sqlite import Connection

INTERVAL_MS = 5 * 60 * 1000
"""How long sights are gathered: a session's time is written once in that while, unless it is one of very many."""

GATHERED = 10_000
"""How many sessions may be gathered before they are written all the same."""

PIECE = 1000
"""How many are written at a time, so that no mutation waits for long."""

_ADD = "insert into seen (digest, at) values (?, ?) on conflict (digest) do update set at = max(at, excluded.at)"
_MOVE = "update seen set at = max(at, ?2) where digest = ?1"
_OLDEST = "select digest from seen where at <= ? order by at, digest limit 1"
_FORGET = "delete from seen where digest = ?"


class Sight(NamedTuple):
    """at: when, in ms since 1970. lasting: whether a mutation of the session has succeeded."""

    at: float
    lasting: bool


class LastSeen:
    """What was seen and is yet to be written. It may be used by any thread."""

    def __init__(self, now: float) -> None:
        self._lock = threading.Lock()
        self._gathered: dict[str, Sight] = {}
        self._written = now

    def note(self, sessions: Iterable[str], now: float, *, lasting: bool = False) -> None:
        """Notes that sessions are seen now."""
        with self._lock:
            for session in sessions:
                before = self._gathered.get(session)
                self._gathered[session] = Sight(now, lasting or (before is not None and before.lasting))

    def is_due(self, now: float) -> bool:
        """Whether it is time to write."""
        return now - self._written >= INTERVAL_MS or len(self._gathered) >= GATHERED

    def some(self) -> dict[str, Sight]:
        """A piece of what is to be written, empty when nothing is."""
        with self._lock:
            return dict(islice(self._gathered.items(), PIECE))

    def written(self, piece: dict[str, Sight], now: float) -> None:
        """Forgets a piece that is on disk, but for what was seen once more since."""
        with self._lock:
            self._written = now
            for session, sight in piece.items():
                if self._gathered.get(session) == sight:
                    del self._gathered[session]

    def oldest(self, connection: Connection, before: float) -> str | None:
        """The session that was unseen for the longest, if it was not seen after `before`."""
        while (session := connection.value(_OLDEST, (before,))) is not None:
            sight = self._gathered.get(session)
            if sight is None or sight.at <= before:
                return str(session)
            write(connection, {session: sight})
        return None


def write(connection: Connection, piece: dict[str, Sight]) -> None:
    """Writes sights."""
    for session, sight in piece.items():
        connection.run(_ADD if sight.lasting else _MOVE, (session, sight.at))


def forget(connection: Connection, session: str) -> None:
    """Forgets when a session was seen."""
    connection.run(_FORGET, (session,))
