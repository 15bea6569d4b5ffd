"""Functions of the page's own, called so that each is harmed only by its own errors."""

import asyncio
import warnings
from typing import Any

import pytest

from pillion.callbacks import complain, tell

ID = "0123456789abcdef0123456789abcdef"


def test_plain_and_async_ones_are_called() -> None:
    """The async ones run on their own."""
    told: list[Any] = []

    async def later(value: object) -> None:
        await asyncio.sleep(0)
        told.append(("later", value))

    async def main() -> None:
        tell(told.append, 1, "mine")
        tell(later, 2, "mine")
        assert told == [1]
        while len(told) < 2:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert told == [1, ("later", 2)]


def test_what_they_raise_is_a_warning() -> None:
    def failing(_: object) -> None:
        raise ValueError("no")

    async def failing_later(_: object) -> None:
        await asyncio.sleep(0)
        raise KeyError("later")

    async def cancelled(_: object) -> None:
        raise asyncio.CancelledError

    async def main() -> None:
        with pytest.warns(RuntimeWarning, match="pillion: mine failed: ValueError: no"):
            tell(failing, 1, "mine")
        tell(failing_later, 1, "mine")
        with pytest.warns(RuntimeWarning, match="pillion: mine failed: KeyError: 'later'"):
            await asyncio.sleep(0.01)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tell(cancelled, 1, "mine")
            await asyncio.sleep(0.01)

    asyncio.run(main())


@pytest.mark.parametrize("secret", [None, ID])
def test_no_warning_shows_an_id(secret: str | None) -> None:
    """Known or not."""
    with pytest.warns(RuntimeWarning, match="sess_") as caught:
        complain(ValueError(f"with {ID}"), "mine", secret)
    assert ID not in str(caught[0].message)
