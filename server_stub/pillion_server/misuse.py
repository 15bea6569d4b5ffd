"""What developers give to builders, queries and declarations: a value of a wrong type is refused where it is given."""

from collections.abc import Callable
from typing import Any

from pillion_shared.ids import quotable

_SHOWN = (type(None), bool, int, float, str)


def expect(
    given: object, kind: Any, takes: str, error: Callable[[str], Exception] = TypeError, *, but: type | None = None
) -> None:
    """Raises `error` unless `given` is an instance of `kind`, and not of `but`.

    takes: a sentence without its end, `take() takes a whole number`; what was given is put there.
    """
    if not isinstance(given, kind) or (but is not None and isinstance(given, but)):
        shown = quotable(repr(given)[:80]) if isinstance(given, _SHOWN) else f"an object of type {type(given).__name__}"
        raise error(f"{takes}, not {shown}.")
