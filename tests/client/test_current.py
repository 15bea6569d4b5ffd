"""Which session is the current one; test_provider.py shows it through use_session."""

from types import SimpleNamespace
from typing import Any

from pillion import current


def session(key: str) -> Any:
    """All that matters of a session here is its key."""
    return SimpleNamespace(key=key)


def test_the_innermost_above_comes_before_the_latest_on_the_ground() -> None:
    """With a key, only those that have it count."""
    a, b, inner = session("a"), session("b"), session("a")
    assert current.find(None) is None
    assert current.install(a) == current.install(b) == []
    assert (current.find(None), current.find("a")) == (b, a)
    outer = current.enter(inner)
    assert (current.find(None), current.find("a"), current.find("b")) == (inner, inner, b)
    current.leave(outer)
    for each in (a, b):
        current.uninstall(each)
        current.uninstall(each)
    assert current.find(None) is None


def test_the_ground_holds_one_session_of_a_key() -> None:
    """The one that makes room is handed back; laying the same one again moves it to the top."""
    first, second, other = session("k"), session("k"), session("o")
    assert current.install(first) == []
    assert current.install(second) == [first]
    assert current.install(other) == []
    assert current.install(second) == []
    assert current.find(None) is second
    for each in (second, other):
        current.uninstall(each)
