"""A coroutine that is begun at once, for who can do without what only waiting needs: a timeout, say."""

from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class Begun(Generic[T]):
    """Runs `work` up to where it has to wait; awaiting this does the rest. Raises what it raises until then.

    done: whether it did not have to wait at all, so that there is a `value`.
    """

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._waits_for: Any = None
        self._value: T | None = None
        self.done = False
        try:
            self._waits_for = work.send(None)
        except StopIteration as end:
            self._value, self.done = end.value, True

    @property
    def value(self) -> T:
        """What it returned."""
        return cast("T", self._value)

    def __await__(self) -> Generator[Any, Any, T]:
        waits_for = self._waits_for
        try:
            while True:
                try:
                    come = yield waits_for
                except BaseException as error:
                    waits_for = self._work.throw(error)
                else:
                    waits_for = self._work.send(come)
        except StopIteration as end:
            return cast("T", end.value)
