"""How work ends on another thread: with a value or an error, carried home as plain data.

Errors travel as values, because not every exception may be put into an asyncio future (`StopIteration` would
leave its caller waiting for ever) or raised in an event loop (`SystemExit` would end the server).
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar, cast

T = TypeVar("T")


class Outcome(NamedTuple, Generic[T]):
    """A value, or the error that was raised instead."""

    value: T | None = None
    error: Exception | None = None

    def result(self) -> T:
        """The value; raises the error."""
        if self.error is not None:
            raise self.error
        return cast("T", self.value)


def attempt(work: Callable[[], T]) -> Outcome[T]:
    """Does `work` and says how it ended; nothing escapes."""
    try:
        return Outcome(value=work())
    except Exception as error:
        return Outcome(error=error)
    except BaseException as error:
        return Outcome(error=tamed(error))


def tamed(error: BaseException) -> RuntimeError:
    """What stands for an exception that is meant to end a whole program, such as `SystemExit`."""
    wrapped = RuntimeError(f"{type(error).__name__} was raised in a function, which can't end the server.")
    wrapped.__cause__ = error
    return wrapped
