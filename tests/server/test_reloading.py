"""Functions loaded anew while the server runs."""

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pillion_server.reloading import reload
from server.world import Process, World, serving, write_functions

Make = Callable[..., World]

OLD = """
@mutation
def add(ctx, name: str) -> None:
    ctx.db.insert("items", name=name)

@query
def says(ctx) -> str:
    return "old"
"""
NEW = OLD.replace('"old"', '"new"')
PATIENCE = 20.0
"""Seconds until a change that was not seen is given up."""


def wait_until(is_so: Callable[[], bool]) -> None:
    """Asks until it is so; fails when it never is."""
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_change_is_served_on_the_same_connection(tmp_path: Path) -> None:
    """With the data that was there; a broken file is said, and what it was goes on."""
    functions = write_functions(tmp_path / "functions", shop=OLD)
    with serving(functions, tmp_path / "x.sqlite3", "--reload") as server:
        connection = server.connect()
        server.call("mutation", "shop:add", connection, name="tea")
        before = connection.sock

        def says(expected: str) -> bool:
            return server.call("query", "shop:says", connection).value == expected

        assert says("old")
        write_functions(functions, shop=NEW)
        wait_until(lambda: says("new"))
        write_functions(functions, shop=NEW + "\n@query\ndef broken(:\n")
        heard = first_line_of(server)
        assert "The old functions go on." in heard
        assert f"{functions}/shop.py, line 14: invalid syntax" in heard
        assert says("new")
        assert server.call("mutation", "shop:add", connection, name="cup").status == 200
        write_functions(
            functions, shop=OLD + "\n@query\ndef items(ctx) -> int: return len(ctx.db.query('items').collect())"
        )
        wait_until(lambda: says("old"))
        assert server.call("query", "shop:items", connection).value == 2
        assert connection.sock is before
        connection.close()


def first_line_of(server: Process) -> str:
    """The next line of the server's log."""
    assert server.process.stderr is not None
    return server.process.stderr.readline()


def test_it_stops_as_usual(tmp_path: Path) -> None:
    """Ctrl-C ends the watching too."""
    process = Process(write_functions(tmp_path / "functions", shop=OLD), tmp_path / "x.sqlite3", "--reload")
    process.stop()
    assert process.process.returncode == 0


def test_a_new_index_is_there_with_the_functions_that_use_it(world: Make) -> None:
    """Filled with the documents from before, and kept up from then on."""
    here = world(shop=OLD)
    for name in ("tea", "cup", "tea"):
        here.mutation("shop:add", name=name)
    write_functions(
        here.functions,
        schema='schema = Schema(items=Table().index("by_name", "name"))',
        shop=OLD
        + "\n@query\ndef named(ctx, name: str) -> int:\n"
        + "    return len(ctx.db.query('items').with_index('by_name', name=name).collect())\n",
    )
    assert asyncio.run(reload(here.functions, here.app.state.registry, here.app.state.database))
    assert here.query("shop:named", name="tea") == 2
    here.mutation("shop:add", name="tea")
    assert here.query("shop:named", name="tea") == 3


def test_a_query_that_runs_ends_with_the_functions_it_began_with(world: Make, tmp_path: Path) -> None:
    """The schema waits for it."""
    begun = tmp_path / "begun"
    slow = f"import pathlib, threading\nbegun = pathlib.Path({str(begun)!r}).open('w')\n" + OLD.replace(
        'return "old"',
        "print('begun', file=begun, flush=True)\n"
        f"    while not pathlib.Path({str(tmp_path / 'go')!r}).exists(): threading.Event().wait(0.001)\n"
        '    begun.close()\n    return "old"',
    )
    here = world(shop=slow)

    async def main() -> tuple[object, bool, object]:
        old = asyncio.ensure_future(here.acall("query", "shop:says"))
        await asyncio.to_thread(wait_until, lambda: begun.stat().st_size > 0)
        write_functions(here.functions, shop=NEW)
        reloading = asyncio.ensure_future(reload(here.functions, here.app.state.registry, here.app.state.database))
        await asyncio.wait([reloading], timeout=0.3)
        waited = not reloading.done()
        (tmp_path / "go").touch()
        assert await reloading
        return (await old).value, waited, (await here.acall("query", "shop:says")).value

    assert asyncio.run(main()) == ("old", True, "new")


def test_a_folder_that_can_not_be_loaded(world: Make, caplog: pytest.LogCaptureFixture) -> None:
    """One sentence in the log, no traceback."""
    here = world(shop=OLD)
    write_functions(here.functions, shop="1 / 0")
    with caplog.at_level(logging.ERROR, "pillion_server"):
        assert not asyncio.run(reload(here.functions, here.app.state.registry, here.app.state.database))
    assert caplog.messages == [
        f"The old functions go on. {here.functions}/shop.py, line 4: ZeroDivisionError: division by zero"
    ]
    assert caplog.records[0].exc_info is None
    assert here.query("shop:says") == "old"


def test_queries_while_schemas_change_see_every_document(world: Make) -> None:
    """No query meets an index that is gone or not yet there: one that names it finds all, or an error says so."""
    named = (
        "\n@query\ndef named(ctx, turn: int) -> int:\n"
        "    return len(ctx.db.query('items').with_index('by_name').collect())\n"
    )
    here = world(shop=OLD + named, schema='schema = Schema(items=Table().index("by_name", "name"))')
    for n in range(5):
        here.mutation("shop:add", name=str(n))
    done = threading.Event()
    turns = itertools.count()  # no answer is kept for the next one

    async def main() -> list[object]:
        seen: list[object] = []

        async def ask() -> None:
            while not done.is_set():
                answer = (await here.acall("query", "shop:named", turn=next(turns))).json
                seen.append(answer.get("value", answer["status"]))

        asking = [asyncio.ensure_future(ask()) for _ in range(8)]
        for index in ('"by_name", "other"', '"by_name", "name", "x"', '"by_name", "name"') * 4:
            write_functions(here.functions, schema=f"schema = Schema(items=Table().index({index}))")
            assert await reload(here.functions, here.app.state.registry, here.app.state.database)
        done.set()
        await asyncio.gather(*asking)
        return seen

    assert set(asyncio.run(main())) == {5.0}
