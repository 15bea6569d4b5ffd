"""Which session is the current one; test_provider.py shows it through use_session."""

from types import SimpleNamespace
from typing import Any

from pillion import current


def session(key: str, scope: str = "tab") -> Any:
    """All that matters of a session here is its key and scope."""
    return SimpleNamespace(key=key, scope=scope)


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


def test_sessions_of_one_key_and_two_scopes_lie_side_by_side() -> None:
    """Each is found by its scope."""
    of_tab, of_browser = session("k"), session("k", "browser")
    assert current.install(of_tab) == current.install(of_browser) == []
    assert current.find("k") is of_browser
    assert (current.find("k", "tab"), current.find(scope="browser"), current.find("k", "page")) == (
        of_tab,
        of_browser,
        None,
    )
    for each in (of_tab, of_browser):
        current.uninstall(each)


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
