"""`pillion functions`."""

from pathlib import Path

import pytest

from pillion_server.commands import main
from server.world import write_functions

SHOP = """
@mutation
def add(ctx, session_id: SessionId, name: str, tags: list[str] | None) -> None: ...

@internal_query
def count(ctx) -> int:
    return 0
"""


def test_what_is_registered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each path, whole however long, without colours where nobody looks."""
    write_functions(tmp_path, shop=SHOP + "number = count\n")
    write_functions(tmp_path / "admin", users=SHOP, _helper=SHOP)
    assert main(["functions", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "admin/users:add    mutation  public    (sessionId: SessionId, name: str, tags: list[str] | None) -> None",
        "admin/users:count  query     internal  () -> int",
        "shop:add           mutation  public    (sessionId: SessionId, name: str, tags: list[str] | None) -> None",
        "shop:count         query     internal  () -> int",
        "shop:number        query     internal  () -> int",
    ]
    assert printed.err == ""


def test_nothing_is_registered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which is no error."""
    assert main(["functions", str(tmp_path)]) == 0
    assert "holds no functions" in capsys.readouterr().err


def test_functions_that_can_not_be_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence that `run` says too."""
    write_functions(tmp_path, shop="1 / 0")
    assert main(["functions", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"pillion: {tmp_path}/shop.py, line 4: ZeroDivisionError: division by zero\n"
