"""How work ends on another thread."""

import asyncio

import pytest

from pillion_server.outcome import Outcome, attempt


def test_a_value_and_an_error() -> None:
    """Either comes out where it is asked for."""
    assert attempt(lambda: 3).result() == 3
    assert Outcome[None](value=None).result() is None
    with pytest.raises(ZeroDivisionError):
        attempt(lambda: 1 / 0).result()


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()])
def test_nothing_escapes(error: BaseException) -> None:
    """A handler can end neither the thread that it runs on nor the event loop that hears of it."""

    def work() -> None:
        raise error

    outcome = attempt(work)
    assert type(outcome.error) is RuntimeError
    assert type(error).__name__ in str(outcome.error)
    assert outcome.error.__cause__ is error
