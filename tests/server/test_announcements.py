"""Commits on their way to the live queries."""

import pytest

from pillion_server.announcements import Announcements
from pillion_server.writes import Writes

A, B, C = (Writes(documents={name}) for name in "abc")


def test_what_is_taken_is_of_the_time_and_before() -> None:
    """Each once, in order."""
    announcements = Announcements()
    announcements.add(1, [A])
    announcements.add(3, [B, C])
    assert announcements.take(0) == []
    assert announcements.take(2) == [A]
    assert announcements.take(3) == [B, C]
    assert announcements.take(9) == []


def test_too_many_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is said once; what comes later is kept again."""
    monkeypatch.setattr("pillion_server.announcements.MOST", 2)
    announcements = Announcements()
    for ts in range(3):
        announcements.add(ts, [A])
    assert announcements.take(9) is None
    announcements.add(10, [B])
    assert announcements.take(10) == [B]
    announcements.forget()
    assert announcements.take(10) is None
