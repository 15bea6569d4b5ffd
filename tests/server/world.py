"""The smallest world of a server test: a folder of functions, a database file, calls through the app."""

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pillion_server import create_app
from whole_ids import whole_ids

RAW_ID = "0123456789abcdef0123456789abcdef"
OTHER_ID = "fedcba9876543210fedcba9876543210"

HEADER = "import asyncio, os, sys\nfrom typing import *\nfrom pillion_server import *\n"


def write_functions(folder: Path, **modules: str) -> Path:
    """A folder with these modules, each with pillion_server's names at hand."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, code in modules.items():
        (folder / f"{name}.py").write_text(HEADER + code)
    return folder


class Answer:
    """A status, headers and a JSON body."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.text = body.decode()

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.text)

    @property
    def value(self) -> Any:
        assert self.json.get("status") == "success", self.text
        return self.json["value"]

    @property
    def error(self) -> str:
        assert self.json.get("status") == "error", self.text
        assert self.status == 200
        return self.json["errorMessage"]


class World:
    """An app on files under `folder`; every call runs in an event loop of its own."""

    def __init__(self, folder: Path, options: Mapping[str, Any] | None = None, **modules: str) -> None:
        self.functions = write_functions(folder / "functions", **modules)
        self.database = folder / "data.sqlite3"
        self.app = create_app(self.functions, self.database, **(options or {}))

    def close(self) -> None:
        self.app.state.database.close()

    def call(self, kind: str, path: str, **args: object) -> Answer:
        return asyncio.run(self.acall(kind, path, **args))

    def query(self, path: str, **args: object) -> Any:
        return self.call("query", path, **args).value

    def mutation(self, path: str, **args: object) -> Any:
        return self.call("mutation", path, **args).value

    def action(self, path: str, **args: object) -> Any:
        return self.call("action", path, **args).value

    async def acall(self, kind: str, path: str, **args: object) -> Answer:
        body = {"path": path, "args": args, "format": "convex_encoded_json"}
        return await self.arequest("POST", f"/api/{kind}", json.dumps(body).encode())

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        return asyncio.run(self.arequest(method, path, body, headers))

    async def arequest(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        pieces: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
        return await call_asgi(self.app, method, path, pieces, headers)


async def call_asgi(
    app: Any, method: str, path: str, pieces: list[dict[str, Any]], headers: Mapping[str, str] | None = None
) -> Answer:
    """One request to an ASGI app, its body in pieces; what is missing after them is a disconnect."""
    sent: list[dict[str, Any]] = []
    waiting = list(pieces)

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    given = {"host": "localhost:8000", **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "server": ("localhost", 8000),
        "client": ("127.0.0.1", 1234),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    await app(scope, receive, send)
    if not sent:
        return Answer(0, {}, b"")
    pairs = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], pairs, b"".join(message.get("body", b"") for message in sent[1:]))


class Process:
    """`pillion run` as its users start it, on a free port."""

    wrapper: Sequence[str] = ()
    """A command that runs the command that follows it."""

    def __init__(self, functions: Path, database: Path, *options: str) -> None:
        command = [
            *self.wrapper,
            sys.executable,
            "-m",
            "pillion_server",
            "run",
            str(functions),
            "--db",
            str(database),
            "--port",
            "0",
        ]
        self.process = subprocess.Popen(
            [*command, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._out, self._err = self.process.stdout, self.process.stderr
        self.line = self._out.readline()
        if not self.line:
            raise RuntimeError(self.end()[1])
        self.port = int(self.line.split("localhost:")[1].split()[0])

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def post(self, kind: str, body: bytes | str, connection: http.client.HTTPConnection | None = None) -> Answer:
        own = connection or self.connect()
        try:
            own.request("POST", f"/api/{kind}", body, {"content-type": "application/json"})
            response = own.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            if connection is None:
                own.close()

    def call(
        self, kind: str, path: str, connection: http.client.HTTPConnection | None = None, **args: object
    ) -> Answer:
        return self.post(kind, json.dumps({"path": path, "args": args}), connection)

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.end()

    def end(self) -> tuple[str, str]:
        """Waits for its end; the rest of what it printed."""
        self.process.wait(15)
        with self._out, self._err:
            printed = self._out.read(), self._err.read()
        assert not whole_ids("\n".join(printed)), "The server has printed whole session IDs."
        return printed


@contextmanager
def serving(functions: Path, database: Path, *options: str) -> Iterator[Process]:
    """A running server that is stopped at the end."""
    process = Process(functions, database, *options)
    try:
        yield process
    finally:
        process.stop()
