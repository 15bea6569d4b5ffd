"""The query cache: answers that are kept until a commit touches what their function has read.

An answer belongs to a function, its arguments and the sessions among them; if the function asked who calls, to that
caller too. It holds for every state of the database
since the commit `since`, up to now, and it is dropped before a commit that touches it can be seen by anybody. So who
gets a kept answer gets what the function would have returned:

    writer    announces what a commit writes (drops what it touches), commits, marks it committed
    reader    takes the mark, then its snapshot, which is at least as new; runs; keeps the answer unless a commit that
              was announced after the mark touches what it has read

What a function learns from elsewhere than its arguments and `ctx` (the time, chance, a module's variables) is not seen
here: such an answer is kept as well.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from pillion_server.functions import Function
from pillion_server.identity import ANYBODY, Caller
from pillion_server.interests import Interests
from pillion_server.reads import Reads
from pillion_server.writes import Writes

MAX_BYTES = 64 * 1024 * 1024
"""How large all kept answers may be, as JSON and with what is noted of their reads."""

MAX_ANSWERS = 10_000
"""How many answers are kept at most."""

RECENT = 256
"""How many commits a query may last and still have its answer kept."""

_NOTE_BYTES = 500
"""About what an answer, or one place that it was read from, takes besides."""

_json = msgspec.json.Encoder()


class Key(NamedTuple):
    """What an answer belongs to.

    arguments: their digest. sessions: those among the arguments, each with the one that its ID belonged to, where the
    arguments alone don't say which they are. caller: for whom it is.
    """

    function: Function[..., Any]
    arguments: bytes
    sessions: tuple[tuple[str, str | None], ...] = ()
    caller: Caller = ANYBODY


@dataclass(frozen=True)
class Kept:
    """An encoded answer that has held since the commit of that number, and what was read for it."""

    value: object
    since: int
    size: int
    reads: Reads


class QueryCache:
    """Answers of queries, the least recently used ones dropped first. It may be used by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._interests = Interests[Key]()
        self._size = 0
        self._announced = self._committed = 0
        self._recent: deque[Writes] = deque(maxlen=RECENT)

    def __len__(self) -> int:
        return len(self._kept)

    def mark(self) -> int:
        """The number of the last commit, to be taken before a snapshot."""
        return self._committed

    def get(self, key: Key, mark: int) -> Kept | None:
        """The answer that holds for a snapshot taken after `mark`, or for now, or `None`."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.since > mark:
                return None
            self._kept.move_to_end(key)
            return kept

    def put(self, key: Key, value: object, reads: Reads, mark: int) -> None:
        """Keeps an encoded answer from a snapshot taken after `mark`, unless it has been touched meanwhile."""
        places = 1 + len(reads.ranges) + len(reads.documents) + len(reads.users)
        size = len(_json.encode(value)) + _NOTE_BYTES * places
        with self._lock:
            missed = self._announced - mark
            if size > MAX_BYTES or missed > len(self._recent):
                return
            if any(reads.touched_by(self._recent[-number]) for number in range(1, missed + 1)):
                return
            self._drop(key)
            self._kept[key] = Kept(value, mark, size, reads)
            self._interests.add(key, reads)
            self._size += size
            while self._size > MAX_BYTES or len(self._kept) > MAX_ANSWERS:
                self._drop(next(iter(self._kept)))

    @contextmanager
    def committing(self, writes: Sequence[Writes]) -> Generator[None]:
        """Drops what these writes touch, and counts them as committed when the block, which commits them, is done."""
        with self._lock:
            for each in writes:
                self._announced += 1
                self._recent.append(each)
                for key in self._interests.touched_by(each):
                    self._drop(key)
        yield
        self._committed = self._announced

    def clear(self) -> None:
        """Drops all answers: what is written from now on has other entries."""
        with self._lock:
            for key in list(self._kept):
                self._drop(key)

    def _drop(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= kept.size
            self._interests.discard(key)
