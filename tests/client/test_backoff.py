"""The waits between connections."""

import pytest

from pillion.backoff import Backoff


@pytest.mark.parametrize(
    ("reason", "waits"),
    [
        ("ConnectionLost", [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 16.0, 16.0]),
        ("InternalServerError: sorry", [1.0, 2.0, 4.0, 8.0, 16.0, 16.0]),
        ("TooManyConcurrentRequests", [3.0, 6.0, 12.0, 16.0]),
    ],
)
def test_they_double(reason: str, waits: list[float]) -> None:
    """Up to a limit, from where the reason says, and from the beginning after a reset."""
    backoff = Backoff(lambda: 0.5)
    for _ in range(2):
        assert [backoff.fail(reason) for _ in waits] == pytest.approx(waits)
        assert backoff.failures == len(waits)
        backoff.reset()


def test_they_are_spread() -> None:
    """So that not all clients come back at once."""
    assert Backoff(lambda: 0.0).fail("") == pytest.approx(0.05)
    assert Backoff(lambda: 0.999).fail("") == pytest.approx(0.15, rel=0.01)


def test_they_never_overflow() -> None:
    """Nor end, after days."""
    backoff = Backoff(lambda: 0.5)
    assert [backoff.fail("") for _ in range(5000)][-1] == 16.0
