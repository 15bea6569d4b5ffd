"""How long the server has been running, for sessions that expire: only that time counts.

Nobody can be seen while there is no server. And a machine's clock that was set forwards, by a day or to another year,
looks like such a while: the monotonic clock knows nothing of it. So neither ends anybody's session; a clock that is set
back doesn't either (see `clock`).

The table `served` holds the runs, each from when to when by the database's clock, in ms since 1970. Where the clock
jumps, one run ends and another begins.
"""

import time
from math import inf

from pillion_server.sqlite import Connection

JUMP_MS = 60 * 1000
"""What is more than this beyond the monotonic clock is a jump; less is time, such as that of a restart."""

INTERVAL_MS = 5 * 60 * 1000
"""How often it is written down. What a server that is killed had not written doesn't count."""

KEPT = 1000
"""How many runs are remembered; older ones don't count any more."""

_LAST = "select began, until from served order by began desc limit 1"
_ALL = "select began, until from served order by began desc"
_PUT = "insert into served (began, until) values (?, ?) on conflict (began) do update set until = excluded.until"
_PRUNE = "delete from served where began < (select began from served order by began desc limit 1 offset ?)"


class ServedTime:
    """The runs so far and the one that is going on; used by one thread at a time."""

    def __init__(self, connection: Connection, now: float) -> None:
        last: tuple[float, float] | None = connection.row(_LAST)
        self._began = last[0] if last is not None and now - last[1] <= JUMP_MS else now
        self._until = self._written = now
        self._tick = _monotonic()
        self._runs = {self._began: now}

    def is_due(self, now: float) -> bool:
        """Whether it is time to write."""
        return now - self._written >= INTERVAL_MS

    def write(self, connection: Connection, now: float) -> None:
        """Writes down the runs up to now."""
        self._go_on(now)
        connection.run_each(_PUT, list(self._runs.items()))
        connection.run(_PRUNE, (KEPT - 1,))
        self._written = now

    def before(self, connection: Connection, unseen: float, now: float) -> float:
        """The time since which the server has run for `unseen` ms; minus infinity when it has not run for so long."""
        self._go_on(now)
        runs = dict(connection.rows(_ALL)) | self._runs
        for began in sorted(runs, reverse=True):
            if runs[began] - began >= unseen:
                return runs[began] - unseen
            unseen -= runs[began] - began
        return -inf

    def _go_on(self, now: float) -> None:
        passed = (tick := _monotonic()) - self._tick
        if now - self._until > passed + JUMP_MS:
            self._runs[self._began] = self._until + passed
            self._began = now
        self._until, self._tick = now, tick
        self._runs[self._began] = now


def _monotonic() -> float:
    return time.monotonic() * 1000
