"""What the page's own JavaScript is given; how its calls then go out is in browser/test_ways_out.py."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from pillion import Client, SessionError, SessionProvider, _platform, javascript
from pillion.testing import MockTransport


class Page:
    """The page, which remembers what is installed."""

    def __init__(self) -> None:
        self.installed: list[tuple[set[str], dict[str, Callable[..., Any]], str]] = []
        self.laid_again = 0

    def install(
        self, origins: Iterable[str], functions: dict[str, Callable[..., Any]], name: str
    ) -> Callable[[], None]:
        entry = set(origins), functions, name
        self.installed.append(entry)
        return lambda: self.installed.remove(entry)

    def lay_again(self) -> None:
        self.laid_again += 1

    def error(self, name: str, message: str) -> tuple[str, str]:
        return name, message


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    """In the place of the browser's."""
    page = Page()
    monkeypatch.setattr(_platform, "page", lambda: page)
    return page


def offer() -> SessionProvider:
    """A session whose ID may go to two origins."""
    client = Client("https://shop.example/api", MockTransport(lambda call: None))
    return SessionProvider(client, "memory", allow_origins=["https://api.example"])


def test_outside_a_browser_there_is_no_javascript() -> None:
    """It is said, not ignored."""
    provider = SessionProvider(Client("/api", MockTransport(lambda call: None)), "memory")
    with pytest.raises(SessionError, match="is for pages"):
        javascript.install(provider.session)


def test_it_is_installed_once_and_removed_once(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks again gets the same function that undoes it; another session, or name, is another matter."""
    first, second = offer().session, offer().session
    monkeypatch.setattr(_platform, "IN_BROWSER", True)
    undo = javascript.install(first, "mine")
    assert page.laid_again == 0
    assert javascript.install(first, "mine") is undo
    assert page.laid_again == 1
    other = javascript.install(second)
    assert [(origins, name) for origins, _, name in page.installed] == [
        ({"https://shop.example", "https://api.example"}, "mine"),
        ({"https://shop.example", "https://api.example"}, "pillion"),
    ]
    undo()
    undo()
    assert len(page.installed) == 1
    other()
    assert page.installed == []
    javascript.install(first)()
    assert page.installed == []


def test_each_name_is_undone_by_itself(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """And all of them by the end of the session."""
    session = offer().session
    monkeypatch.setattr(_platform, "IN_BROWSER", True)
    undo = javascript.install(session, "mine")
    assert javascript.install(session, "ours") is not undo
    assert [name for _, _, name in page.installed] == ["mine", "ours"]
    undo()
    assert [name for _, _, name in page.installed] == ["ours"]
    javascript.install(session, "mine")
    session.dispose()
    assert page.installed == []


def test_its_rule_gives_waits_and_says_why(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the ID is there, with it, and after its end."""
    provider = offer()

    async def main() -> None:
        monkeypatch.setattr(_platform, "IN_BROWSER", True)
        undo = javascript.install(provider.session)
        monkeypatch.setattr(_platform, "IN_BROWSER", False)
        ((_, rule, _),) = page.installed
        assert (rule["value"](), rule["now"](), rule["id"](), rule["state"]()) == (None, None, None, "unknown")
        assert "await session.ready()" in rule["why"]()
        told: list[object] = []
        rule["wait"](told.append, told.append)
        rule["ready"](told.append, told.append)
        session_id = await provider.session.ready()
        while len(told) < 2:
            await asyncio.sleep(0)
        header = f"Session {session_id}"
        assert set(told) == {header, session_id}
        assert (rule["value"](), rule["now"](), rule["id"](), rule["state"]()) == (
            header,
            header,
            session_id,
            "present",
        )
        provider.session.dispose()
        assert page.installed == []
        told.clear()
        rule["wait"](told.append, told.append)
        while not told:
            await asyncio.sleep(0)
        ((name, message),) = told
        assert name == "NotReadyError"
        assert "closed" in message
        undo()

    asyncio.run(main())
