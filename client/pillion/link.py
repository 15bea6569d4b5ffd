"""One connection after the other: which socket counts, when the next is due, when one is taken for dead."""

from pillion.backoff import Backoff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

IDLE = "idle"
WAITING = "waiting"
CONNECTING = "connecting"
OPEN = "open"
CLOSED = "closed"

SILENCE_SECONDS = 30.0
"""How long a server is silent before it is taken for dead; servers say something every 15 s."""

PROBE_SECONDS = 5.0
"""The same after it was asked to say something."""


class Link:
    """The state of a client's connection.

    socket: the number of the one that counts; others are of the past, whatever comes from them. until: when
    something is due, the next attempt or the end of the patience.
    """

    def __init__(self, chance: "Callable[[], float]") -> None:
        self.state = IDLE
        self.socket = 0
        self.until: float | None = None
        self.backoff = Backoff(chance)

    def connect(self, now: float) -> int:
        """A new socket is opened from now on: its number."""
        self.socket += 1
        self.state, self.until = CONNECTING, now + SILENCE_SECONDS
        return self.socket

    def opened(self, socket: int, now: float) -> bool:
        """A socket is open: whether it counts."""
        if socket != self.socket or self.state != CONNECTING:
            return False
        self.state, self.until = OPEN, now + SILENCE_SECONDS
        return True

    def heard(self, socket: int, now: float) -> bool:
        """Something has come from a socket: whether it counts."""
        if socket != self.socket or self.state != OPEN:
            return False
        self.until = now + SILENCE_SECONDS
        return True

    def probe(self, now: float) -> None:
        """The server is asked to say something."""
        if self.until is not None:
            self.until = min(self.until, now + PROBE_SECONDS)

    def has(self, socket: int) -> bool:
        """Whether a socket counts and is not closed."""
        return socket == self.socket and self.state in (CONNECTING, OPEN)

    def lose(self, reason: str, now: float) -> None:
        """The socket is of the past; the next one is due after a while."""
        self.state, self.until = WAITING, now + self.backoff.fail(reason)

    def hurry(self, now: float) -> None:
        """The next socket is due now."""
        if self.state == WAITING:
            self.until = now

    def is_due(self, now: float) -> bool:
        """Whether the time of `until` has come."""
        return self.until is not None and self.until <= now

    def close(self) -> None:
        """There will be no other socket."""
        self.state, self.until = CLOSED, None
