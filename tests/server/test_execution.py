"""Kept answers beside log lines, batches, earlier times, keys, reloads, and types that strip."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from pillion_server.call_record import CallRecord
from pillion_server.reloading import reload
from pillion_server.runner import Runner
from server.world import World, write_functions

NOTES = """
from typing import TypedDict

runs = []

class Note(TypedDict):
    n: int

@query
def all(ctx) -> list[Note]:
    runs.append(1)
    ctx.log("looked")
    return ctx.db.query("notes").collect()

@query
def times(ctx, turn: int) -> int:
    return len(runs)

@mutation
def add(ctx, n: int) -> None:
    ctx.db.insert("notes", n=n, secret="s")
"""
KEY = {"idempotency-key": "0123456789abcdef"}


@pytest.fixture
def notes(world: Callable[..., World]) -> World:
    """One note."""
    here = world(notes=NOTES)
    here.mutation("notes:add", n=1)
    return here


def post(here: World, endpoint: str, headers: dict[str, str] | None = None, **fields: object) -> Any:
    return here.request("POST", f"/api/{endpoint}", json.dumps(fields).encode(), headers).json


def test_a_kept_answer_has_its_lines_and_is_stripped(notes: World) -> None:
    """The function doesn't run again, and its caller can't tell."""
    first, second = (notes.call("query", "notes:all").json for _ in range(2))
    assert first == second == {"status": "success", "value": [{"n": 1}], "logLines": ["[LOG] 'looked'"]}
    assert notes.query("notes:times", turn=1) == 1


def test_a_batch_asks_the_cache(notes: World) -> None:
    """And fills it."""
    queries = [{"path": "notes:all", "args": {}}] * 2
    results = post(notes, "query_batch", queries=queries)["results"]
    assert results == [{"status": "success", "value": [{"n": 1}], "logLines": ["[LOG] 'looked'"]}] * 2
    assert notes.query("notes:all") == [{"n": 1}]
    assert notes.query("notes:times", turn=1) == 1


def test_an_earlier_time_and_the_cache_of_now_are_apart(notes: World) -> None:
    """Neither serves the other."""
    ts = post(notes, "query_ts")["ts"]
    assert notes.query("notes:all") == [{"n": 1}]
    assert post(notes, "query_at_ts", path="notes:all", args={}, ts=ts)["value"] == [{"n": 1}]
    assert notes.query("notes:times", turn=1) == 2
    notes.mutation("notes:add", n=2)
    assert post(notes, "query_at_ts", path="notes:all", args={}, ts=ts)["value"] == [{"n": 1}]
    assert notes.query("notes:all") == [{"n": 1}, {"n": 2}]
    assert post(notes, "query_at_ts", path="notes:all", args={}, ts=ts)["value"] == [{"n": 1}]


def test_a_mutation_with_a_key_drops_answers_once(notes: World) -> None:
    """Its replay has written nothing."""
    assert notes.query("notes:all") == [{"n": 1}]
    for _ in range(2):
        assert post(notes, "mutation", KEY, path="notes:add", args={"n": 2})["status"] == "success"
        assert notes.query("notes:all") == [{"n": 1}, {"n": 2}]
    assert notes.query("notes:times", turn=1) == 2


def test_a_reload_keeps_neither_answers_nor_earlier_times(notes: World) -> None:
    """The snapshot has not the new indexes."""
    ts = post(notes, "query_ts")["ts"]
    assert notes.query("notes:all") == [{"n": 1}]
    write_functions(notes.functions, notes=NOTES.replace('"looked"', '"again"'))
    assert asyncio.run(reload(notes.functions, notes.app.state.registry, notes.app.state.database))
    assert len(notes.app.state.database.cache) == 0
    assert notes.call("query", "notes:all").json["logLines"] == ["[LOG] 'again'"]
    assert post(notes, "query_at_ts", path="notes:all", args={}, ts=ts)["code"] == "OutOfRetention"


def test_records_of_batches_and_of_calls_of_any_kind(notes: World) -> None:
    """One for each call, by the function's own kind."""
    seen: list[CallRecord] = []
    runner = Runner(notes.app.state.registry, notes.app.state.database, observers=[seen.append])

    async def main() -> None:
        await runner.queries([("notes:all", {}), ("notes:none", {}), ("notes:add", {})])
        await runner.answer(None, "notes:add", {"n": 3})
        await runner.answer(None, "notes:none", {})

    asyncio.run(main())
    assert [(each.kind, each.function, each.outcome) for each in seen] == [
        ("query", "notes:all", "success"),
        ("query", "unknown", "refused"),
        ("query", "unknown", "refused"),
        ("mutation", "notes:add", "success"),
        ("run", "unknown", "refused"),
    ]
