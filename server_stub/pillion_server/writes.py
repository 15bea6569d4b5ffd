"""What one transaction has written: index entries as they were before and are after, and IDs of documents."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pillion_server.ranges import Position


class Entry(NamedTuple):
    """One entry of the index `number`.

    prefixes: its key's beginnings, from no field to all of them.
    """

    number: int
    prefixes: tuple[bytes, ...]
    doc: int

    @property
    def key(self) -> bytes:
        return self.prefixes[-1]

    @property
    def position(self) -> Position:
        return self.key, self.doc

    @property
    def row(self) -> tuple[int, bytes, int]:
        """As it stands in the database."""
        return self.number, self.prefixes[-1], self.doc


def no_elements() -> set[Any]:
    """An empty set, for which `set[str]()` takes ten times as long."""
    return set()


@dataclass
class Writes:
    """What was written so far.

    entries: those of every index of each document that was written, also where the key stayed the same.
    users: the sessions whose user may be another one now, the users whose sessions may be, or `None` for all of them.
    """

    entries: set[Entry] = field(default_factory=no_elements)
    documents: set[str] = field(default_factory=no_elements)
    users: set[str] | None = field(default_factory=no_elements)

    @property
    def nothing(self) -> bool:
        """Whether nothing was written."""
        return not (self.entries or self.documents) and self.users == set()
