"""Values that fit a type, or don't: what each part of an annotation is compiled to, and how it says no.

`annotations` makes the shapes; `scalars`, `containers` and `objects` hold them.
"""

from collections.abc import Callable
from typing import Any, Protocol

from pillion_server.sessions import SessionId, epoch_of
from pillion_shared.ids import quotable
from pillion_shared.values import MAX_SAFE_INTEGER

Session = Callable[[object], SessionId]
"""Makes a value a session; raises `ValueError` for what is not one."""

_NAMES: dict[type, str] = {type(None): "null", dict: "object", list: "array", tuple: "array"}


class Misfit(Exception):
    """A value is not of its type: a sentence, and the steps that lead to it, the last one first.

    other: it is of another type altogether, so a union may have meant another member.
    """

    def __init__(self, sentence: str, *, other: bool = False) -> None:
        super().__init__(sentence)
        self.sentence, self.other = sentence, other
        self.steps: list[str] = []

    @property
    def place(self) -> str:
        """Where it is, `points[0].x`; keys that could be session IDs are masked."""
        return quotable("".join(reversed(self.steps)).removeprefix("."))


def session_of(value: object) -> SessionId:
    """Makes a digest a session, where no raw ID can be: in results and in documents."""
    if not isinstance(value, str):
        raise ValueError(f"expected `SessionId`, got `{kind_of(value)}`")  # noqa: TRY004 - as `Sessions` do
    epoch_of(value)
    return value if isinstance(value, SessionId) else SessionId(value)


class Shape(Protocol):
    """A type, compiled."""

    @property
    def name(self) -> str:
        """The type, for messages."""
        ...

    def fit(self, value: object, session: Session, /) -> Any:
        """The value as this type has it; raises `Misfit`."""
        ...


def misfit(shape: Shape, value: object) -> Misfit:
    """What to raise for a value that is of another type."""
    if isinstance(value, float) and value.is_integer() and abs(value) > MAX_SAFE_INTEGER and shape.name == "int":
        return Misfit("expected `int`, got a `float` beyond 2^53, which may be rounded: use Int64", other=True)
    return Misfit(f"expected `{shape.name}`, got `{kind_of(value)}`", other=True)


def kind_of(value: object) -> str:
    """What a value is called on the wire."""
    return _NAMES.get(type(value), type(value).__name__)


def at(error: Misfit, step: str) -> Misfit:
    """The misfit, one step further out."""
    error.steps.append(step)
    return error


def shown(key: object) -> str:
    """A key for a message: short, and no session ID."""
    return quotable(str(key)[:80])
