"""What there is to tell of a call, for the log and the metrics: never its arguments, so never a session."""

import secrets
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pillion_server.errors import CallError, DatabaseError, Refused
from pillion_shared import FunctionError, PathError

Outcome = Literal["success", "refused", "function_error", "failed", "database_error", "abandoned"]
"""How a call ended.

refused          there is no such function for its caller, the arguments are not the function's, or its
                 Idempotency-Key or its time can't be
function_error   the function raised `FunctionError`
failed           it raised anything else
database_error   the database could not be read or written
abandoned        the server stopped, or what waited for the answer gave up
"""

Source = Literal["run", "cache", "replay"]
"""Where an answer is from: a run of the function, a kept answer, or the one recorded under an Idempotency-Key."""

UNKNOWN = "unknown"
"""Stands for every function that there is not, so that callers can't make up names for the log and the metrics."""

_OUTCOMES: tuple[tuple[tuple[type[Exception], ...], Outcome], ...] = (
    ((CallError, PathError, Refused), "refused"),
    ((FunctionError,), "function_error"),
    ((DatabaseError,), "database_error"),
)


@dataclass
class CallRecord:
    """One call, from its arrival on; one of a batch lasts as long as the batch.

    inside: whether a function of this server made it.
    kind: of the function, or what it was called as while that is not known. function: a canonical path, or `UNKNOWN`.
    """

    kind: str
    function: str = UNKNOWN
    inside: bool = False
    outcome: Outcome = "abandoned"
    source: Source = "run"
    seconds: float = 0.0
    _begun: float = field(default_factory=time.perf_counter)

    @cached_property
    def request_id(self) -> str:
        """Names the call to its caller and in the log."""
        return secrets.token_hex(8)

    @property
    def duration_ms(self) -> float:
        """How long it took, or has taken so far, in milliseconds."""
        return (self.seconds or time.perf_counter() - self._begun) * 1000

    def end(self) -> None:
        """Stops the clock."""
        self.seconds = time.perf_counter() - self._begun

    def failed(self, error: Exception) -> None:
        """Sets the outcome of a call that ended with an error."""
        self.outcome = "failed"
        for kinds, outcome in _OUTCOMES:
            if isinstance(error, kinds):
                self.outcome = outcome

    def fields(self) -> dict[str, object]:
        """What a line of the log holds besides its message."""
        return {
            "request_id": self.request_id,
            "function": self.function,
            "kind": self.kind,
            "duration_ms": round(self.duration_ms, 3),
            "outcome": self.outcome,
        }
