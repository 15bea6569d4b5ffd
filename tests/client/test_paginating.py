"""Paginated queries of pages and their sessions, against the server as its users start it.

PILLION_EXAMPLES=500 in the environment tries many more ways than the few of every day.
"""

import asyncio
import json
import os
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from client.live_world import Http, LiveWorld, until
from client.slow import Slow
from pillion import Client, FunctionError, PaginatedQuery, SessionId, SessionProvider
from pillion.optimistic import LocalStore

SCHEMA = """
schema = Schema(
    numbers=Table().index("by_list", "list", "n"),
    other=Table().index("by_list", "list", "n"),
    own=Table().index("by_session", "session_id", "n"),
)
"""
LISTS = """
def all_of(ctx, list: str):
    return ctx.db.query("numbers").with_index("by_list", list=list)

def numbers_of(ctx, list: str):
    return [each["n"] for each in all_of(ctx, list).collect()]

@query
def page(ctx, list: str, pagination_opts: PaginationOptions) -> Page[Any]:
    found = all_of(ctx, list).paginate(pagination_opts)
    return {**found, "page": [each["n"] for each in found["page"]]}

@query
def whole(ctx, list: str) -> Any:
    return numbers_of(ctx, list)

@mutation
def put(ctx, list: str, numbers: Any) -> Any:
    for n in numbers:
        ctx.db.insert("numbers", list=list, n=n)
    return numbers_of(ctx, list)

@mutation
def drop(ctx, list: str, numbers: Any) -> Any:
    for n in numbers:
        for each in all_of(ctx, list).eq("n", n).collect():
            ctx.db.delete(each["_id"])
    return numbers_of(ctx, list)

@query
def picky(ctx, list: str, pagination_opts: PaginationOptions) -> Page[Any]:
    found = all_of(ctx, list).paginate(pagination_opts)
    if any(each["n"] < 0 for each in found["page"]):
        raise FunctionError("below zero")
    return {**found, "page": [each["n"] for each in found["page"]]}

@query
def odd(ctx, list: str, pagination_opts: PaginationOptions) -> Any:
    return numbers_of(ctx, list)

@query
def refusing(ctx, list: str, pagination_opts: PaginationOptions) -> Any:
    raise FunctionError({"isConvexSystemError": True, "paginationError": "InvalidCursor"})

@query
def own(ctx, session_id: SessionId, pagination_opts: PaginationOptions) -> Page[Any]:
    found = ctx.db.query("own").with_index("by_session", session_id=session_id).paginate(pagination_opts)
    return {**found, "page": [each["n"] for each in found["page"]]}

@mutation
def put_own(ctx, session_id: SessionId, numbers: Any) -> None:
    for n in numbers:
        ctx.db.insert("own", session_id=session_id, n=n)

@mutation
def move(ctx, session_id: SessionId, new: SessionId) -> None:
    for each in ctx.db.query("own").with_index("by_session", session_id=session_id).collect():
        ctx.db.patch(each["_id"], session_id=new)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    """The server of most of these tests: each has a list of its own."""
    with LiveWorld(tmp_path_factory.mktemp("lists"), lists=LISTS, schema=SCHEMA) as world:
        yield world


@pytest.fixture
def own(tmp_path: Path) -> Iterator[LiveWorld]:
    """A server of the test's own."""
    with LiveWorld(tmp_path, lists=LISTS, schema=SCHEMA) as world:
        yield world


LARGE = {"page": ["of no account"], "isDone": True, "continueCursor": "d", "pageStatus": "SplitRequired"}


class Shown:
    """What a paginated query has told, one after another."""

    def __init__(self) -> None:
        self.states: list[tuple[list[Any], str]] = []
        self.errors: list[Exception | None] = []

    def __call__(self, query: PaginatedQuery) -> None:
        self.states.append((list(query.items), query.status))
        self.errors.append(query.error)


async def loaded(query: PaginatedQuery) -> list[Any]:
    """The items, once nothing is loading."""
    await until(lambda: query.status in ("can-load-more", "exhausted"))
    return query.items


def sizes(query: PaginatedQuery) -> list[int]:
    """How many items its pages have."""
    return [len(page.items) for page in query._pages]


def test_a_list_is_loaded_piece_by_piece(running: LiveWorld) -> None:
    running.call("mutation", "lists:put", list="pieces", numbers=list(range(7)))

    async def main() -> None:
        async with running.client() as client:
            shown = Shown()
            query = client.paginate("lists:page", shown, first=3, list="pieces")
            assert (query.items, query.status, query.error) == ([], "loading-first", None)
            assert await loaded(query) == [0, 1, 2]
            query.load_more(2)
            assert (query.items, query.status) == ([0, 1, 2], "loading-more")
            assert await loaded(query) == [0, 1, 2, 3, 4]
            query.load_more()
            assert await loaded(query) == list(range(7))
            assert query.status == "exhausted"
            query.load_more(5)
            assert repr(query) == "<PaginatedQuery lists:page exhausted, 7 items>"
            assert shown.states == [
                ([0, 1, 2], "can-load-more"),
                ([0, 1, 2], "loading-more"),
                ([0, 1, 2, 3, 4], "can-load-more"),
                ([0, 1, 2, 3, 4], "loading-more"),
                (list(range(7)), "exhausted"),
            ]

    asyncio.run(main())


def test_what_is_loading_is_not_loaded_twice(running: LiveWorld) -> None:
    """Nor is more before the first page is there; a page has one item at least."""
    running.call("mutation", "lists:put", list="twice", numbers=list(range(9)))

    async def main() -> None:
        async with running.client() as client:
            query = client.paginate("lists:page", first=2, list="twice")
            query.load_more(2)
            assert await loaded(query) == [0, 1]
            for _ in range(3):
                query.load_more(2)
            assert await loaded(query) == [0, 1, 2, 3]
            for count in (0, -1):
                with pytest.raises(ValueError, match=f"1 item or more, not {count}"):
                    query.load_more(count)
                with pytest.raises(ValueError, match="1 item or more"):
                    client.paginate("lists:page", first=count, list="twice")
            with pytest.raises(TypeError, match="pagination_opts is what paginate gives"):
                client.paginate("lists:page", list="twice", pagination_opts={"numItems": 2, "cursor": None})

    asyncio.run(main())


def test_what_is_added_and_removed_in_the_middle_is_shown(running: LiveWorld) -> None:
    """Each at once and as a whole, at the edges of pages too: nothing twice, nothing left out."""
    running.call("mutation", "lists:put", list="middle", numbers=[float(n) for n in range(10)])

    async def main() -> None:
        async with running.client() as client:
            shown = Shown()
            query = client.paginate("lists:page", shown, first=3, list="middle")
            await loaded(query)
            query.load_more(3)
            assert await loaded(query) == [0, 1, 2, 3, 4, 5]
            for change, numbers in (
                ("put", [-1.0, 1.5, 2.5, 5.5]),
                ("drop", [2.0, 3.0]),
                ("put", [2.0, 2.1, 9.5]),
                ("drop", [0.0, 5.0, 5.5]),
            ):
                told = len(shown.states)
                whole = await client.mutation(f"lists:{change}", list="middle", numbers=numbers)
                assert query.items == [n for n in whole if n <= 5]
                assert len(shown.states) == told + 1
            query.load_more(20)
            assert await loaded(query) == whole
            assert query.status == "exhausted"
            await client.mutation("lists:put", list="middle", numbers=[99])
            assert query.items == [*whole, 99]

    asyncio.run(main())


def test_a_page_that_has_grown_is_split_in_silence(running: LiveWorld) -> None:
    running.call("mutation", "lists:put", list="growth", numbers=[0, 100])

    async def main() -> None:
        async with running.client() as client:
            shown = Shown()
            query = client.paginate("lists:page", shown, first=4, list="growth")
            await loaded(query)
            for n in range(1, 31):
                await client.mutation("lists:put", list="growth", numbers=[n])
                assert query.items == [*range(n + 1), 100]
            await until(lambda: max(sizes(query)) <= 8)
            assert query.items == [*range(31), 100]
            assert len(shown.states) == 31
            assert {status for _, status in shown.states} == {"exhausted"}
            await client.mutation("lists:drop", list="growth", numbers=list(range(5, 20)))
            assert query.items == [0, 1, 2, 3, 4, *range(20, 31), 100]

    asyncio.run(main())


def test_the_pages_stay_where_they_are_over_lost_connections(own: LiveWorld) -> None:
    """Their journals go with them to the next server, which has heard of none of them."""
    own.call("mutation", "lists:put", list="a", numbers=list(range(0, 20, 2)))

    async def main() -> None:
        async with own.client() as client:
            shown = Shown()
            query = client.paginate("lists:page", shown, first=3, list="a")
            await loaded(query)
            query.load_more(3)
            assert await loaded(query) == [0, 2, 4, 6, 8, 10]
            told = len(shown.states)
            own.stop()
            await until(lambda: client.connection.state == "waiting")
            own.start()
            own.call("mutation", "lists:put", list="a", numbers=[1, 3, 5, 11])
            await until(lambda: len(shown.states) > told)
            assert query.items == [0, 1, 2, 3, 4, 5, 6, 8, 10]
            assert shown.states[told:] == [(query.items, "can-load-more")]

    asyncio.run(main())


def test_cursors_that_mean_nothing_any_more_lead_to_page_one(own: LiveWorld) -> None:
    """As after a server has come back with other functions: as much as was shown is shown again."""
    own.call("mutation", "lists:put", list="a", numbers=list(range(10)))

    async def main() -> None:
        async with own.client() as client:
            shown = Shown()
            query = client.paginate("lists:page", shown, first=3, list="a")
            await loaded(query)
            query.load_more(3)
            assert await loaded(query) == [0, 1, 2, 3, 4, 5]
            told = len(shown.states)
            own.stop()
            await until(lambda: client.connection.state == "waiting")
            own.deploy(lists=LISTS.replace('query("numbers")', 'query("other")').replace('"numbers", ', '"other", '))
            own.start()
            own.call("mutation", "lists:put", list="a", numbers=list(range(1, 10)))
            await until(lambda: query.items[:1] == [1] and query.status == "can-load-more")
            assert query.items == [1, 2, 3, 4, 5, 6]
            assert all(items in ([], [0, 1, 2, 3, 4, 5], query.items) for items, _ in shown.states[told:])
            assert shown.states[told] == ([0, 1, 2, 3, 4, 5], "loading-more")
            assert set(shown.errors) == {None}
            query.load_more(30)
            assert await loaded(query) == list(range(1, 10))

    asyncio.run(main())


def test_a_function_that_takes_no_cursor_is_not_asked_for_ever(running: LiveWorld) -> None:
    async def main() -> None:
        async with running.client() as client:
            shown = Shown()
            query = client.paginate("lists:refusing", shown, list="a")
            await until(lambda: query.error is not None)
            await client.mutation("lists:put", list="a", numbers=[1])
            assert isinstance(query.error, FunctionError)
            assert [error is None for error in shown.errors] in ([False], [True, False])
            assert (query.items, query.status) == ([], "loading-first")

    asyncio.run(main())


def test_an_error_leaves_what_was_shown_until_it_is_gone(running: LiveWorld) -> None:
    """Also where another page goes on; who has no callback is warned."""
    running.call("mutation", "lists:put", list="errors", numbers=[1, 2, 3, 4, 9])

    async def main() -> None:
        async with running.client() as client:
            shown = Shown()
            query = client.paginate("lists:picky", shown, first=2, list="errors")
            silent = client.paginate("lists:picky", first=2, list="errors")
            await loaded(query)
            query.load_more(2)
            assert await loaded(query) == [1, 2, 3, 4]
            await loaded(silent)
            with pytest.warns(RuntimeWarning, match="pillion: lists:picky failed: FunctionError: below zero"):
                await client.mutation("lists:put", list="errors", numbers=[-1, 2.5])
            assert isinstance(query.error, FunctionError)
            assert (query.items, query.status) == ([1, 2, 3, 4], "can-load-more")
            query.load_more(1)
            assert query.status == "can-load-more"
            await client.mutation("lists:drop", list="errors", numbers=[-1])
            assert (query.items, query.error, query.status) == ([1, 2, 2.5, 3, 4], None, "can-load-more")
            assert silent.items == [1, 2]

    asyncio.run(main())


def test_what_is_no_page_is_an_error(running: LiveWorld) -> None:
    async def main() -> None:
        async with running.client() as client:
            shown = Shown()
            query = client.paginate("lists:odd", shown, list="a")
            await until(lambda: query.error is not None)
            assert str(query.error).startswith("lists:odd returns no pages: ")

    asyncio.run(main())


def test_closing_ends_it_and_its_queries(running: LiveWorld) -> None:
    """By its own `close`, that of the client, or at the end of a block; the items stay."""
    running.call("mutation", "lists:put", list="closing", numbers=[1, 2, 3])

    async def main() -> None:
        async with running.client() as client:
            shown = Shown()
            with client.paginate("lists:page", shown, first=2, list="closing") as query:
                await loaded(query)
                query.load_more(2)
            query.close()
            query.load_more(2)
            query.restart(keeps=False)
            assert (query.items, query.is_closed) == ([1, 2], True)
            assert repr(query) == "<PaginatedQuery lists:page closed, 2 items>"
            await until(lambda: client.connection.state == "idle")
            assert [status for _, status in shown.states] == ["can-load-more", "loading-more"]
            other = client.paginate("lists:page", shown, first=2, list="closing")
            await loaded(other)
            client.close()
            assert other.is_closed
            assert other.items == [1, 2]

    asyncio.run(main())


def test_callbacks_may_do_what_they_like(running: LiveWorld) -> None:
    """Load more, again and again; close; one that raises is warned of."""
    running.call("mutation", "lists:put", list="callbacks", numbers=list(range(10)))

    async def main() -> None:
        async with running.client() as client:
            greedy = client.paginate("lists:page", lambda query: query.load_more(), first=2, list="callbacks")
            closing = client.paginate("lists:page", lambda query: query.close(), first=2, list="callbacks")

            def failing(query: PaginatedQuery) -> None:
                raise ValueError("mine")

            client.paginate("lists:page", failing, first=2, list="callbacks")
            with pytest.warns(RuntimeWarning, match="the on_change of lists:page failed: ValueError: mine"):
                await until(lambda: greedy.status == "exhausted")
            assert greedy.items == list(range(10))
            assert closing.is_closed
            assert closing.items == [0, 1]

    asyncio.run(main())


def test_an_optimistic_update_may_change_a_page(running: LiveWorld) -> None:
    running.call("mutation", "lists:put", list="soon", numbers=[1, 2, 3])

    async def main() -> None:
        async with running.client() as client:
            shown = Shown()
            query = client.paginate("lists:page", shown, first=2, list="soon")
            await loaded(query)

            def optimistic(store: LocalStore) -> None:
                for args, value in store.all("lists:page"):
                    page: Any = value
                    page["page"].insert(0, 0)
                    store.set("lists:page", page, **args)

            adding = client.mutation("lists:put", list="soon", numbers=[0], optimistic=optimistic)
            call = asyncio.create_task(adding)
            await until(lambda: query.items == [0, 1, 2])
            await call
            assert query.items == [0, 1, 2]
            assert [items for items, _ in shown.states] == [[1, 2], [0, 1, 2]]

    asyncio.run(main())


def test_a_page_that_a_server_calls_too_large_is_shown_once_it_is_split() -> None:
    """As Convex does: what comes before it stays, what comes with it does not count."""

    def page_of(options: dict[str, Any]) -> dict[str, Any]:
        if options["cursor"] is None:
            return {"page": [1], "isDone": False, "continueCursor": "b"}
        if "endCursor" not in options:
            return {**LARGE, "splitCursor": "c"}
        return {"page": [2 if options["cursor"] == "b" else 3], "isDone": True, "continueCursor": options["endCursor"]}

    async def serve(socket: websockets.ServerConnection) -> None:
        version: dict[str, Any] = {"querySet": 0, "identity": 0, "ts": "AAAAAAAAAAA="}
        async for text in socket:
            frame = json.loads(text)
            if frame["type"] == "ModifyQuerySet":
                end = {**version, "querySet": frame["newVersion"]}
                answers = [
                    {
                        "type": "QueryUpdated",
                        "queryId": each["queryId"],
                        "value": page_of(each["args"][0]["paginationOpts"]),
                        "logLines": [],
                        "journal": None,
                    }
                    for each in frame["modifications"]
                    if each["type"] == "Add"
                ]
                transition = {"type": "Transition", "startVersion": version, "endVersion": end}
                await socket.send(json.dumps({**transition, "modifications": answers}))
                version = end

    async def main() -> None:
        async with websockets.serve(serve, "127.0.0.1", 0) as server:
            client = Client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api", Http())
            shown = Shown()
            query = client.paginate("a:b", shown, first=10)
            await loaded(query)
            query.load_more()
            await until(lambda: query.status == "exhausted")
            assert shown.states == [([1], "can-load-more"), ([1], "loading-more"), ([1, 2, 3], "exhausted")]
            client.close()

    asyncio.run(main())


def test_other_queries_see_the_list_of_their_moment(running: LiveWorld) -> None:
    """Whoever of them is told first."""

    async def main() -> None:
        async with running.client() as client:
            seen: list[tuple[Any, Any]] = []

            def told(value: Any) -> None:
                seen.append((value, list(query.items)))

            query = client.paginate("lists:page", first=50, list="moment")
            await loaded(query)
            client.subscribe("lists:whole", told, list="moment")
            for n in range(5):
                await client.mutation("lists:put", list="moment", numbers=[n])
            assert len(seen) >= 5
            assert all(whole == items for whole, items in seen)

    asyncio.run(main())


def test_a_refresh_keeps_the_items_in_sight(running: LiveWorld) -> None:
    """And asks for as many under the new ID."""

    async def main() -> None:
        async with running.client() as client:
            with SessionProvider(client, storage="memory") as session:
                await session.mutation("lists:put_own", numbers=list(range(9)))
                shown = Shown()
                query = session.paginate("lists:own", shown, first=2)
                assert await loaded(query) == [0, 1]
                query.load_more(3)
                assert await loaded(query) == [0, 1, 2, 3, 4]
                await session.mutation("lists:put_own", numbers=[0.25])
                assert query.items == [0, 0.25, 1, 2, 3, 4]
                told = len(shown.states)

                async def before(new: SessionId) -> None:
                    await session.mutation("lists:move", new=new)

                await session.refresh(before)
                assert await loaded(query) == [0, 0.25, 1, 2, 3, 4]
                await session.mutation("lists:put_own", numbers=[0.5])
                assert query.items == [0, 0.25, 0.5, 1, 2, 3, 4]
                assert all(len(items) >= 6 or items == [] for items, _ in shown.states[told:])
                query.load_more(10)
                assert await loaded(query) == [0, 0.25, 0.5, 1, 2, 3, 4, 5, 6, 7, 8]

    asyncio.run(main())


def test_after_a_refresh_what_was_all_is_all_and_what_came_meanwhile(own: LiveWorld) -> None:
    async def main() -> None:
        async with own.client() as client:
            with SessionProvider(client, storage="memory") as session:
                await session.mutation("lists:put_own", numbers=[1, 2, 3])
                query = session.paginate("lists:own", first=3)
                await loaded(query)
                own.stop()
                await until(lambda: client.connection.state == "waiting")
                await session.refresh()
                assert (query.items, query.status) == ([1, 2, 3], "loading-more")
                own.start()
                own.call("mutation", "lists:put_own", sessionId=str(session.id), numbers=[1, 2, 3, 4])
                await until(lambda: query.items == [1, 2, 3, 4])
                assert query.status == "exhausted"

    asyncio.run(main())


def test_a_log_out_shows_none_at_once(own: LiveWorld) -> None:
    """Also when the server is away; then the first page of the next session."""

    async def main() -> None:
        async with own.client() as client:
            with SessionProvider(client, storage="memory") as session:
                await session.mutation("lists:put_own", numbers=list(range(9)))
                shown = Shown()
                query = session.paginate("lists:own", shown, first=2)
                await loaded(query)
                query.load_more(3)
                await loaded(query)
                own.stop()
                await until(lambda: client.connection.state == "waiting")
                await session.logout()
                assert (query.items, query.status) == ([], "loading-first")
                assert shown.states[-1] == ([], "loading-first")
                own.start()
                assert await loaded(query) == []
                await session.mutation("lists:put_own", numbers=[7, 8, 9])
                assert query.items == [7, 8, 9]

    asyncio.run(main())


def test_it_waits_for_the_id_and_ends_with_the_session(running: LiveWorld) -> None:
    """An `ssr_friendly` one on a server waits for ever."""

    async def main() -> None:
        async with running.client() as client:
            storage = Slow()
            with SessionProvider(client, storage=storage) as session:
                query = session.paginate("lists:own")
                assert (client.connection.state, query.status) == ("idle", "loading-first")
                storage.may.set()
                await until(lambda: query.status == "exhausted")
                session.dispose()
                assert query.is_closed
            with SessionProvider(client, ssr_friendly=True) as session:
                query = session.paginate("lists:own")
                await asyncio.sleep(0.05)
                assert (query.items, query.status) == ([], "loading-first")
            await until(lambda: client.connection.state == "idle")

    asyncio.run(main())


def test_it_tells_why_there_is_no_id(running: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pillion.session_queries.RETRY_SECONDS", 0.01)

    async def main() -> None:
        async with running.client() as client:
            made: list[str] = []

            def make() -> str:
                made.append("0123456789abcdef0123456789abcdef" if made else "short")
                return made[-1]

            with SessionProvider(client, storage="memory", id_generator=make) as session:
                shown = Shown()
                query = session.paginate("lists:own", shown)
                await until(lambda: query.status == "exhausted")
                assert [type(error).__name__ for error in shown.errors] == ["InvalidIdError", "NoneType"]

    asyncio.run(main())


NUMBERS = st.integers(0, 60)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.lists(NUMBERS, min_size=1, max_size=12)),
        st.tuples(st.just("put"), st.lists(NUMBERS, min_size=1, max_size=2)),
        st.tuples(st.just("drop"), st.lists(NUMBERS, min_size=1, max_size=12)),
        st.tuples(st.just("more"), st.integers(1, 4)),
        st.tuples(st.just("settle"), st.none()),
        st.tuples(st.just("settle"), st.none()),
        st.tuples(st.just("cut"), st.none()),
    ),
    min_size=5,
    max_size=25,
)
tried: list[int] = []


@settings(
    max_examples=int(os.environ.get("PILLION_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(start=st.sets(NUMBERS, max_size=30), first=st.integers(1, 6), steps=STEPS)
def test_whatever_happens_the_list_is_the_one_that_there_is(
    running: LiveWorld, start: set[int], first: int, steps: list[tuple[str, Any]]
) -> None:
    """All that is shown is the beginning of what there was at one moment, and these come in their order."""
    tried.append(1)
    name = f"try {len(tried)}"
    history = [running.call("mutation", "lists:put", list=name, numbers=sorted(start))]

    async def change(client: Client, what: str, numbers: list[int]) -> None:
        history.append(await client.mutation(f"lists:{what}", list=name, numbers=numbers))

    async def settle(query: PaginatedQuery, last: Coroutine[Any, Any, None]) -> None:
        """When the last change is in sight, so is all before it, over whichever connection."""
        await last
        items = await loaded(query)
        assert items == history[-1][: len(items)]

    async def main() -> None:
        async with running.client() as client:
            shown = Shown()
            query = client.paginate("lists:page", shown, first=first, list=name)
            changes: list[asyncio.Task[None]] = []
            for what, how in steps:
                if what == "more":
                    query.load_more(how)
                elif what == "settle":
                    await settle(query, change(client, "drop", []))
                elif what == "cut":
                    running.proxy.cut()
                else:
                    changes.append(asyncio.create_task(change(client, what, how)))
                    await asyncio.sleep(0)
            await settle(query, change(client, "drop", []))
            while query.status != "exhausted":
                query.load_more(5)
                await loaded(query)
            assert query.items == history[-1]
            await asyncio.gather(*changes)
            moment = 0
            for items, _ in shown.states:
                while items != history[moment][: len(items)]:
                    moment += 1
            assert set(shown.errors) <= {None}

    asyncio.run(main())
