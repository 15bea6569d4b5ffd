"""What every place gives under one name; the browser's side is tested in browsers."""

import pytest

from pillion import _platform


def test_random_bytes_differ() -> None:
    """As many as asked for, and never the same."""
    first, second = _platform.random_bytes(16), _platform.random_bytes(16)
    assert len(first) == len(second) == 16
    assert first != second


def test_cpython_is_no_browser_and_warns_in_python() -> None:
    """The place is told by sys.platform alone, whatever modules happen to be installed."""
    assert not _platform.IN_BROWSER
    with pytest.warns(RuntimeWarning, match="take care"):
        _platform.warn("take care")


def test_the_clock_never_runs_backwards() -> None:
    """It measures waits."""
    first = _platform.now()
    assert _platform.now() >= first
