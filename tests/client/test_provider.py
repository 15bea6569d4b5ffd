"""The provider and use_session."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from client.world import Tab, Window, World
from pillion import (
    Client,
    CookieStorage,
    InvalidIdError,
    MemoryStorage,
    NoSessionError,
    Session,
    SessionError,
    SessionId,
    SessionProvider,
    StorageError,
    current,
    use_session,
)
from pillion.testing import MockTransport
from pillion_shared import is_token, is_uuid4


@pytest.fixture
def client() -> Client:
    """A client of a server that says nothing."""
    return Client("/api", MockTransport(lambda call: None))


@pytest.fixture(autouse=True)
def bare_page() -> Iterator[None]:
    """Every test begins and ends without a session."""
    with pytest.raises(NoSessionError):
        use_session()
    yield
    with pytest.raises(NoSessionError):
        use_session()


def test_without_a_provider_the_error_says_what_to_write() -> None:
    """Also when only the key is unknown."""
    with pytest.raises(NoSessionError, match=r"Begin the page with SessionProvider\(client\)\.install\(\)"):
        use_session()
    with pytest.raises(NoSessionError, match="No session with the key 'other'"):
        use_session("other")


def test_an_installed_session_is_found_everywhere(client: Client) -> None:
    """Also from an event handler, whose context knows nothing of the page's script."""
    provider = SessionProvider(client, storage="memory")
    session = provider.install()
    assert use_session() is session
    found: list[object] = []
    __import__("contextvars").Context().run(lambda: found.append(use_session()))
    assert found == [session]
    provider.uninstall()


def test_sessions_of_several_keys_live_side_by_side(client: Client) -> None:
    """Each is found by its key; without one it is the latest."""
    providers = [SessionProvider(client, storage="memory", storage_key=key) for key in ("a", "b")]
    a, b = (provider.install() for provider in providers)
    assert (use_session("a"), use_session("b"), use_session()) == (a, b, b)

    async def ids() -> set[str]:
        return {await a.ready(), await b.ready()}

    assert len(asyncio.run(ids())) == 2
    for provider in providers:
        provider.uninstall()


def test_a_session_installed_again_replaces_and_closes_the_first(client: Client) -> None:
    """Two owners of one ID would be one too many."""
    first = SessionProvider(client, storage="memory").install()
    provider = SessionProvider(client, storage="memory")
    second = provider.install()
    assert use_session() is second
    with pytest.raises(Exception, match="closed"):
        asyncio.run(first.ready())
    provider.uninstall()


def test_a_context_local_session_lies_over_the_pages(client: Client) -> None:
    """Inside, innermost first; outside, the page's again."""
    provider = SessionProvider(client, storage="memory")
    page = provider.install()
    with SessionProvider(client, storage="memory") as outer:
        with SessionProvider(client, storage="memory", storage_key="inner") as inner:
            assert use_session() is inner
            assert use_session("pillion-session") is outer
        assert use_session() is outer
    assert use_session() is page
    provider.uninstall()


def test_two_renders_at_once_see_their_own(client: Client) -> None:
    """As on a server that renders for two visitors."""

    async def render() -> bool:
        with SessionProvider(client, storage=MemoryStorage()) as session:
            await asyncio.sleep(0)
            return use_session() is session

    async def main() -> list[bool]:
        return list(await asyncio.gather(*(render() for _ in range(10))))

    assert asyncio.run(main()) == [True] * 10


def test_a_provider_is_entered_once(client: Client) -> None:
    """Not inside itself, not beside itself, not again: what the first `with` laid is taken away whole."""
    provider = SessionProvider(client, storage="memory")

    async def render() -> object:
        with provider as session:
            await asyncio.sleep(0)
            return use_session() is session

    async def main() -> list[object]:
        return await asyncio.gather(render(), render(), return_exceptions=True)

    first, second = asyncio.run(main())
    assert first is True
    assert isinstance(second, SessionError)
    assert "make one for each `with`" in str(second)

    twice = SessionProvider(client, storage="memory")
    with pytest.raises(SessionError, match="entered once"), twice, twice:
        pass
    with pytest.raises(SessionError, match="entered once"), twice:
        pass


@pytest.mark.parametrize("storage", ["session", "local", "cookie", CookieStorage(partitioned=True)])
def test_a_place_without_the_storage_says_what_to_pass(client: Client, storage: str) -> None:
    """Unless the session is friendly to it."""
    with pytest.raises(StorageError, match=r"outside a browser\. Pass ssr_friendly=True .* storage='memory'"):
        SessionProvider(client, storage=storage)
    with SessionProvider(client, storage=storage, ssr_friendly=True) as session:
        assert session.id is None


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"duplicate": "copy"}, "duplicate is 'fork', 'share', or a function that says which, not 'copy'"),
        ({"id_format": "short"}, "id_format is 'uuid' or 'token', not 'short'"),
        ({"idle_timeout": 0}, "idle_timeout is a number of seconds above 0, or None, not 0"),
        ({"absolute_timeout": -1}, "absolute_timeout is a number of seconds above 0, or None, not -1"),
    ],
)
def test_what_it_is_told_is_checked_at_once(client: Client, arguments: dict[str, Any], why: str) -> None:
    """Not when the first tab is duplicated."""
    with pytest.raises(ValueError, match=why):
        SessionProvider(client, storage="memory", **arguments)


def test_ids_of_256_bits_are_a_choice(client: Client) -> None:
    """And those of the other format count as rubbish then."""

    async def main() -> None:
        storage = MemoryStorage()
        with SessionProvider(client, storage=storage) as session:
            assert is_uuid4(await session.ready())
        with SessionProvider(client, storage=storage, id_format="token") as session:
            assert is_token(await session.ready())
            assert is_token(await session.refresh())

    asyncio.run(main())


def later(choice: object) -> Callable[[SessionId], object]:
    """An async function that says so."""

    async def choose(_parent: SessionId) -> object:
        await asyncio.sleep(0)
        return choice

    return choose


@pytest.mark.parametrize(
    ("duplicate", "is_shared"),
    [("fork", False), ("share", True), (lambda parent: "share", True), (later("fork"), False), (later("share"), True)],
)
def test_a_duplicated_tab_says_where_it_came_from(
    client: Client, world: World, duplicate: Any, is_shared: bool
) -> None:
    """With an ID of its own, or the same one, as the provider says."""

    def begin(tab: Tab) -> Session:
        window = tab.windows[0]
        session = window.context.copy().run(lambda: SessionProvider(client, duplicate=duplicate).session)
        world.loop.run_until_complete(window.start(session.ready()))
        return session

    tab = world.open()
    first = begin(tab)
    assert (first.origin, first.parent) == ("new", None)
    second = begin(world.open(tab))
    assert (second.origin, second.parent) == ("duplicate", first.id)
    assert (second.id == first.id) is is_shared
    tab.download()  # for a moment the claim is free, and one that shares may have it
    world.run(5)
    assert (first.origin, first.parent) == ("new", None)
    assert (second.id == first.id) is is_shared
    tab.reload()
    again = begin(tab)
    if not is_shared:
        assert (again.id, again.origin, again.parent) == (first.id, "restored", None)


def test_a_policy_that_does_not_end_is_a_fork(client: Client, world: World) -> None:
    """Also one that waits for itself, by a call through the session that waits for it."""
    tab, sessions = world.open(), list[Session]()

    async def ask(_parent: SessionId) -> object:
        return await sessions[0].query("carts:policy")

    async def never(_parent: SessionId) -> object:
        return await asyncio.Event().wait()

    for policy in (ask, never):
        window = (tab if not sessions else world.open(tab)).windows[0]
        sessions.append(window.context.copy().run(lambda each=policy: SessionProvider(client, duplicate=each).session))
        world.loop.run_until_complete(window.start(sessions[-1].ready(60)))
    first, second = sessions
    assert (second.origin, second.parent, second.id == first.id) == ("duplicate", first.id, False)
    window = tab.windows[0]
    stranger = world.open(tab).windows[0]
    tab.navigate()
    guest = stranger.context.copy().run(lambda: SessionProvider(client).session)
    world.loop.run_until_complete(stranger.start(guest.ready()))
    assert guest.id == first.id, "while the page is in the cache, its ID is free"
    tab.go_back()
    world.loop.run_until_complete(window.start(first.query("carts:mine")))
    assert (first.origin, first.parent, first.id == guest.id) == ("duplicate", guest.id, False)
    assert "has said nothing within 10 s" in str(window.warnings)


def test_on_a_prerendered_page_the_time_begins_when_it_is_shown(client: Client, world: World) -> None:
    """Nothing is read before, and nobody gives up."""
    window = world.open().windows[0]
    window.is_prerendered = True
    session = window.context.copy().run(lambda: SessionProvider(client).session)
    calls = [window.start(work) for work in (session.ready(), session.query("a:b"), session.mutation("a:b"))]
    world.run(100)
    assert session.state == "unknown"
    assert not any(call.done() for call in calls)
    window.is_prerendered = False
    world.run(1)
    assert [call.result() for call in calls] == [session.id, None, None]


def test_a_policy_that_fails_later_fails_the_call(client: Client, world: World) -> None:
    """As when the page is back from the cache and another tab has its ID: the call must not go out under that."""
    tab = world.open()
    window = tab.windows[0]
    first = window.context.copy().run(lambda: SessionProvider(client, duplicate=lambda parent: "maybe").session)
    world.loop.run_until_complete(window.start(first.ready()))
    stranger = world.open(tab).windows[0]
    tab.navigate()
    guest = stranger.context.copy().run(lambda: SessionProvider(client).session)
    world.loop.run_until_complete(stranger.start(guest.ready()))
    tab.go_back()
    for _ in range(3):
        with pytest.raises(InvalidIdError, match="not 'maybe'"):
            world.loop.run_until_complete(window.start(first.query("carts:mine")))
    world.run(20)


def test_a_generator_that_does_not_end_is_an_error(client: Client, world: World) -> None:
    """And no wait for ever."""
    window = world.open().windows[0]

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    session = window.context.copy().run(lambda: SessionProvider(client, id_generator=never).session)
    with pytest.raises(InvalidIdError, match="has made nothing within 10 s"):
        world.loop.run_until_complete(window.start(session.ready(60)))


def test_the_users_storage_says_whether_it_is_persistent(client: Client) -> None:
    """Where it says so."""

    class Users(MemoryStorage):
        name = "users"

    session = SessionProvider(client, storage=Users()).session
    assert (session.storage.kind, session.storage.persistent) == ("users", False)


def test_a_session_per_tab_and_one_per_browser_live_under_one_key(client: Client, world: World) -> None:
    """Each has an ID of its own, and is found by its scope."""
    window = world.open().windows[0]

    async def main() -> None:
        of_tab = SessionProvider(client, storage="session").install()
        of_browser = SessionProvider(client, storage="local").install()
        assert (use_session(scope="tab"), use_session(scope="browser")) == (of_tab, of_browser)
        assert await of_tab.ready() != await of_browser.ready()
        with pytest.raises(NoSessionError, match="No session per page is offered"):
            use_session(scope="page")
        for session in (of_tab, of_browser):
            current.uninstall(session)
            session.dispose()

    world.loop.run_until_complete(window.start(main()))


def test_a_policy_that_says_neither_is_an_error(client: Client, world: World) -> None:
    """A typed one, of `ready()`."""
    tab = world.open()

    def ready(window: Window) -> Awaitable[object]:
        made = window.context.copy().run(lambda: SessionProvider(client, duplicate=lambda parent: "maybe"))
        return window.start(made.session.ready())

    world.loop.run_until_complete(ready(tab.windows[0]))
    with pytest.raises(InvalidIdError, match="duplicate= says 'fork' or 'share', not 'maybe'"):
        world.loop.run_until_complete(ready(world.open(tab).windows[0]))
