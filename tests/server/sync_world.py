"""A client of the sync protocol that sends what it is told to, on a socket of an ASGI app or of a server process."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pillion_shared.versions import read_timestamp

SECONDS = 10
"""How long a frame is waited for."""


class Socket:
    """What is sent and received; `reading` is clear while the client reads nothing."""

    def __init__(self) -> None:
        self._to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reading = asyncio.Event()
        self.reading.set()
        self.version: dict[str, Any] = {"querySet": 0, "identity": 0, "ts": "AAAAAAAAAAA="}
        self.values: dict[int, Any] = {}
        self._to_server.put_nowait({"type": "websocket.connect"})

    async def receive(self) -> dict[str, Any]:
        return await self._to_server.get()

    async def send(self, message: dict[str, Any]) -> None:
        await self.reading.wait()
        self._from_server.put_nowait(message)

    @property
    def unread(self) -> int:
        return self._from_server.qsize()

    def say(self, type: str, **fields: object) -> None:
        """Sends a frame."""
        self.say_text(json.dumps({"type": type, **fields}))

    def say_text(self, text: str) -> None:
        self._to_server.put_nowait({"type": "websocket.receive", "text": text})

    def say_bytes(self, octets: bytes) -> None:
        self._to_server.put_nowait({"type": "websocket.receive", "bytes": octets})

    def leave(self) -> None:
        self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1005})

    async def message(self) -> dict[str, Any]:
        """The next one of ASGI."""
        async with asyncio.timeout(SECONDS):
            return await self._from_server.get()

    async def frame(self) -> dict[str, Any]:
        """The next frame; a transition is checked to go on from the one before, and kept."""
        message = await self.message()
        assert message["type"] == "websocket.send", message
        frame: dict[str, Any] = json.loads(message["text"])
        if frame["type"] == "Transition":
            assert frame["startVersion"] == self.version
            assert read_timestamp(frame["endVersion"]["ts"]) >= read_timestamp(self.version["ts"])
            self.version = frame["endVersion"]
            for each in frame["modifications"]:
                if each["type"] == "QueryRemoved":
                    del self.values[each["queryId"]]
                else:
                    self.values[each["queryId"]] = each.get("value", each.get("errorMessage"))
        return frame

    async def response(self) -> dict[str, Any]:
        """The next answer to a call."""
        while not (frame := await self.frame())["type"].endswith("Response"):
            pass
        return frame

    async def closed(self) -> tuple[int, str]:
        """The code and reason with which the server closes."""
        message = await self.message()
        assert message["type"] == "websocket.close", message
        return message["code"], message["reason"]

    def connect(self, client: str | None = None, **fields: object) -> None:
        self.say("Connect", sessionId=client or str(uuid.uuid4()), connectionCount=0, clientTs=1, **fields)

    def modify(self, base: int, *modifications: dict[str, Any]) -> None:
        self.say("ModifyQuerySet", baseVersion=base, newVersion=base + 1, modifications=modifications)

    def mutate(self, request: int, path: str, **args: object) -> None:
        self.say("Mutation", requestId=request, udfPath=path, args=[args])


def add(number: int, path: str, journal: str | None = None, **args: object) -> dict[str, Any]:
    """A query to be shown."""
    more = {} if journal is None else {"journal": journal}
    return {"type": "Add", "queryId": number, "udfPath": path, "args": [args], **more}


def remove(number: int) -> dict[str, Any]:
    """One to be shown no more."""
    return {"type": "Remove", "queryId": number}


@asynccontextmanager
async def socket(
    app: Any, path: str = "/api/1.48.0/sync", headers: Mapping[str, str] | None = None
) -> AsyncIterator[Socket]:
    """A socket of an app, accepted; its client leaves at the end."""
    client = Socket()
    task = asyncio.ensure_future(app(scope_of(path, headers or {}), client.receive, client.send))
    try:
        first = await client.message()
        assert first["type"] == "websocket.accept", first
        yield client
    finally:
        client.reading.set()
        client.leave()
        async with asyncio.timeout(SECONDS):
            await task


def scope_of(path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """What a server tells an app of a WebSocket."""
    given = {"host": "localhost:8000", **headers}
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "server": ("localhost", 8000),
        "client": ("127.0.0.1", 1234),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
