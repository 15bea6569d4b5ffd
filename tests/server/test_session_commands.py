"""`pillion sessions`, on the database of a real server."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pillion_server.commands import main
from pillion_server.offline import writing
from server.world import OTHER_ID, RAW_ID, serving, write_functions

USERS = """
@mutation
def login(ctx, session_id: SessionId, user: str) -> str:
    ctx.sessions.bind(session_id, user)
    return session_id

@mutation
def change(ctx, session_id: SessionId) -> str:
    return session_id

@query
def me(ctx, session_id: SessionId) -> str | None:
    return ctx.sessions.user(session_id)
"""
THIRD_ID = "a" * 32


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """A folder that works."""
    return write_functions(tmp_path / "functions", users=USERS)


@pytest.fixture
def database(functions: Path, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A database where three sessions are bound, and their digests by their IDs."""
    path = tmp_path / "x.sqlite3"
    with serving(functions, path) as server:
        bound = {
            id: server.call("mutation", "users:login", sessionId=id, user=user).value
            for id, user in ((RAW_ID, "ada"), (OTHER_ID, "ada"), (THIRD_ID, "bob"))
        }
    return path, bound


def users(functions: Path, path: Path) -> list[object]:
    """Whose the three sessions are, as a server says."""
    with serving(functions, path) as server:
        return [server.call("query", "users:me", sessionId=id).value for id in (RAW_ID, OTHER_ID, THIRD_ID)]


def test_list_while_a_server_runs(
    functions: Path, database: tuple[Path, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Digests and users; no ID."""
    path, bound = database
    with serving(functions, path):
        assert main(["sessions", "list", str(path)]) == 0
    printed = [line.split(None, 2) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line[:2] for line in printed[:2]) == sorted([bound[id], "ada"] for id in (RAW_ID, OTHER_ID))
    assert printed[2][:2] == [bound[THIRD_ID], "bob"]
    for _, _, seen in printed:
        moment = datetime.strptime(seen, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        assert abs(datetime.now(UTC) - moment) < timedelta(minutes=5)


def test_list_of_sessions_without_a_user(
    functions: Path, database: tuple[Path, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that have changed something, as long as they are live; the times that are not known are left open."""
    path, bound = database
    with serving(functions, path) as server:
        quiet = server.call("mutation", "users:change", sessionId="b" * 32).value
        server.call("query", "users:me", sessionId="c" * 32)
    assert main(["sessions", "invalidate", str(path), bound[RAW_ID], bound[OTHER_ID]]) == 0
    with writing(path) as connection:
        connection.run("delete from seen where digest = ?", (bound[THIRD_ID],))
    capsys.readouterr()
    assert main(["sessions", "list", str(path)]) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert printed[0] == [bound[THIRD_ID], "bob", "-"]
    assert [line[:2] for line in printed[1:]] == [[quiet, "-"]]
    assert main(["sessions", "invalidate", str(path), "--all"]) == 0
    capsys.readouterr()
    assert main(["sessions", "list", str(path)]) == 0
    assert "No session is bound" in capsys.readouterr().err


def test_nobody_is_listed(tmp_path: Path, functions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which is said."""
    with serving(functions, tmp_path / "x.sqlite3"):
        assert main(["sessions", "list", str(tmp_path / "x.sqlite3")]) == 0
    assert capsys.readouterr() == (
        "",
        "pillion: No session is bound to a user or has changed anything; of the others the database keeps no list.\n",
    )


def test_one_is_invalidated(
    functions: Path, database: tuple[Path, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its ID opens another one; the second time nothing is left to end."""
    path, bound = database
    for ended in (1, 0):
        assert main(["sessions", "invalidate", str(path), bound[RAW_ID]]) == 0
        assert capsys.readouterr().err == f"pillion: {ended} sessions have ended.\n"
    assert users(functions, path) == [None, "ada", "bob"]


def test_all_of_a_user(functions: Path, database: tuple[Path, dict[str, str]]) -> None:
    """And nobody else's."""
    assert main(["sessions", "invalidate", str(database[0]), "--user", "ada"]) == 0
    assert users(functions, database[0]) == [None, None, "bob"]


def test_all(functions: Path, database: tuple[Path, dict[str, str]]) -> None:
    """Whosesoever."""
    assert main(["sessions", "invalidate", str(database[0]), "--all"]) == 0
    assert users(functions, database[0]) == [None, None, None]


def test_refused_while_a_server_runs(
    functions: Path, database: tuple[Path, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The server would not hear of it."""
    path, _ = database
    with serving(functions, path) as server:
        assert main(["sessions", "invalidate", str(path), "--all"]) == 1
        assert "in use by another pillion server: stop that one" in capsys.readouterr().err
        assert server.call("query", "users:me", sessionId=RAW_ID).value == "ada"


@pytest.mark.parametrize("arguments", [(), (RAW_ID,), ("sid.short",)])
def test_what_names_no_session(
    functions: Path,
    database: tuple[Path, dict[str, str]],
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    """Nothing, an ID, a part of a digest: all is as before, and the ID is not repeated."""
    assert main(["sessions", "invalidate", str(database[0]), *arguments]) == 1
    printed = "".join(capsys.readouterr())
    assert "`sessions list`" in printed
    assert RAW_ID not in printed
    assert users(functions, database[0]) == ["ada", "ada", "bob"]
