"""What is done now and then, on a real database."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from pillion_server.last_seen import INTERVAL_MS
from pillion_server.upkeep import step
from server.world import OTHER_ID, RAW_ID, World, serving, write_functions

Make = Callable[..., World]
DAY = 24 * 60 * 60 * 1000.0
SHOP = """
RUNS = []

@mutation
def add(ctx, session_id: SessionId, name: str = "tea") -> str:
    ctx.db.insert("items", session_id=session_id, name=name)
    return session_id

@mutation
def fail(ctx, session_id: SessionId) -> None:
    raise FunctionError("no")

@query
def items(ctx, session_id: SessionId) -> int:
    RUNS.append(1)
    return len(ctx.db.query("items").with_index("by_session", session_id=session_id).collect())

@query
def all_items(ctx) -> int:
    return len(ctx.db.query("items").collect())

@query
def runs(ctx, turn: int) -> int:
    return len(RUNS)

@action
async def act(ctx, session_id: SessionId) -> None:
    await ctx.run_mutation("shop:add", session_id=session_id)
"""
SCHEMA = 'schema = Schema(items=Table().index("by_session", "session_id"))'


@pytest.fixture
def shop(world: Make) -> World:
    return world(shop=SHOP, schema=SCHEMA)


def sights(path: Path) -> dict[str, float]:
    """What is on disk, as another program sees it."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return dict(connection.execute("select digest, at from seen").fetchall())
    finally:
        connection.close()


def age(path: Path, by: float) -> None:
    """Makes all sights that are on disk older, as if the server had been running meanwhile."""
    connection = apsw.Connection(str(path))
    connection.execute("update seen set at = at - ?", (by,)).fetchall()
    now = time.time() * 1000
    connection.execute("insert into served values (?, ?)", (now - by, now)).fetchall()
    connection.close()


def write_now(shop: World, monkeypatch: pytest.MonkeyPatch, unseen: float | None = None) -> None:
    """A step, as if the while in which sights are gathered were over."""
    with monkeypatch.context() as patch:
        patch.setattr("pillion_server.last_seen.INTERVAL_MS", 0)
        asyncio.run(step(shop.app.state.database, unseen))


def test_being_seen_writes_nothing_by_itself(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written later, all at once, and no answer is dropped for it: the query doesn't run again."""
    session = shop.mutation("shop:add", sessionId=RAW_ID)
    shop.query("shop:items", sessionId=RAW_ID)
    asyncio.run(step(shop.app.state.database, None))
    assert sights(shop.database) == {}
    write_now(shop, monkeypatch)
    first = sights(shop.database)
    assert list(first) == [session]
    for _ in range(3):
        assert shop.query("shop:items", sessionId=RAW_ID) == 1
        write_now(shop, monkeypatch)
    assert sights(shop.database)[session] > first[session]
    assert shop.query("shop:runs", turn=1) == 1
    assert INTERVAL_MS >= 60_000


def test_who_only_looks_or_fails_leaves_nothing(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or anybody could fill the file with IDs; what an action's mutation does is the session's."""
    shop.query("shop:items", sessionId=RAW_ID)
    shop.call("mutation", "shop:fail", sessionId=RAW_ID)
    write_now(shop, monkeypatch)
    assert sights(shop.database) == {}
    shop.action("shop:act", sessionId=OTHER_ID)
    write_now(shop, monkeypatch)
    assert len(sights(shop.database)) == 1


def test_it_is_written_when_the_database_closes(shop: World) -> None:
    """So nothing is lost by a stop."""
    session = shop.mutation("shop:add", sessionId=RAW_ID)
    shop.app.state.database.close()
    assert abs(sights(shop.database)[session] - time.time() * 1000) < DAY


def test_those_unseen_expire(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what they have, also in kept answers; those that come are let be, and without a time so are all."""
    shop.mutation("shop:add", sessionId=RAW_ID)
    shop.mutation("shop:add", sessionId=OTHER_ID)
    assert shop.query("shop:items", sessionId=RAW_ID) == 1
    assert shop.query("shop:all_items") == 2
    write_now(shop, monkeypatch)
    age(shop.database, 2 * DAY)
    shop.query("shop:items", sessionId=OTHER_ID)
    asyncio.run(step(shop.app.state.database, None))
    assert shop.query("shop:all_items") == 2
    asyncio.run(step(shop.app.state.database, DAY))
    assert shop.query("shop:all_items") == 1
    assert shop.query("shop:items", sessionId=OTHER_ID) == 1
    assert shop.query("shop:items", sessionId=RAW_ID) == 0


class Offsets:
    """What is added to the machine's two clocks, in ms; the monotonic one knows of no jump."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall = self.monotonic = 0.0
        time_ns, monotonic, monotonic_ns = time.time_ns, time.monotonic, time.monotonic_ns
        monkeypatch.setattr(time, "time_ns", lambda: time_ns() + int(self.wall * 1e6))
        monkeypatch.setattr(time, "monotonic", lambda: monotonic() + self.monotonic / 1000)
        monkeypatch.setattr(time, "monotonic_ns", lambda: monotonic_ns() + int(self.monotonic * 1e6))

    def wait(self, by: float) -> None:
        self.wall += by
        self.monotonic += by


def test_a_clock_that_jumps_ends_no_session(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forwards or back, while the server runs or before it starts; the time in which it runs does end them."""
    offsets, database = Offsets(monkeypatch), shop.app.state.database
    shop.mutation("shop:add", sessionId=RAW_ID)
    shop.mutation("shop:add", sessionId=OTHER_ID)
    for jump in (DAY, 40 * 365 * DAY, -80 * 365 * DAY, 3 * DAY):
        offsets.wall += jump
        asyncio.run(step(database, DAY))
        assert shop.query("shop:all_items") == 2
        database.close()
        offsets.wall += jump
        database.open()
        asyncio.run(step(database, DAY))
        assert shop.query("shop:all_items") == 2
    offsets.wait(0.6 * DAY)
    assert shop.query("shop:items", sessionId=RAW_ID) == 1
    asyncio.run(step(database, DAY))
    assert shop.query("shop:all_items") == 2
    offsets.wait(0.6 * DAY)
    asyncio.run(step(database, DAY))
    assert shop.query("shop:all_items") == 1
    assert shop.query("shop:items", sessionId=RAW_ID) == 1


def test_how_long_it_has_been_running_is_written_now_and_then(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a server that is killed loses no more than the last minutes of it."""
    offsets, database = Offsets(monkeypatch), shop.app.state.database

    def served() -> list[tuple[float, float]]:
        connection = apsw.Connection(str(shop.database), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return connection.execute("select began, until from served").fetchall()
        finally:
            connection.close()

    asyncio.run(step(database, None))
    assert served() == []
    offsets.wait(INTERVAL_MS)
    asyncio.run(step(database, None))
    ((began, until),) = served()
    assert INTERVAL_MS <= until - began < INTERVAL_MS + 60_000


def test_old_answers_are_dropped(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were recorded so that mutations run once; also where no mutation comes any more."""

    def recorded() -> int:
        connection = apsw.Connection(str(shop.database), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return int(connection.execute("select count(*) from answers").fetchall()[0][0])
        finally:
            connection.close()

    monkeypatch.setattr("pillion_server.idempotency.PRUNED", 2)
    for number in range(5):
        body = json.dumps({"path": "shop:add", "args": {"sessionId": RAW_ID}}).encode()
        assert shop.request("POST", "/api/mutation", body, {"idempotency-key": f"{number:016}"}).value
    asyncio.run(step(shop.app.state.database, None))
    assert recorded() == 5
    connection = apsw.Connection(str(shop.database))
    connection.execute("update answers set made = made - ?", (14 * DAY,)).fetchall()
    connection.close()
    asyncio.run(step(shop.app.state.database, None))
    assert recorded() == 0


def test_a_failing_disk_is_logged(
    shop: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was seen is written later."""
    shop.mutation("shop:add", sessionId=RAW_ID)
    locker = apsw.Connection(str(shop.database))
    monkeypatch.setattr("pillion_server.database.BUSY_MS", 0)
    shop.app.state.database.close()
    shop.app.state.database.open()
    shop.mutation("shop:add", sessionId=RAW_ID)
    locker.execute("begin immediate")
    with caplog.at_level(logging.ERROR, "pillion_server"):
        write_now(shop, monkeypatch)
    assert "could not be written" in caplog.messages[0]
    before = sights(shop.database)
    locker.execute("rollback")
    locker.close()
    write_now(shop, monkeypatch)
    (session,) = before
    assert sights(shop.database)[session] > before[session]


def test_a_server_does_it(tmp_path: Path) -> None:
    """By itself, from its start on."""
    functions, database = write_functions(tmp_path / "f", shop=SHOP, schema=SCHEMA), tmp_path / "x.sqlite3"
    with serving(functions, database) as server:
        server.call("mutation", "shop:add", sessionId=RAW_ID)
    age(database, 2 * DAY)
    with serving(functions, database, "--expire-after", "1d") as server:
        until = time.monotonic() + 20
        while server.call("query", "shop:all_items").value:
            assert time.monotonic() < until
    assert sights(database) == {}
