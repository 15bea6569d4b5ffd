"""How long to wait before a lost connection is made again."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_SECONDS = 16.0
"""The longest wait, before jitter."""

FIRST_SECONDS = 0.1
"""The first wait after a loss that nobody has explained."""

FAILED_SECONDS = 1.0
"""The same where the server has failed."""

OVERLOADED_SECONDS = 3.0
"""The same where the server has too much to do."""

_FAILED = ("InternalServerError", "IndexesUnavailable", "Unknown")
_OVERLOADED = ("TooManyConcurrent", "CommitterFull", "Overloaded", "RateLimited", "ExpiredInQueue", "TooMany")


class Backoff:
    """Waits that double up to a limit, each spread over a half to one and a half of itself.

    chance: gives numbers from 0 up to 1.
    """

    def __init__(self, chance: "Callable[[], float]") -> None:
        self.failures = 0
        self._chance = chance

    def fail(self, reason: str) -> float:
        """How many seconds to wait after one more failure; `reason` is what the server gave."""
        first = FIRST_SECONDS
        if any(reason.startswith(name) for name in _FAILED):
            first = FAILED_SECONDS
        elif any(reason.startswith(name) for name in _OVERLOADED):
            first = OVERLOADED_SECONDS
        wait = min(first * 2.0 ** min(self.failures, 10), LONGEST_SECONDS)
        self.failures += 1
        return wait * (0.5 + self._chance())

    def reset(self) -> None:
        """All is well again."""
        self.failures = 0
