"""Pieces of work on one snapshot, which several threads take one after another until none is left."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Generic, TypeVar

from pillion_server.outcome import Outcome, attempt

P = TypeVar("P")
R = TypeVar("R")


class SideBySide(Generic[P, R]):
    """The pieces, and what came of them. It may be used by any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ts: int | None = None
        self._waiting = deque[tuple[int, P]]()
        self._done: list[Outcome[R] | None] = []
        self._under_way = 0

    @property
    def begun(self) -> bool:
        """Whether the pieces are known."""
        return self._ts is not None

    def begin(self, ts: int, pieces: Iterable[P]) -> None:
        """Hands out the pieces, for snapshots of that timestamp."""
        with self._changed:
            self._waiting.extend(enumerate(pieces))
            self._done = [None] * len(self._waiting)
            self._ts = ts

    def work(self, ts: int, do: Callable[[P], R]) -> None:
        """Does pieces until none waits, if the snapshot to do them in is of the right timestamp."""
        while ts == self._ts:
            with self._changed:
                if not self._waiting:
                    return
                number, piece = self._waiting.popleft()
                self._under_way += 1
            outcome = attempt(partial(do, piece))
            with self._changed:
                self._done[number] = outcome
                self._under_way -= 1
                if outcome.error is not None:
                    self._waiting.clear()
                self._changed.notify_all()

    def results(self) -> list[R]:
        """What came of the pieces, in their order, when the last one that was taken is done; raises what one raised."""
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way)
            done = [outcome for outcome in self._done if outcome is not None]
        for outcome in done:
            if outcome.error is not None:
                raise outcome.error
        return [outcome.result() for outcome in done]
