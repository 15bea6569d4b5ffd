"""Ranges of an index: equal fields first, then bounds of the next field, then where a page begins and ends.

An entry of an index lies at a position: its key, and the number of its document where keys are equal. The fields that
can be looked up are those of the index, and after them `_creation_time`.
"""

from dataclasses import dataclass
from typing import Self

from pillion_server.instances import plain
from pillion_server.keys import ABOVE, key_of
from pillion_server.schema import Index
from pillion_shared import encode

Position = tuple[bytes, int]
"""A key, and the number of a document, or -1 for before all documents with that key."""


@dataclass(slots=True)
class Range:
    """The entries of one index between two positions, both excluded. Nobody changes one.

    prefix: the key of the equal fields, with which every entry begins. depth: how many fields that are.
    """

    index: Index
    prefix: bytes
    depth: int
    lower: Position
    upper: Position
    descending: bool = False

    @classmethod
    def whole(cls, index: Index, *, descending: bool = False) -> Self:
        """All entries of an index."""
        return cls(index, b"", 0, *_around(b""), descending)

    @property
    def is_whole(self) -> bool:
        """Whether it is all entries of its index."""
        return not (self.prefix or self._has_lower or self._has_upper)

    def eq(self, field: str, value: object) -> Self:
        """Those whose next field equals `value`; raises `ValueError` when `field` is not the next one."""
        if self._has_lower or self._has_upper:
            raise self._misfit("eq", field)
        prefix = self.prefix + self._key("eq", field, value)
        return type(self)(self.index, prefix, self.depth + 1, *_around(prefix), self.descending)

    def above(self, field: str, value: object, *, inclusive: bool) -> Self:
        """Those whose next field is greater than `value`, or equal to it if `inclusive`."""
        step = "gte" if inclusive else "gt"
        if self._has_lower:
            raise self._misfit(step, field)
        lower, upper = _around(self.prefix + self._key(step, field, value))
        return self._between(lower if inclusive else upper, self.upper)

    def below(self, field: str, value: object, *, inclusive: bool) -> Self:
        """Those whose next field is less than `value`, or equal to it if `inclusive`."""
        step = "lte" if inclusive else "lt"
        if self._has_upper:
            raise self._misfit(step, field)
        lower, upper = _around(self.prefix + self._key(step, field, value))
        return self._between(self.lower, upper if inclusive else lower)

    def directed(self, *, descending: bool) -> Self:
        """The same, in this order."""
        return type(self)(self.index, self.prefix, self.depth, self.lower, self.upper, descending)

    def after(self, position: Position) -> Self:
        """Those that come after `position`, in the order of the range."""
        return self._between(self.lower, position) if self.descending else self._between(position, self.upper)

    def through(self, position: Position) -> Self:
        """Those up to `position` and with it, in the order of the range."""
        key, doc = position
        lower, upper = ((key, doc - 1), self.upper) if self.descending else (self.lower, (key, doc + 1))
        return self._between(lower, upper)

    def holds(self, number: int, position: Position) -> bool:
        """Whether an entry of the index `number` lies in it."""
        return number == self.index.number and self.lower < position < self.upper

    def _between(self, lower: Position, upper: Position) -> Self:
        return type(self)(self.index, self.prefix, self.depth, lower, upper, self.descending)

    @property
    def _has_lower(self) -> bool:
        return self.lower != (self.prefix, -1)

    @property
    def _has_upper(self) -> bool:
        return self.upper != (self.prefix + ABOVE, -1)

    def _key(self, step: str, field: str, value: object) -> bytes:
        if field not in self.index.columns[self.depth : self.depth + 1]:
            raise self._misfit(step, field)
        value = plain(value)
        encode(value, f"$.{field}")  # refuses what no document can hold
        return key_of((value,))

    def _misfit(self, step: str, field: str) -> ValueError:
        index = self.index
        return ValueError(
            f"The index {index.name!r} of {index.table!r} is over {', '.join(index.columns)}, in this order: "
            f"eq from the first on, then gt or gte, and lt or lte, of the next. {step} of {field!r} doesn't fit there."
        )


def _around(key: bytes) -> tuple[Position, Position]:
    """The positions before and after everything that begins with `key`."""
    return (key, -1), (key + ABOVE, -1)
