"""The app as a whole: what `create_app` makes, and when it refuses."""

import asyncio
from pathlib import Path

import pytest

from pillion_server import Registry, StartError, create_app, query
from server.world import HEADER, call_asgi, write_functions

SHOP = "@query\ndef get(ctx) -> int:\n    return 1\n"


@query
def two(ctx: object) -> int:
    return 2


async def ask(app: object, path: str) -> object:
    body = f'{{"path": "{path}"}}'.encode()
    return (await call_asgi(app, "POST", "/api/query", [{"type": "http.request", "body": body}])).json


def test_it_works_without_a_lifespan(tmp_path: Path) -> None:
    """As under an in-process transport, in one event loop after another."""
    app = create_app(write_functions(tmp_path / "functions", shop=SHOP), tmp_path / "x.sqlite3")
    for _ in range(3):
        assert asyncio.run(ask(app, "shop:get")) == {"status": "success", "value": 1.0}
    app.state.database.close()


def test_a_lifespan_closes_and_opens_the_database(tmp_path: Path) -> None:
    """Twice, as a test client may."""
    app = create_app(write_functions(tmp_path / "functions", shop=SHOP), tmp_path / "x.sqlite3")

    async def main() -> None:
        for _ in range(2):
            async with app.router.lifespan_context(app):
                assert await ask(app, "shop:get") == {"status": "success", "value": 1.0}
        refused = await call_asgi(
            app, "POST", "/api/query", [{"type": "http.request", "body": b'{"path": "shop:get"}'}]
        )
        assert (refused.status, refused.json["code"]) == (503, "DatabaseError")

    asyncio.run(main())


def test_a_registry_instead_of_a_folder(tmp_path: Path) -> None:
    """For functions that are made in Python."""
    registry = Registry()
    registry.add("shop", {"two": two})
    app = create_app(registry, tmp_path / "x.sqlite3")
    assert asyncio.run(ask(app, "shop:two")) == {"status": "success", "value": 2.0}
    app.state.database.close()


def test_it_refuses_to_serve_its_database(tmp_path: Path) -> None:
    """Before anything is made."""
    write_functions(tmp_path / "functions", shop=SHOP)
    with pytest.raises(StartError, match="everybody could fetch it"):
        create_app(tmp_path / "functions", tmp_path / "x.sqlite3", static=tmp_path)
    assert not (tmp_path / "x.sqlite3").exists()


def test_it_refuses_a_static_folder_that_it_could_not_serve(tmp_path: Path) -> None:
    """`pillion_server . --static .`, before anything is loaded or made."""
    write_functions(tmp_path, shop="1 / 0")
    with pytest.raises(StartError, match="folder of functions"):
        create_app(tmp_path, tmp_path / ".data/x.sqlite3", static=tmp_path)
    assert not (tmp_path / ".data").exists()


def test_two_apps_on_one_file(tmp_path: Path) -> None:
    """The second is refused while the first is there."""
    functions = write_functions(tmp_path / "functions", shop=SHOP)
    app = create_app(functions, tmp_path / "x.sqlite3")
    with pytest.raises(StartError, match="in use"):
        create_app(functions, tmp_path / "x.sqlite3")
    app.state.database.close()
    create_app(functions, tmp_path / "x.sqlite3").state.database.close()


def test_the_header_of_these_tests_is_the_public_one() -> None:
    """Test modules import what users import."""
    assert "from pillion_server import *" in HEADER
