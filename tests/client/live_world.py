"""A server as its users start it, behind a proxy, and clients of it outside a browser."""

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from pillion import Client, Request, Response
from server.cutting import CuttingProxy
from server.world import Process, write_functions

SECONDS = 20
"""How long something is waited for."""

NOTES = """
@mutation
def add(ctx, text: str) -> int:
    ctx.db.insert("notes", text=text)
    return len(ctx.db.query("notes").collect())

@query
def texts(ctx) -> list[str]:
    return [note["text"] for note in ctx.db.query("notes").collect()]

@query
def longer(ctx, than: int) -> list[str]:
    return [note["text"] for note in ctx.db.query("notes").collect() if len(note["text"]) > than]

@mutation
def add_own(ctx, session_id: SessionId, text: str) -> int:
    ctx.db.insert("own", session_id=session_id, text=text)
    return len(listed(ctx, session_id))

@query
def own(ctx, session_id: SessionId) -> list[str]:
    return listed(ctx, session_id)

@mutation
def move(ctx, session_id: SessionId, new: SessionId) -> None:
    for note in ctx.db.query("own").with_index("by_session", session_id=session_id).collect():
        ctx.db.patch(note["_id"], session_id=new)

@query
def strict(ctx) -> int:
    if ctx.db.query("notes").first() is not None:
        raise FunctionError("too many")
    return 0

@mutation
def refuse(ctx) -> None:
    raise FunctionError({"code": "refused"})

@action
async def echo(ctx, value: Any) -> Any:
    return value

@action
async def slow(ctx) -> None:
    await asyncio.sleep(3600)

def listed(ctx, session_id):
    return [note["text"] for note in ctx.db.query("own").with_index("by_session", session_id=session_id).collect()]
"""
SCHEMA = 'schema = Schema(notes=Table(), own=Table().index("by_session", "session_id"))\n'


class Http:
    """A transport over urllib, which counts what goes over it."""

    def __init__(self) -> None:
        self.sent = 0

    async def send(self, request: Request, seconds: float) -> Response:
        self.sent += 1
        return await asyncio.to_thread(self._post, request, seconds)

    def _post(self, request: Request, seconds: float) -> Response:
        asked = urllib.request.Request(request.url, request.body.encode(), request.headers)
        with urllib.request.urlopen(asked, timeout=seconds) as response:
            return Response(response.status, response.read().decode())


class LiveWorld:
    """A server whose address stays when it is started again; `proxy` is what the clients see of it.

    modules: its functions, and their schema, instead of the notes.
    """

    def __init__(self, folder: Path, **modules: str) -> None:
        self._functions = write_functions(folder / "functions", **(modules or {"notes": NOTES, "schema": SCHEMA}))
        self._database = folder / "data.sqlite3"
        self._server = Process(self._functions, self._database)
        self._is_up = True
        self.proxy = CuttingProxy(self._server.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.proxy.port}/api"

    def stop(self) -> None:
        """The server is gone, and so are its connections."""
        self._server.kill()
        self._is_up = False

    def start(self) -> None:
        """It is there again."""
        self._server = Process(self._functions, self._database)
        self._is_up = True
        self.proxy.target = self._server.port

    def deploy(self, **modules: str) -> None:
        """Has it run other functions from its next start on."""
        write_functions(self._functions, **modules)

    def call(self, kind: str, path: str, **args: object) -> Any:
        """What a function returns to somebody else."""
        return self._server.call(kind, path, **args).value

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A client, closed at the end."""
        client = Client(self.url, Http())
        try:
            yield client
        finally:
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.proxy.close()
        if self._is_up:
            self._server.stop()


async def until(true: Callable[[], bool]) -> None:
    """Waits until something is true."""
    async with asyncio.timeout(SECONDS):
        while not true():
            await asyncio.sleep(0.005)
