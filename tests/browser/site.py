"""A site for the tests: the real server in a thread, the pages under test, and all that the server received."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from browser.collector import ANY, Collector, whole
from browser.serving import Served
from pillion_server import create_app

ROOT = Path(__file__).parents[2]
OTHER_HOST = "shop.test"
"""A name that the browsers of these tests resolve to this machine, where http is not a secure context."""

EVIL_HOST, SUB_HOST, IDN_HOST = "evil.test", "localhost.evil.test", "xn--bcher-kva.test"
"""Further names of this machine, of those who must not see a session's ID; the last one is bücher.test."""

NAMES = (OTHER_HOST, EVIL_HOST, SUB_HOST, IDN_HOST)

ICON = '<!doctype html><link rel="icon" href="data:,">'
BLANK = "/blank.html"
"""A page of the site without any Python on it."""

ISOLATION = [(b"cross-origin-opener-policy", b"same-origin"), (b"cross-origin-embedder-policy", b"require-corp")]

API = "/api/"
"""What is posted under it is a call."""

NOTHING = "/nothing"
"""What is answered with 204, so that the browser stays where it is."""

MOVED = "/moved/"
"""What is asked for under it is redirected to the same server under another origin, 127.0.0.1."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><link rel="icon" href="data:,">
<script src="./client/demo/blocked_storage.js"></script>
<script type="module" src="./vendor/pyscript/core.js"></script></head>
<body><script type="{type}" config="./{config}" {attributes}>
{code}
</script></body></html>
"""

AGENT = """
import asyncio
import json
from pillion import *

_names = dict(globals())

async def _command(source):
    try:
        body = "".join("    " + line + chr(10) for line in source.split(chr(10)))
        exec("async def _command_():" + chr(10) + body, _names)
        return json.dumps({"value": await _names["_command_"]()})
    except Exception as error:
        told = {"error": type(error).__name__, "message": str(error)}
        if hasattr(error, "data"):
            told["data"] = error.data
        return json.dumps(told)
"""
IN_PAGE = """
import js
from pyscript.ffi import create_proxy
js.window.python = create_proxy(_command)
"""
IN_WORKER = """
from pyscript import sync
sync.command = _command
"""


@dataclass
class Received:
    """A call as the server received it."""

    kind: str
    path: str
    args: dict[str, Any]
    headers: dict[str, str]

    @property
    def session_id(self) -> str | None:
        """The ID that it carried."""
        return self.args.get("sessionId")


@dataclass
class Site:
    """A running server.

    received: every call over HTTP, oldest first. heard: every query, mutation and action over WebSockets.
    pages: files of the tests' own, by path. sandboxed: those among them that are served as a sandboxed frame would see
    them. isolated: those that are cross-origin isolated, by COOP and COEP. silent: whether calls get no answer until
    they give up. refuses_sockets: whether no WebSocket can be had. allow_origins: whose pages may call, besides this
    machine's. collector: what it received of plain HTTP, under `ANY`.
    """

    functions: Path
    data: Path
    port: int = 0
    received: list[Received] = field(default_factory=list)
    heard: list[Received] = field(default_factory=list)
    pages: dict[str, str | bytes] = field(
        default_factory=lambda: {BLANK: '<!doctype html><link rel="icon" href="data:,">'}
    )
    sandboxed: set[str] = field(default_factory=set)
    isolated: set[str] = field(default_factory=set)
    silent: bool = False
    refuses_sockets: bool = False
    allow_origins: tuple[str, ...] = ()
    collector: Collector = field(default_factory=Collector)

    @property
    def url(self) -> str:
        """The site's address, without a slash at the end."""
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Starts the server, on the port that it had before."""
        app = create_app(
            self.functions, self.data, static=ROOT, allow_hosts=[OTHER_HOST], allow_origins=self.allow_origins
        )
        self._served = Served(self._around(app), self.port)
        self._served.start()
        self.port = self._served.port

    def stop(self) -> None:
        """Stops it and frees the port, as if the machine were gone."""
        self._served.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        self._served.give_back()

    @contextmanager
    def down(self) -> Iterator[None]:
        """The server is away inside."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def page(self, runtime: str, code: str = "", *, worker: bool = False) -> str:
        """Adds a page that runs `code` and then obeys the tests; returns its path."""
        agent = AGENT + (IN_WORKER if worker else IN_PAGE)
        source = PAGE.format(
            title=f"{runtime} test page",
            type=runtime,
            config="pyscript.toml" if runtime == "py" else "micropython.toml",
            attributes="worker" if worker else "",
            code=code + agent,
        )
        path = f"/page-{len(self.pages)}.html"
        self.pages[path] = source
        return path

    def ids(self, path: str | None = None) -> list[str | None]:
        """The session IDs received, oldest first; only of calls of `path` if given."""
        return [call.session_id for call in self.received if path in (None, call.path)]

    def heard_ids(self, path: str | None = None) -> list[str | None]:
        """The same of what came over WebSockets."""
        return [call.session_id for call in self.heard if path in (None, call.path)]

    def _around(self, app: ASGIApp) -> ASGIApp:
        async def site(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "lifespan" and scope["path"].startswith(ANY):
                await self.collector(scope, receive, send)
            elif scope["type"] == "http" and scope["path"] in self.pages:
                await self._send_page(send, scope["path"])
            elif scope["type"] == "websocket" and self.refuses_sockets:
                await receive()
                await send({"type": "websocket.close"})
            elif scope["type"] == "websocket":
                await app(scope, self._hearing(scope, receive), send)
            elif scope["type"] == "http" and scope["path"] == NOTHING:
                await send({"type": "http.response.start", "status": 204, "headers": []})
                await send({"type": "http.response.body", "body": b""})
            elif scope["type"] == "http" and scope["path"].startswith(MOVED):
                await _send_elsewhere(send, f"http://127.0.0.1:{self.port}/{scope['path'].removeprefix(MOVED)}")
            elif scope["type"] != "http" or not (scope["method"] == "POST" and scope["path"].startswith(API)):
                await self._send_file(app, scope, receive, send)
            elif self.silent:
                while (await receive())["type"] != "http.disconnect":
                    pass
            else:
                await app(scope, self._recording(scope, await whole(receive)), send)

        return site

    async def _send_file(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and (b"origin", b"null") in scope["headers"]:
            await app(_from_nowhere(scope), receive, _readable_everywhere(send))
        else:
            await app(scope, receive, send)

    async def _send_page(self, send: Send, path: str) -> None:
        page = self.pages[path]
        kind = "text/html; charset=utf-8" if path.endswith(".html") else "application/octet-stream"
        headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-cache")]
        if path in self.isolated:
            headers += ISOLATION
        if path in self.sandboxed:
            headers.append((b"content-security-policy", b"sandbox allow-scripts"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page.encode() if isinstance(page, str) else page})

    def _hearing(self, scope: Scope, receive: Receive) -> Receive:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}

        async def hear() -> Message:
            message = await receive()
            with suppress(ValueError):  # a frame that was cut on its way
                frame = json.loads(message.get("text") or "{}")
                for call in frame.get("modifications", [frame]):
                    if "udfPath" in call:
                        self.heard.append(Received(call["type"], call["udfPath"], call["args"][0], headers))
            return message

        return hear

    def _recording(self, scope: Scope, body: bytes) -> Receive:
        call = json.loads(body)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        args = call["args"][0] if isinstance(call["args"], list) else call["args"]  # Convex's own clients send a list
        self.received.append(Received(scope["path"].rpartition("/")[2], call["path"], args, headers))
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if messages:
                return messages.pop()
            return await asyncio.Event().wait() or {}  # type: ignore[return-value]

        return receive


async def _send_elsewhere(send: Send, url: str) -> None:
    await send({"type": "http.response.start", "status": 307, "headers": [(b"location", url.encode())]})
    await send({"type": "http.response.body", "body": b""})


def _from_nowhere(scope: Scope) -> Scope:
    """A sandboxed page's request without its `Origin`: scripts are for all, the API is not."""
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"origin"]}


def _readable_everywhere(send: Send) -> Send:
    """Lets sandboxed pages, whose origin is no one's, load the scripts."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"access-control-allow-origin", b"*")]
        await send(message)

    return sending
