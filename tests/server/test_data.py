"""`pillion export` and `import`, as their users run them."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from pillion_server.commands import main
from server.world import RAW_ID, serving, write_functions

SHOP = """
@mutation
def add(ctx, session_id: SessionId, n: int) -> None:
    ctx.sessions.bind(session_id, "ada")
    ctx.db.insert("items", n=n, session_id=session_id, raw=b"x", wide=Int64(2**60), none=float("nan"))

@query
def items(ctx) -> list:
    return [row["n"] for row in ctx.db.query("items").with_index("by_n").collect()]
"""
SCHEMA = 'schema = Schema(items=Table().index("by_n", "n"))'
PILLION = [sys.executable, "-m", "pillion_server"]


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """A folder that works."""
    return write_functions(tmp_path / "functions", shop=SHOP, schema=SCHEMA)


def test_out_of_a_running_server_and_into_a_new_one(
    functions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every document, by every index; and nothing of the sessions but their digests."""
    old, new, lines = tmp_path / "old.sqlite3", tmp_path / "new.sqlite3", tmp_path / "data.jsonl"
    with serving(functions, old) as server:
        for n in (3, 1, 2):
            server.call("mutation", "shop:add", sessionId=RAW_ID, n=n)
        assert main(["export", str(old), str(lines)]) == 0
        assert capsys.readouterr() == ("", "pillion: 3 documents exported.\n")
        assert server.call("query", "shop:items").value == [1, 2, 3]
    assert main(["import", str(new), str(lines)]) == 0
    assert capsys.readouterr() == ("", "pillion: 3 documents imported.\n")
    with serving(functions, new) as server:
        assert server.call("query", "shop:items").value == [1, 2, 3]
    assert RAW_ID not in lines.read_text()
    secret = (tmp_path / "old.sqlite3.secret").read_bytes()
    assert secret not in lines.read_bytes()
    assert secret.hex() not in lines.read_text()


def test_by_pipes(functions: Path, tmp_path: Path) -> None:
    """Without the name of a file, standard output and input."""
    with serving(functions, tmp_path / "old.sqlite3") as server:
        server.call("mutation", "shop:add", sessionId=RAW_ID, n=1)
    out = subprocess.run([*PILLION, "export", tmp_path / "old.sqlite3"], capture_output=True, check=True, timeout=60)
    assert out.stdout.count(b"\n") == 1
    subprocess.run([*PILLION, "import", tmp_path / "new.sqlite3"], input=out.stdout, check=True, timeout=60)
    again = subprocess.run([*PILLION, "export", tmp_path / "new.sqlite3"], capture_output=True, check=True, timeout=60)
    assert again.stdout == out.stdout


def test_into_a_running_server(functions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused in one sentence."""
    (tmp_path / "data.jsonl").write_text('{"_id":"items:1","_creation_time":1}\n')
    with serving(functions, tmp_path / "x.sqlite3"):
        assert main(["import", str(tmp_path / "x.sqlite3"), str(tmp_path / "data.jsonl")]) == 1
        error = capsys.readouterr().err
    assert "in use by another pillion server" in error
    assert error.count("\n") == 1


def test_a_broken_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its number is said, and the database stays empty."""
    (tmp_path / "data.jsonl").write_text('{"_id":"items:1","_creation_time":1}\nnonsense\n')
    assert main(["import", str(tmp_path / "x.sqlite3"), str(tmp_path / "data.jsonl")]) == 1
    assert capsys.readouterr().err.startswith("pillion: Line 2: not JSON (")
    assert main(["export", str(tmp_path / "x.sqlite3"), str(tmp_path / "out.jsonl")]) == 0
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_files_that_can_not_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence each, and nothing half-written."""
    database, empty = tmp_path / "x.sqlite3", tmp_path / "empty.jsonl"
    empty.write_text("")
    assert main(["import", str(database), str(tmp_path / "nowhere.jsonl")]) == 1
    assert "nowhere.jsonl can't be read: No such file or directory." in capsys.readouterr().err
    assert not database.exists()
    assert main(["import", str(database), str(empty)]) == 0
    assert main(["export", str(tmp_path / "nowhere.sqlite3"), str(tmp_path / "out.jsonl")]) == 1
    assert main(["export", str(database), str(tmp_path / "no" / "out.jsonl")]) == 1
    assert "out.jsonl can't be written: No such file or directory." in capsys.readouterr().err
    assert list(tmp_path.glob("out*")) == []


def test_progress_where_somebody_looks(tmp_path: Path) -> None:
    """On a terminal, and only there, both say how far they are."""
    lines = tmp_path / "data.jsonl"
    lines.write_text("".join(f'{{"_id":"items:{n}","_creation_time":1}}\n' for n in range(2000)))
    for command, word in (("import", "Importing"), ("export", "Exporting")):
        shown = on_a_terminal(command, str(tmp_path / "x.sqlite3"), str(lines))
        assert word in shown
        assert "━" in shown
        assert "2000 documents" in shown


def on_a_terminal(*arguments: str) -> str:
    """What the command shows on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PILLION, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # Linux's way to say that the other end is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(30) == 0
    return shown.decode()
