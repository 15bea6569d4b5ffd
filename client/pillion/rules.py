"""What is decided about a session's record, without any I/O.

A decision is a function of the record that is found (or `None`) to the one that shall be there instead, or
`None` for leaving it. An arbiter runs it atomically, so of many tabs that decide at one instant the first one's
record stands and the others see it.
"""

from pillion.record import EXPIRED, NEVER, NEW, REFRESHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pillion.record import Record

    Decision = Callable[[Record | None], Record | None]

USED_MS = 5000
"""How stale the time of the last use may be in the storage, in milliseconds."""

RECENT_MS = 50
"""How long a look lasts for calls of plain HTTP, in milliseconds, where other tabs can't tell what they do."""

TOLD_MS = 10_000
"""The same where they can."""

STILL_MS = 1000
"""How long a look at the storage may take before it is taken again, in milliseconds: the page may have been frozen."""


class Limits:
    """How long a session lasts: `idle` after its last use, `absolute` after its ID came into force.

    In seconds; `None` is for ever. A clock that is set back expires nothing, and what was never used is not idle.
    """

    def __init__(self, idle: "float | None" = None, absolute: "float | None" = None) -> None:
        for name, seconds in (("idle_timeout", idle), ("absolute_timeout", absolute)):
            if seconds is not None and not seconds > 0:
                raise ValueError(f"{name} is a number of seconds above 0, or None, not {seconds!r}.")
        self.idle = idle
        self.absolute = absolute

    def __bool__(self) -> bool:
        return self.idle is not None or self.absolute is not None

    def left(self, record: "Record", now: int) -> float:
        """How many milliseconds the record has left; infinite without limits."""
        left = float("inf")
        if self.idle is not None:
            left = self.idle * 1000 - (0 if record.used == NEVER else max(0, now - record.used))
        if self.absolute is not None:
            left = min(left, self.absolute * 1000 - max(0, now - record.created))
        return left

    def expired(self, record: "Record", now: int) -> bool:
        """Whether the record has had its time."""
        return self.left(record, now) <= 0


def leave(_found: "Record | None") -> "Record | None":
    """Only reads."""
    return None


def first(candidate: "Record") -> "Decision":
    """Whoever comes first makes the ID; all others take it."""
    return lambda found: candidate if found is None else None


def knowing(told: "Record", decide: "Decision") -> "Decision":
    """The same decision where another place has shown `told`, which may be stronger than what is found."""

    def decide_knowing(found: "Record | None") -> "Record | None":
        if found is not None and not told.beats(found):
            return decide(found)
        return decide(told) or told

    return decide_knowing


def reconcile(mine: "Record", clock: "Callable[[], int] | None" = None) -> "Decision":
    """What a tab knows is put back where it was cleared, or where something weaker has taken its place.

    clock: tells the time, if the session is being used: that is noted. Other tabs may know of a later use than `mine`.
    """

    def decide(found: "Record | None") -> "Record | None":
        now = None if clock is None else clock()
        if found is None or mine.beats(found):
            return mine if now is None else mine.used_at(now)
        if now is not None and found.id == mine.id and abs(now - found.used) >= USED_MS:
            return found.used_at(now)
        return None

    return decide


def follow(mine: "Record", new: "Record") -> "Decision":
    """Compare and swap: `new` takes the place of `mine`, unless another tab has been quicker.

    A log-in or log-out follows what another tab has done meanwhile, unless that was its like; and all follow what
    was made where a session had its time or was cleared away, for it carries nothing, while theirs has been moved.
    """

    def decide(found: "Record | None") -> "Record | None":
        if found is None or not found.beats(mine):
            return new
        if found.reason not in (EXPIRED, NEW) and new.reason in (REFRESHED, found.reason):
            return None
        return found.next(new.id, new.reason, new.created)

    return decide


def expire(mine: "Record", new: "Record", limits: Limits, now: int) -> "Decision":
    """The same for a session that has had its time, unless another tab has used it meanwhile."""

    def decide(found: "Record | None") -> "Record | None":
        if found is None or mine.beats(found):
            return new
        return None if found.beats(mine) or not limits.expired(found, now) else new

    return decide


def fork(parent: "Record", new: "Record") -> "Decision":
    """A duplicate's own ID takes the place of the one it was copied with, unless a frame of its tab has done it."""
    return lambda found: new if found is None or found.id == parent.id else None
