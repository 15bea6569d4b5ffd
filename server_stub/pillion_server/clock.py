"""The database's clock: milliseconds since 1970 that never go back, and go on when the machine's clock is set back.

It follows the machine's clock forwards. Set back, that one is behind: then the time goes on by the monotonic
clock, so what is to last a minute neither ends early nor lasts until the machine's clock has caught up.
"""

import threading
import time
from math import inf, nextafter

_NS = 1_000_000
"""Nanoseconds in a millisecond."""


class Clock:
    """The time, from `newest` on: the latest that the database has on file. It may be asked by any thread."""

    def __init__(self, newest: float) -> None:
        self._lock = threading.Lock()
        self._given = newest
        self._now = int(newest * _NS)
        self._tick = time.monotonic_ns()

    def now(self) -> float:
        """The time, no earlier than at any call before."""
        with self._lock:
            return self._advance()

    def next(self) -> float:
        """The time, later than at any call of `next` before."""
        with self._lock:
            self._given = max(self._advance(), nextafter(self._given, inf))
            return self._given

    def _advance(self) -> float:
        tick = time.monotonic_ns()
        self._now, self._tick = max(time.time_ns(), self._now + tick - self._tick), tick
        return self._now / _NS
