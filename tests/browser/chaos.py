"""A proxy on which happens what happens on the way between a page and its server."""

import random
import threading
import time

from server.cutting import CuttingProxy

LOST = 0.08
"""How likely it is that a connection is lost with what comes next."""

SLOW_SECONDS = 0.03
"""How long at most it takes what comes to get through."""

SILENT_SECONDS = 0.5
"""How long at most a connection is dead before anybody hears of it."""


class ChaosProxy(CuttingProxy):
    """Delays, and loses connections: between frames, inside one, or without a word, in both directions.

    It is calm at first. Which connection is lost when is decided by a seed, and by the order in which things come.
    """

    def __init__(self, target: int) -> None:
        super().__init__(target)
        self._chance: random.Random | None = None
        self._one_at_a_time = threading.Lock()

    def rage(self, seed: int) -> None:
        """From now on anything may happen."""
        self._chance = random.Random(seed)

    def calm(self) -> None:
        """From now on everything gets through."""
        self._chance = None

    def passed(self, octets: bytes, *, is_answer: bool) -> bytes:
        chance = self._chance
        if chance is None:
            return octets
        with self._one_at_a_time:
            is_lost, is_silent = chance.random() < LOST, chance.random() < 0.3
            slow, silent, part = chance.random(), chance.random(), chance.randrange(len(octets))
            self.cuts += is_lost
        time.sleep(slow * SLOW_SECONDS)
        if not is_lost:
            return octets
        if is_silent:
            time.sleep(silent * SILENT_SECONDS)
            return b""
        return octets[:part]
