"""The return annotation is the schema of the result: it is checked, and what it doesn't name stays here.

    class Item(TypedDict):
        name: str

    @session_query
    def get(ctx: SessionCtx) -> list[Item]: ...  # documents; their session_id never leaves

Without an annotation, or with `Any`, whatever can travel is returned as it is.
"""

import inspect
from collections.abc import Callable
from typing import Any

from pillion_server.annotations import Reader, Use, hints_of
from pillion_server.errors import DefinitionError
from pillion_server.fitting import Misfit, session_of


class Returns:
    """What a handler says that it returns, compiled; raises `DefinitionError` when that can't be read."""

    def __init__(self, owner: str, handler: Callable[..., object]) -> None:
        self._owner = owner
        self.annotation = _annotation_of(owner, handler)
        try:
            self._shape = Reader(Use.RESULT).shape_of(self.annotation)
        except TypeError as error:
            raise DefinitionError(f"{owner}: what it returns can't be checked: {error}.") from error

    def fit(self, result: object) -> Any:
        """The result as its caller may see it; raises `TypeError`, naming the place, when it doesn't fit."""
        try:
            return self._shape.fit(result, session_of)
        except Misfit as error:
            where = f"at `{error.place}` " if error.place else ""
            raise TypeError(
                f"{self._owner} returned {where}what its annotation doesn't say: {error.sentence}."
            ) from None


def _annotation_of(owner: str, handler: Callable[..., object]) -> Any:
    said = inspect.signature(handler).return_annotation
    return Any if said is inspect.Signature.empty else hints_of(owner, handler, {"return": said})["return"]
