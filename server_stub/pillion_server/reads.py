"""What one transaction has read: exact ranges of indexes, and documents by their IDs.

It answers whether a write touches it. Until one does, the same function with the same arguments reads the same again: a
range covers also the entries that were not there, so nothing can appear in it unseen.
"""

from dataclasses import dataclass, field

from pillion_server.errors import LimitError
from pillion_server.ranges import Range
from pillion_server.writes import Writes, no_elements

MAX_DOCUMENTS = 32_000
"""How many documents one function may read; a look that finds nothing counts as one."""

MAX_BYTES = 16 * 1024 * 1024
"""How many bytes of documents, as JSON, one function may read."""

BRIEF_DOCUMENTS = 256
"""How many documents a brief run may read: one that others wait for."""

BRIEF_BYTES = 64 * 1024
"""How many bytes of documents it may read."""


class TooLong(Exception):
    """A brief run reads too much. It is to start again as another one, whatever the function makes of this."""


@dataclass
class Reads:
    """What was read so far.

    users: the sessions whose user was asked for, or that were opened, and the users whose sessions were asked for, as
    `Lineage` names them.
    brief: whether the run is a brief one.
    """

    ranges: list[Range] = field(default_factory=list[Range])
    documents: set[str] = field(default_factory=no_elements)
    users: set[str] = field(default_factory=no_elements)
    looks: int = 0
    bytes: int = 0
    brief: bool = False

    def count(self, size: int, source: str) -> None:
        """Counts a document of so many bytes, read from `source`; raises `LimitError` or `TooLong` for one too many."""
        self.looks += 1
        self.bytes += size
        self.check()
        if self.looks > MAX_DOCUMENTS or self.bytes > MAX_BYTES:
            most = f"{MAX_DOCUMENTS:,} documents" if self.looks > MAX_DOCUMENTS else f"{MAX_BYTES:,} bytes"
            raise LimitError(
                f"The function reads more than {most}, the last of them from {source}: "
                "narrow the query by an index, or read a part of it with take() or paginate()."
            )

    def check(self) -> None:
        """Raises `TooLong` when more was read than a brief run may."""
        if self.brief and (self.looks > BRIEF_DOCUMENTS or self.bytes > BRIEF_BYTES):
            raise TooLong

    def touched_by(self, writes: Writes) -> bool:
        """Whether a write changes something of what was read."""
        if not self.documents.isdisjoint(writes.documents):
            return True
        if self.users and (writes.users is None or not self.users.isdisjoint(writes.users)):
            return True
        return any(each.holds(entry.number, entry.position) for each in self.ranges for entry in writes.entries)
