"""Who has read what: finds those whose reads a write touches, without asking everybody.

Every range is kept under its index and the key of its equal fields, every document under its ID. A written entry is
looked up by each of its key's beginnings; only those found there are asked.
"""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from pillion_server.reads import Reads
from pillion_server.writes import Writes

K = TypeVar("K", bound=Hashable)


class Interests(Generic[K]):
    """What each of many keys has read."""

    def __init__(self) -> None:
        self._reads: dict[K, Reads] = {}
        self._places: dict[Hashable, set[K]] = {}

    def __len__(self) -> int:
        return len(self._reads)

    def __iter__(self) -> Iterator[K]:
        return iter(self._reads)

    def add(self, key: K, reads: Reads) -> None:
        """Keeps what `key` has read, instead of what it had before."""
        self.discard(key)
        self._reads[key] = reads
        for place in _places_of(reads):
            self._places.setdefault(place, set()).add(key)

    def discard(self, key: K) -> None:
        """Forgets a key, if it is there."""
        reads = self._reads.pop(key, None)
        for place in _places_of(reads) if reads else ():
            there = self._places[place]
            there.discard(key)
            if not there:
                del self._places[place]

    def touched_by(self, writes: Writes) -> set[K]:
        """The keys whose reads a write touches."""
        asked: set[K] = set()
        for place in _places_in(writes):
            if place in self._places:
                asked |= self._places[place]
        if writes.users is None:
            asked |= self._reads.keys()
        return {key for key in asked if self._reads[key].touched_by(writes)}


def _places_of(reads: Reads) -> set[Hashable]:
    return {*((each.index.number, each.prefix) for each in reads.ranges), *reads.documents, *reads.users}


def _places_in(writes: Writes) -> Iterator[Hashable]:
    """They may come more than once."""
    for entry in writes.entries:
        for prefix in entry.prefixes:
            yield entry.number, prefix
    yield from writes.documents
    yield from writes.users or ()
