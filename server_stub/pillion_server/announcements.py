"""Commits on their way from the writer's thread to the live queries, by their timestamps.

    writer         announces what a commit writes, commits
    live queries   take a snapshot, then all that is announced up to its timestamp: nothing in it is missing

Only so many are kept; when there are more, what they have written is forgotten, and everything counts as touched.
"""

import threading
from collections import deque
from collections.abc import Sequence

from pillion_server.writes import Writes

MOST = 10_000
"""How many commits are kept."""


class Announcements:
    """The commits that nobody has taken yet. It may be used by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, Sequence[Writes]]] = deque()
        self._forgotten = False

    def add(self, ts: int, writes: Sequence[Writes]) -> None:
        """Announces a commit, before anybody can see it; `ts` is no earlier than the one before."""
        with self._lock:
            self._waiting.append((ts, writes))
            if len(self._waiting) > MOST:
                self._forget()

    def forget(self) -> None:
        """Counts everything as touched."""
        with self._lock:
            self._forget()

    def take(self, ts: int) -> list[Writes] | None:
        """What was written up to `ts` since it was last taken; `None` when that was forgotten."""
        with self._lock:
            taken = list[Writes]()
            while self._waiting and self._waiting[0][0] <= ts:
                taken += self._waiting.popleft()[1]
            forgotten, self._forgotten = self._forgotten, False
            return None if forgotten else taken

    def _forget(self) -> None:
        self._waiting.clear()
        self._forgotten = True
