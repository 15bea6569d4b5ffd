"""`pillion run`, as its users start it."""

import contextlib
import http.client
import json
import signal
import socket
import threading
from pathlib import Path

import pytest

from pillion_server.commands import main
from server.tokens import AUDIENCE, ISSUER, Issuer, served
from server.world import HEADER, Process, serving, write_functions

SHOP = """
@mutation
def add(ctx, name: str) -> None:
    ctx.db.insert("items", name=name)

@query
def items(ctx) -> list:
    return [row["name"] for row in ctx.db.query("items").collect()]
"""


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """A folder that works."""
    return write_functions(tmp_path / "functions", shop=SHOP)


def test_one_line_when_it_listens(functions: Path, tmp_path: Path) -> None:
    """Where to look, what is served, where the data is; nothing more until the end."""
    database = tmp_path / "data" / "x.sqlite3"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("the page")
    process = Process(functions, database, "--static", str(tmp_path / "site"))
    expected = f"pillion: http://localhost:{process.port} ({functions}, data in {database}; Ctrl-C stops it)\n"
    assert process.line == expected
    process.call("mutation", "shop:add", name="tea")
    connection = process.connect()
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"the page"
    connection.close()
    process.process.send_signal(signal.SIGINT)
    assert process.end() == ("", "")
    assert process.process.returncode == 0
    assert [file.name for file in sorted(database.parent.iterdir())] == ["x.sqlite3", "x.sqlite3.secret"]


def test_options_reach_the_app(functions: Path, tmp_path: Path) -> None:
    """Other host names, other origins, the text of errors."""
    write_functions(functions, bad="@query\ndef fail(ctx) -> None:\n    raise ValueError('why')\n")
    options = (
        "--allow-host",
        "a.test",
        "--allow-host",
        "b.test",
        "--allow-origin",
        "https://p.test",
        "--dev",
    )
    with serving(functions, tmp_path / "x.sqlite3", *options) as process:
        connection = process.connect()
        body = json.dumps({"path": "bad:fail"})
        for host in ("a.test", "b.test"):
            connection.request("POST", "/api/query", body, {"host": host, "origin": "https://p.test"})
            response = connection.getresponse()
            assert response.headers["access-control-allow-origin"] == "https://p.test"
            assert json.loads(response.read())["errorMessage"].endswith("ValueError: why")
        connection.close()


def test_a_port_in_use(functions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, and the exit status says that it failed."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["run", str(functions), "--db", str(tmp_path / "x.sqlite3"), "--port", str(port)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"pillion: Can't listen on 127.0.0.1:{port} (Address already in use)")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("option", [("--port", "99999"), ("--host", "no.such.host.invalid"), ("--host", "192.0.2.1")])
def test_an_address_that_can_not_be(
    functions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: tuple[str, str]
) -> None:
    """The same."""
    arguments = ["run", str(functions), "--db", str(tmp_path / "x.sqlite3"), "--port", "0", *option]
    assert main(arguments) == 1
    assert capsys.readouterr().err.startswith("pillion: Can't listen on")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("def f(:", r"shop.py, line 4: invalid syntax."),
        (
            "@query\ndef f(ctx, *a): ...",
            "shop.py, line 4: f: *a can't be filled by a call; name each argument.",
        ),
    ],
)
def test_functions_that_can_not_be_loaded(
    functions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], code: str, sentence: str
) -> None:
    """A sentence with file and line, no traceback."""
    (functions / "shop.py").write_text(HEADER + code)
    assert main(["run", str(functions), "--db", str(tmp_path / "x.sqlite3"), "--port", "0"]) == 1
    assert capsys.readouterr().err == f"pillion: {functions}/{sentence}\n"


def test_a_database_that_can_not_be_used(functions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Corrupt, in an impossible place, or in the static folder."""
    (tmp_path / "bad.sqlite3").write_bytes(b"no database" * 1000)
    for database, options, sentence in (
        ("bad.sqlite3", (), "is corrupt or not a database: restore it"),
        ("bad.sqlite3/x", (), "can't be made"),
        ("x.sqlite3", ("--static", str(tmp_path)), "everybody could fetch it"),
    ):
        assert main(["run", str(functions), "--db", str(tmp_path / database), "--port", "0", *options]) == 1
        error = capsys.readouterr().err
        assert sentence in error
        assert error.count("\n") == 1


def test_a_second_server_on_the_same_file(functions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused and the first goes on."""
    with serving(functions, tmp_path / "x.sqlite3") as process:
        assert main(["run", str(functions), "--db", str(tmp_path / "x.sqlite3"), "--port", "0"]) == 1
        assert "in use by another pillion server" in capsys.readouterr().err
        assert process.call("query", "shop:items").value == []


def test_functions_that_never_end_do_not_keep_the_server(functions: Path, tmp_path: Path) -> None:
    """Ctrl-C stops it all the same, and what was acknowledged is there afterwards."""
    stuck = "import pathlib, threading\n"
    flags = [tmp_path / kind for kind in ("mutation", "query")]
    for flag in flags:
        stuck += f"{flag.name}_flag = pathlib.Path({str(flag)!r}).open('w')\n"
        stuck += f"@{flag.name}\ndef stay_in_{flag.name}(ctx) -> None:\n"
        stuck += f"    print('stuck', file={flag.name}_flag, flush=True)\n    threading.Event().wait(600)\n"
    write_functions(functions, stuck=stuck)
    database = tmp_path / "x.sqlite3"
    process = Process(functions, database)
    process.call("mutation", "shop:add", name="tea")
    calls = [
        threading.Thread(target=_give_up, args=(process, flag.name, f"stuck:stay_in_{flag.name}")) for flag in flags
    ]
    for call, flag in zip(calls, flags, strict=True):
        call.start()
        while not flag.stat().st_size:
            call.join(0.01)
    process.process.send_signal(signal.SIGINT)
    assert process.process.wait(timeout=20) == 1
    for call in calls:
        call.join()
    process.end()
    with serving(functions, database) as again:
        assert again.call("query", "shop:items").value == ["tea"]


def _give_up(process: Process, kind: str, path: str) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        process.call(kind, path)


def test_tokens(functions: Path, tmp_path: Path) -> None:
    """Are checked with the keys that are named."""
    write_functions(functions, who="@query\ndef am_i(ctx) -> str:\n    return ctx.auth.identity().subject\n")
    issuer = Issuer()
    with served(issuer.jwks()) as address:
        options = ("--jwks", address.url, "--issuer", ISSUER, "--audience", "other", "--audience", AUDIENCE)
        with serving(functions, tmp_path / "x.sqlite3", *options) as process:
            connection = process.connect()
            headers = {"authorization": f"Bearer {issuer.token('ada')}"}
            connection.request("POST", "/api/query", b'{"path": "who:am_i"}', headers)
            assert json.loads(connection.getresponse().read())["value"] == "ada"
            connection.close()
        assert address.asked == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--jwks", "keys.json"], "name both"),
        (["--issuer", "https://login.example", "--audience", "shop"], "with --jwks"),
        (["--jwks", "no.json", "--issuer", "https://login.example", "--audience", "shop"], "no.json can't be read"),
    ],
)
def test_tokens_that_could_not_be_checked(
    functions: Path, tmp_path: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Are said to be so at the start."""
    assert main(["run", str(functions), "--db", str(tmp_path / "x.sqlite3"), "--port", "0", *options]) == 1
    assert said in capsys.readouterr().err
