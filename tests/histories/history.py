"""What callers saw of transactions that read lists and append to them.

Every appended value is a different one, so a list tells which transactions it has been through, in which order.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Read:
    """A list as it was found."""

    key: int
    values: tuple[int, ...]


@dataclass(frozen=True)
class Append:
    """One more value at the end of a list."""

    key: int
    value: int


@dataclass(frozen=True)
class Transaction:
    """The steps of one call, and when it began and ended, in nanoseconds of one clock.

    ended: `None` when no answer came, so that it may have happened or not. failed: the answer was an error.
    What is not known, such as a read whose answer is lost, is not among the steps.
    """

    steps: tuple[Read | Append, ...]
    began: int
    ended: int | None
    failed: bool = False


History = Sequence[Transaction]
