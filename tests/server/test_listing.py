"""`pillion functions`."""

import subprocess
import sys
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


TYPES = """
from dataclasses import dataclass
from ._types import Item

@dataclass
class Change:
    item: Id["items"]
    price: float = 0.5

@query
def get(ctx, owner: Id["users"] | None, pagination_opts: PaginationOptions) -> list[Item]: ...

@mutation
def change(ctx, changes: dict[str, Change], session_id: SessionId | None = None) -> tuple[Id["items"], ...]: ...

@action
async def buy(ctx, how: Literal["card", "cash"] = "card", price: Annotated[int, "cents"] = 1) -> Item | None: ...

@query
def unsaid(ctx, item: Item): ...
"""


def test_types_as_they_are_written(tmp_path: Path) -> None:
    """By the command as people call it."""
    write_functions(tmp_path, shop=TYPES, _types="class Item(TypedDict):\n    name: str\n")
    command = [sys.executable, "-m", "pillion_server", "functions", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "shop:buy action public (how: Literal['card', 'cash'] = ..., price: int = ...) -> Item | None",
        (
            "shop:change mutation public "
            '(changes: dict[str, Change], sessionId: SessionId | None = ...) -> tuple[Id["items"], ...]'
        ),
        'shop:get query public (owner: Id["users"] | None, paginationOpts: PaginationOptions) -> list[Item]',
        "shop:unsaid query public (item: Item)",
    ]


def test_nothing_is_registered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which is no error."""
    assert main(["functions", str(tmp_path)]) == 0
    assert "holds no functions" in capsys.readouterr().err


def test_functions_that_can_not_be_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence that `run` says too."""
    write_functions(tmp_path, shop="1 / 0")
    assert main(["functions", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"pillion: {tmp_path}/shop.py, line 4: ZeroDivisionError: division by zero\n"
