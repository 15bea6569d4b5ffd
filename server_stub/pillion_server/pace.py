"""Which queries are so quick that it costs less to run them at once, in the event loop, than to hand them to a thread.

A function runs on the threads until its runs have been quick for a while, and then at once. A run that reads too much
for that (see `reads`) is given up and starts again on a thread, and slow ones put the function back there, the longer
the slower they were. So what the event loop can be held up for is a slow run now and then. A function that never ends
holds it up for ever, where it would have kept one thread.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from pillion_server.reads import TooLong

T = TypeVar("T")

QUICK_SECONDS = 0.002
"""How long quick runs take, in the mean."""

FIRST_SECONDS = 0.004
"""What the first mean is, of no run yet."""

GIVEN_UP_SECONDS = 0.1
"""What counts for a run that was given up."""

WAITING = 10
"""How much longer than its CPU time a run in the event loop may count: more than that it was others' turn."""

_WEIGHT = 1 / 16
"""Of the last run, in the mean."""


class Pace:
    """How long one function runs: a mean in which the last runs weigh most. It may be used by any thread."""

    def __init__(self) -> None:
        self._seconds = FIRST_SECONDS

    @property
    def is_quick(self) -> bool:
        """Whether its next run may be in the event loop."""
        return self._seconds <= QUICK_SECONDS

    def on_thread(self, work: Callable[[], T]) -> T:
        """Does `work` and notes its CPU time, since busy threads wait for each other."""
        begun = time.thread_time()
        try:
            return work()
        finally:
            self._note(time.thread_time() - begun)

    def in_loop(self, work: Callable[[], T]) -> T:
        """Does `work` and notes how long everybody waited for it. Raises `TooLong` when it was given up."""
        begun, cpu, given_up = time.perf_counter(), time.thread_time(), 0.0
        try:
            return work()
        except TooLong:
            given_up = GIVEN_UP_SECONDS
            raise
        finally:
            self._note(given_up or min(time.perf_counter() - begun, WAITING * (time.thread_time() - cpu)))

    def _note(self, seconds: float) -> None:
        self._seconds += (seconds - self._seconds) * _WEIGHT
