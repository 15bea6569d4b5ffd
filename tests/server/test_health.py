"""The health endpoint."""

import asyncio
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from server.world import Process, World, serving, write_functions

Make = Callable[..., World]

SHOP = """
@mutation
def add(ctx) -> None:
    ctx.db.insert("items")

@query
def count(ctx) -> int:
    return len(ctx.db.query("items").collect())
"""


def test_ready(world: Make) -> None:
    """And nobody may keep the answer."""
    answer = world(shop=SHOP).request("GET", "/health")
    assert (answer.status, answer.json) == (200, {"status": "ready"})
    assert answer.headers["cache-control"] == "no-store"


def test_it_changes_nothing(world: Make) -> None:
    """However often it is asked."""
    here = world(shop=SHOP)
    here.mutation("shop:add")
    before = list(apsw.Connection(str(here.database)).execute("select * from documents, epoch"))
    for _ in range(3):
        here.request("GET", "/health")
    assert list(apsw.Connection(str(here.database)).execute("select * from documents, epoch")) == before


def test_a_closed_database(world: Make) -> None:
    """As before the start and while stopping."""
    here = world(shop=SHOP)
    here.close()
    answer = here.request("GET", "/health")
    assert (answer.status, answer.json["status"]) == (503, "unready")
    assert "The database is closed" in answer.json["reason"]


def test_a_locked_database(world: Make) -> None:
    """By another program; it is ready again when that one lets go."""
    here = world(shop=SHOP)

    async def main() -> tuple[int, str]:
        other = apsw.Connection(str(here.database))
        other.execute("begin immediate")
        answer = await here.arequest("GET", "/health")
        other.execute("rollback")
        other.close()
        return answer.status, answer.json["reason"]

    status, reason = asyncio.run(main())
    assert status == 503
    assert reason == "The database didn't answer within 2 seconds: a function or another program keeps it."
    assert here.request("GET", "/health").status == 200


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_a_file_that_can_not_grow(tmp_path: Path) -> None:
    """As on a full disk: reads still work, but the server is not ready."""
    functions = write_functions(tmp_path / "functions", shop=SHOP)
    with serving(functions, tmp_path / "x.sqlite3") as server:
        assert asked(server)[0] == 200
        whole = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, whole[1]))
        assert server.call("query", "shop:count").value == 0
        status, text = asked(server)
        assert status == 503
        assert "disk I/O error" in text
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, whole)
        assert asked(server)[0] == 200


def asked(server: Process) -> tuple[int, str]:
    """Status and body of the health endpoint."""
    connection = server.connect()
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_a_stranger_is_not_told(world: Make) -> None:
    """The guard stands before it."""
    here = world(shop=SHOP)
    assert here.request("GET", "/health", headers={"host": "evil.test"}).status == 400
    assert here.request("GET", "/health", headers={"origin": "https://evil.test"}).status == 403
