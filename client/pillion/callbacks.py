"""Calling functions of the page's own: plain or async, each harmed only by its own errors."""

import asyncio

from pillion import _platform
from pillion._aio import is_awaitable, spawn
from pillion_shared.ids import quotable, without_ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def tell(callback: "Callable[..., object]", argument: object, name: str, secret: "str | None" = None) -> None:
    """Calls `callback(argument)`; an async one runs on its own. What it raises becomes a warning that says `name`.

    secret: the ID that the warning must not show; without one it shows nothing that looks like an ID.
    """
    try:
        outcome = callback(argument)
    except (Exception, asyncio.CancelledError) as error:
        complain(error, name, secret)
    else:
        if is_awaitable(outcome):
            spawn(_finish(outcome, name, secret))  # type: ignore[arg-type]


def complain(error: BaseException, name: str, secret: "str | None" = None) -> None:
    """The warning that what is called `name` has failed."""
    text = f"{type(error).__name__}: {error}"
    why = quotable(text) if secret is None else without_ids(text, secret)
    _platform.warn(f"pillion: {name} failed: {why}")


async def _finish(outcome: "Awaitable[object]", name: str, secret: "str | None") -> None:
    try:
        await outcome
    except Exception as error:
        complain(error, name, secret)
