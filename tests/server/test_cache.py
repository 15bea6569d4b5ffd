"""The query cache."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion_server import QueryCtx, cache, query
from pillion_server.cache import Key, QueryCache
from pillion_server.reads import Reads
from pillion_server.steps import run
from pillion_server.writes import Writes
from pillion_shared import encode
from server.world import OTHER_ID, RAW_ID, World

Make = Callable[..., World]

NOTES = """
runs = []

@query
def of(ctx, owner: str) -> list:
    runs.append(owner)
    return [row["n"] for row in ctx.db.query("notes").with_index("by_owner", owner=owner).collect()]

@query
def first(ctx, least: int) -> Any:
    runs.append(least)
    return ctx.db.query("notes").with_index("by_n").gte("n", least).first()

@query
def mine(ctx, session_id: SessionId) -> list:
    runs.append("mine")
    return [row["n"] for row in ctx.db.query("notes").with_index("by_owner", owner=session_id).collect()]

@query
def who(ctx, session_id: SessionId) -> str | None:
    runs.append("who")
    return ctx.sessions.user(session_id)

@query
def careless(ctx, session_id: SessionId) -> int:
    return len(ctx.db.query("notes").collect())

@query
def broken(ctx) -> None:
    runs.append("broken")
    raise FunctionError("no")

@query
def times(ctx) -> int:
    return len(runs)

@mutation
def add(ctx, owner: str, n: int) -> str:
    return ctx.db.insert("notes", owner=owner, n=n)

@mutation
def add_mine(ctx, session_id: SessionId, n: int) -> str:
    return ctx.db.insert("notes", owner=session_id, n=n)

@mutation
def fail(ctx, owner: str) -> None:
    ctx.db.insert("notes", owner=owner, n=0)
    raise FunctionError("no")

@mutation
def change(ctx, number: int, n: int) -> None:
    rows = ctx.db.query("notes").take(number + 1)
    if rows:
        ctx.db.patch(rows[-1]["_id"], n=n)

@mutation
def delete(ctx, number: int) -> None:
    rows = ctx.db.query("notes").take(number + 1)
    if rows:
        ctx.db.delete(rows[-1]["_id"])

@mutation
def bind(ctx, session_id: SessionId, user: str) -> None:
    ctx.sessions.bind(session_id, user)

@mutation
def end(ctx, session_id: SessionId) -> None:
    ctx.sessions.invalidate(session_id)

@mutation
def go_on(ctx, session_id: SessionId, new: SessionId) -> None:
    ctx.sessions.transfer(session_id, new, notes="by_owner")

@mutation
def invalidate_all(ctx) -> None:
    ctx.sessions.invalidate_all()

@mutation
def count(ctx) -> int:
    row = ctx.db.query("counters").first()
    if row is None:
        ctx.db.insert("counters", n=1)
        return 1
    ctx.db.patch(row["_id"], n=row["n"] + 1)
    return row["n"] + 1

@query
def counted(ctx) -> int:
    row = ctx.db.query("counters").first()
    return 0 if row is None else row["n"]
"""
SCHEMA = 'schema = Schema(notes=Table().index("by_owner", "owner").index("by_n", "n"))'


@pytest.fixture
def notes(world: Make) -> World:
    """Notes of owners, none yet."""
    return world(notes=NOTES, schema=SCHEMA)


def runs(world: World) -> list[object]:
    """What the functions have noted of their own runs."""
    registry = world.app.state.registry
    found: list[object] = registry.find("query", "notes:of").handler.__globals__["runs"]
    return found


def test_a_hit_runs_nothing(notes: World) -> None:
    """Until a commit touches what was read, and only then."""
    notes.mutation("notes:add", owner="ada", n=1)
    for _ in range(3):
        assert notes.query("notes:of", owner="ada") == [1.0]
    assert runs(notes) == ["ada"]
    notes.mutation("notes:add", owner="bob", n=2)
    assert notes.query("notes:of", owner="ada") == [1.0]
    assert runs(notes) == ["ada"]
    notes.mutation("notes:add", owner="ada", n=3)
    assert notes.query("notes:of", owner="ada") == [1.0, 3.0]
    assert runs(notes) == ["ada", "ada"]


def test_a_mutation_that_failed_drops_nothing(notes: World) -> None:
    """It has written nothing."""
    notes.query("notes:of", owner="ada")
    assert notes.call("mutation", "notes:fail", owner="ada").error == "no"
    assert notes.query("notes:of", owner="ada") == []
    assert runs(notes) == ["ada"]


def test_nothing_found_is_an_answer_too(notes: World) -> None:
    """What appears where nothing was is seen."""
    assert notes.query("notes:first", least=3) is None
    notes.mutation("notes:add", owner="ada", n=2)
    assert notes.query("notes:first", least=3) is None
    assert runs(notes) == [3]
    notes.mutation("notes:add", owner="ada", n=4)
    assert notes.query("notes:first", least=3)["n"] == 4.0


def test_errors_are_not_kept(notes: World) -> None:
    """They may be over by the next call."""
    for _ in range(2):
        assert notes.call("query", "notes:broken").error == "no"
    assert runs(notes) == ["broken", "broken"]


def test_each_session_has_its_own(notes: World) -> None:
    """And one that has ended takes its answers with it."""
    notes.mutation("notes:add_mine", sessionId=RAW_ID, n=1)
    for _ in range(2):
        assert notes.query("notes:mine", sessionId=RAW_ID) == [1.0]
        assert notes.query("notes:mine", sessionId=OTHER_ID) == []
    assert runs(notes) == ["mine", "mine"]
    notes.mutation("notes:end", sessionId=RAW_ID)
    assert notes.query("notes:mine", sessionId=RAW_ID) == []


def test_the_user_of_a_session(notes: World) -> None:
    """Is read, and written, like a document."""
    assert notes.query("notes:who", sessionId=RAW_ID) is None
    notes.mutation("notes:bind", sessionId=OTHER_ID, user="bob")
    assert notes.query("notes:who", sessionId=RAW_ID) is None
    assert runs(notes) == ["who"]
    notes.mutation("notes:bind", sessionId=RAW_ID, user="ada")
    assert notes.query("notes:who", sessionId=RAW_ID) == "ada"
    notes.mutation("notes:invalidate_all")
    assert notes.query("notes:who", sessionId=RAW_ID) is None


def test_a_session_that_nobody_looked_at(notes: World, caplog: pytest.LogCaptureFixture) -> None:
    """The log says so, once."""
    with caplog.at_level(logging.WARNING):
        notes.query("notes:mine", sessionId=RAW_ID)
        notes.query("notes:who", sessionId=RAW_ID)
        assert not caplog.records
        notes.query("notes:careless", sessionId=RAW_ID)
        notes.query("notes:careless", sessionId=OTHER_ID)
    [record] = caplog.records
    assert record.getMessage().startswith("notes:careless took a session and did not look at it")


IDS = st.sampled_from([RAW_ID, OTHER_ID, "a" * 32])
CALLS = st.one_of(
    st.tuples(st.just("of"), st.fixed_dictionaries({"owner": st.sampled_from(["ada", "bob"])})),
    st.tuples(st.just("first"), st.fixed_dictionaries({"least": st.integers(0, 3)})),
    st.tuples(st.sampled_from(["mine", "who"]), st.fixed_dictionaries({"sessionId": IDS})),
)
CHANGES = st.one_of(
    st.tuples(
        st.just("add"), st.fixed_dictionaries({"owner": st.sampled_from(["ada", "bob"]), "n": st.integers(0, 3)})
    ),
    st.tuples(st.just("add_mine"), st.fixed_dictionaries({"sessionId": IDS, "n": st.integers(0, 3)})),
    st.tuples(st.just("change"), st.fixed_dictionaries({"number": st.integers(0, 5), "n": st.integers(0, 3)})),
    st.tuples(st.just("delete"), st.fixed_dictionaries({"number": st.integers(0, 5)})),
    st.tuples(st.just("bind"), st.fixed_dictionaries({"sessionId": IDS, "user": st.sampled_from(["ada", "bob"])})),
    st.tuples(st.just("end"), st.fixed_dictionaries({"sessionId": IDS})),
    st.tuples(st.just("go_on"), st.fixed_dictionaries({"sessionId": IDS, "new": IDS})),
    st.tuples(st.just("invalidate_all"), st.just({})),
)


@given(
    st.lists(st.one_of(CALLS.map(lambda call: ("query", *call)), CHANGES.map(lambda call: ("mutation", *call)))),
    st.lists(CALLS, min_size=1, max_size=4),
)
def test_nothing_stale_is_ever_served(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, str, dict[str, Any]]],
    watched: list[tuple[str, dict[str, Any]]],
) -> None:
    """Whatever is read and written, each answer is the one of a run at that moment."""
    world = World(tmp_path_factory.mktemp("world"), notes=NOTES, schema=SCHEMA)

    async def uncached(path: str, args: dict[str, Any]) -> object:
        function = world.app.state.registry.find("query", path)

        def read(snapshot: Any) -> object:
            keywords = function.signature.convert(args, snapshot.lineage)
            return encode(run(function, QueryCtx({"db": snapshot.db, "sessions": snapshot.sessions}), keywords))

        return await world.app.state.database.read(read)

    async def main() -> None:
        for kind, name, args in steps:
            await world.acall(kind, f"notes:{name}", **args)
            for path, its in ((f"notes:{name}", its) for name, its in watched):
                answer = await world.acall("query", path, **its)
                assert answer.value == await uncached(path, its)

    try:
        asyncio.run(main())
    finally:
        world.close()


def test_with_many_at_once(notes: World) -> None:
    """Nobody sees less than what was acknowledged before, nor less than somebody else has seen before."""
    seen, acknowledged, misses = 0, 0, 0

    async def write() -> None:
        nonlocal acknowledged
        for _ in range(40):
            acknowledged = max(acknowledged, (await notes.acall("mutation", "notes:count")).value)

    async def read() -> None:
        nonlocal seen, misses
        while acknowledged < 120:
            await asyncio.sleep(0)  # a hit waits for nothing
            least = max(seen, acknowledged)
            value = (await notes.acall("query", "notes:counted")).value
            misses += value < least
            seen = max(seen, value)

    async def main() -> None:
        await asyncio.gather(*(write() for _ in range(3)), *(read() for _ in range(6)))

    asyncio.run(main())
    assert misses == 0
    assert seen > 0
    assert notes.query("notes:counted") == 120


@query
def any_query(ctx: QueryCtx) -> None:
    """Stands in a key."""


def key(name: str) -> Key:
    return Key(any_query, name.encode())


def writes(id: str) -> Writes:
    return Writes(documents={id})


def test_a_snapshot_gets_what_held_for_it() -> None:
    """Not what was made of a newer one."""
    kept = QueryCache()
    with kept.committing([writes("items:x")]):
        pass
    kept.put(key("a"), 1.0, Reads(), kept.mark())
    assert kept.get(key("a"), 0) is None
    found = kept.get(key("a"), kept.mark())
    assert found is not None
    assert found.value == 1.0


def test_what_was_touched_while_it_ran_is_not_kept() -> None:
    """By a commit that is under way, or done; others don't matter, unless they are too many to tell."""
    kept = QueryCache()
    mark = kept.mark()
    with kept.committing([writes("items:x")]):
        kept.put(key("a"), 1.0, Reads(documents={"items:x"}), mark)
        kept.put(key("b"), 1.0, Reads(documents={"items:y"}), mark)
    assert kept.get(key("a"), kept.mark()) is None
    assert kept.get(key("b"), kept.mark()) is not None
    kept.put(key("a"), 1.0, Reads(documents={"items:x"}), mark)
    assert kept.get(key("a"), kept.mark()) is None
    kept.put(key("a"), 1.0, Reads(documents={"items:x"}), kept.mark())
    assert kept.get(key("a"), kept.mark()) is not None
    with kept.committing([writes("items:z")] * cache.RECENT):
        pass
    kept.put(key("c"), 1.0, Reads(), mark)
    assert kept.get(key("c"), kept.mark()) is None


def test_it_is_gone_before_the_commit_is_seen() -> None:
    """And stays gone when the commit fails, which costs a run and no more."""
    kept = QueryCache()
    kept.put(key("a"), 1.0, Reads(documents={"items:x"}), kept.mark())
    commit = kept.committing([writes("items:x")])
    commit.__enter__()
    assert kept.get(key("a"), kept.mark()) is None
    commit.__exit__(ValueError, ValueError("full"), None)
    assert kept.get(key("a"), kept.mark()) is None


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In number and in size; what was used last stays longest."""
    monkeypatch.setattr(cache, "MAX_ANSWERS", 3)
    kept = QueryCache()
    for name in "abc":
        kept.put(key(name), name, Reads(), 0)
    kept.get(key("a"), 0)
    kept.put(key("d"), "d", Reads(), 0)
    assert [name for name in "abcd" if kept.get(key(name), 0)] == ["a", "c", "d"]
    monkeypatch.setattr(cache, "MAX_BYTES", 3000)
    kept.put(key("e"), "e" * 2000, Reads(), 0)
    assert [name for name in "abcde" if kept.get(key(name), 0)] == ["e"]
    kept.put(key("f"), "f" * 3000, Reads(), 0)
    assert [name for name in "abcdef" if kept.get(key(name), 0)] == ["e"]
    assert len(kept) == len(kept._interests) == 1


def test_the_key_holds_no_id(notes: World) -> None:
    """Nor does anything else of the cache."""
    notes.query("notes:mine", sessionId=RAW_ID)
    kept = notes.app.state.database.cache
    assert len(kept) == 1
    assert RAW_ID not in repr(vars(kept))
