"""Convex's own HTTP clients, npm's and PyPI's, against the server as its users start it."""

import math
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import convex
import pytest
from convex.http_client import ConvexExecutionError, ConvexHttpClient

from server.world import Process, serving, write_functions

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

SHOP = """
@query
def echo(ctx, value: Any) -> Any:
    return value

@action
async def act(ctx, value: Any) -> Any:
    return value

@mutation
def add(ctx, name: str) -> int:
    ctx.log("adding", name)
    ctx.db.insert("items", name=name)
    return len(ctx.db.query("items").collect())

@query
def count(ctx) -> int:
    return len(ctx.db.query("items").collect())

def wrong(how: str) -> None:
    if how == "none":
        raise FunctionError(None)
    if how == "data":
        raise FunctionError({"n": Int64(1), "message": "Sold out."})
    if how == "text":
        raise FunctionError("Sold out.")
    raise ValueError("the secret reason")

@mutation
def fail(ctx, how: str) -> None:
    wrong(how)

@query
def fail_query(ctx, how: str) -> None:
    wrong(how)

@action
async def fail_action(ctx, how: str) -> None:
    wrong(how)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server for PyPI's client."""
    folder: Path = tmp_path_factory.mktemp("clients")
    with serving(write_functions(folder / "functions", shop=SHOP), folder / "x.sqlite3") as process:
        yield process


@pytest.fixture
def client(server: Process) -> ConvexHttpClient:
    """PyPI's."""
    return ConvexHttpClient(f"http://127.0.0.1:{server.port}")


def test_the_client_of_npm(tmp_path: Path) -> None:
    """In Node: values, log lines, errors with data, consistent queries."""
    node = shutil.which("node") or str(ROOT / ".venv/bin/node")
    with serving(write_functions(tmp_path / "functions", shop=SHOP), tmp_path / "x.sqlite3") as process:
        command = [node, HERE / "convex_http_client.mjs", f"http://127.0.0.1:{process.port}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-1:] == ["all is well"], done.stdout + done.stderr


@pytest.mark.parametrize(
    "value",
    [None, True, "é", 0.0, 3.0, 1e22, -0.0, math.inf, b"\x00\x10", [1.0, [2.0]], {"a": [None], "": {}}],
)
def test_the_client_of_pypi(client: ConvexHttpClient, value: Any) -> None:
    """A Float64 has its fraction, without which this client refuses the answer."""
    assert client.query("shop:echo", {"value": value}) == value
    assert client.action("shop:act", {"value": value}) == value


def test_what_is_special(client: ConvexHttpClient) -> None:
    """NaN, and whole numbers beyond 2^53."""
    assert math.isnan(client.query("shop:echo", {"value": math.nan}))
    assert client.query("shop:echo", {"value": convex.ConvexInt64(2**53 + 1)}).value == 2**53 + 1


def test_its_mutations_and_lines(client: ConvexHttpClient, capsys: pytest.CaptureFixture[str]) -> None:
    """Printed when it is told to."""
    client.set_debug(True)
    before = client.query("shop:count")
    assert client.mutation("shop:add", {"name": "tea"}) == before + 1
    assert capsys.readouterr().out == "[LOG] 'adding' 'tea'\n"
    assert client.query("shop:count") == before + 1


@pytest.mark.parametrize(("kind", "name"), [("query", "fail_query"), ("mutation", "fail"), ("action", "fail_action")])
def test_its_errors(client: ConvexHttpClient, kind: str, name: str) -> None:
    """With data where there is some; else a number, and no reason."""
    call = getattr(client, kind)
    with pytest.raises(convex.ConvexError) as caught:
        call(f"shop:{name}", {"how": "text"})
    assert caught.value.data == "Sold out."
    with pytest.raises(convex.ConvexError) as caught:
        call(f"shop:{name}", {"how": "none"})
    assert caught.value.data is None
    with pytest.raises(ConvexExecutionError, match=r"^\[Request ID: [0-9a-f]{16}\] Server Error$"):
        call(f"shop:{name}", {"how": "value"})


def test_a_refusal(client: ConvexHttpClient) -> None:
    """It finds the code and the message that it looks for."""
    client.set_auth("a.b.c")
    with pytest.raises(Exception, match="401 Unauthenticated: This server checks no tokens"):
        client.query("shop:count")
    client.clear_auth()
    client.headers["Convex-Client"] = "npm-0.19.1"
    with (
        pytest.warns(UserWarning, match="Unsupported: .*too old"),
        pytest.raises(Exception, match="400 ClientVersionUnsupported"),
    ):
        client.query("shop:count")
    client.headers["Convex-Client"] = "npm-0.20.0"
    with pytest.warns(UserWarning, match="UpgradeRequired: .*update it"):
        assert client.query("shop:count") >= 0
