"""A page with a client, ours or Convex's of npm, on a simulated clock, and a server that may do wrong."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from client.sync_server import Socket, SyncServer
from pillion.effects import CloseSocket, OpenSocket, SendText, Settled, Shown
from pillion.engine import Engine
from pillion.optimistic import LocalStore
from pillion.query_set import Subscription

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CLIENT = "11111111-1111-4111-8111-111111111111"

Event = list[Any]


class Client(Protocol):
    """What happens to a client, by name, and what it does thereupon.

    In: start, subscribe NAME PATH ARGS, unsubscribe NAME, mutation NAME PATH ARGS [UPDATE], action NAME PATH ARGS,
    opened SOCKET, received SOCKET TEXT, closed SOCKET REASON, wake EVENT, advance SECONDS.
    Out: open SOCKET, close SOCKET REASON, send SOCKET TEXT, shown NAME VALUE, settled NAME VALUE (or the text of the
    error), thrown TEXT.
    """

    def do(self, name: str, *args: Any) -> list[Event]: ...

    def close(self) -> None: ...


class Ours:
    """The engine."""

    def __init__(self) -> None:
        self.engine = Engine(CLIENT, lambda: 0.5, lambda: 0)
        self.now = 0.0
        self.subscriptions: dict[str, Subscription] = {}
        self.calls: dict[int, str] = {}

    def do(self, name: str, *args: Any) -> list[Event]:
        events: list[Event] = getattr(self, name)(*args) or []
        for effect in self.engine.take():
            if isinstance(effect, OpenSocket):
                events.append(["open", effect.socket])
            elif isinstance(effect, CloseSocket):
                events.append(["close", effect.socket, effect.reason])
            elif isinstance(effect, SendText):
                events.append(["send", effect.socket, effect.text])
            elif isinstance(effect, Settled):
                result = effect.result
                events.append(["settled", self.calls[effect.call.id], str(result.error or result.value)])
            elif isinstance(effect, Shown):
                events += [
                    self.shown(name) for name, each in self.subscriptions.items() if each in effect.subscriptions
                ]
        return events

    def close(self) -> None:
        """Nothing is left of it."""

    def shown(self, name: str) -> Event:
        result = self.subscriptions[name].result
        assert result is not None
        return ["shown", name, result.value]

    def start(self) -> None:
        self.engine.start(self.now)

    def subscribe(self, name: str, path: str, args: dict[str, object]) -> list[Event]:
        self.subscriptions[name] = self.engine.subscribe(path, args)
        return [] if self.subscriptions[name].result is None else [self.shown(name)]

    def unsubscribe(self, name: str) -> None:
        self.engine.unsubscribe(self.subscriptions.pop(name), self.now)

    def mutation(self, name: str, path: str, args: dict[str, Any], update: str | None = None) -> list[Event]:
        def adds(store: LocalStore) -> None:
            value: Any = store.get("doc:get", key=args["key"], session=0)
            value["items"].append(args["tag"])
            store.set("doc:get", value, key=args["key"], session=0)

        def raises(_store: LocalStore) -> None:
            raise ValueError("a mistake")

        try:
            call = self.engine.mutation(path, args, self.now, {None: None, "adds": adds, "raises": raises}[update])
        except ValueError as error:
            return [["settled", name, str(error)]]
        self.calls[call.id] = name
        return []

    def opened(self, socket: int) -> None:
        self.engine.opened(socket, self.now)

    def received(self, socket: int, text: str) -> None:
        self.engine.received(socket, text, self.now)

    def closed(self, socket: int, reason: str) -> None:
        self.engine.closed(socket, reason, self.now)

    def wake(self, _event: str) -> None:
        self.engine.wake(self.now)

    def advance(self, seconds: float) -> None:
        self.now += seconds
        due = self.engine.due()
        if due is not None and due <= self.now:
            self.engine.tick(self.now)


class Npm:
    """Convex's, in Node."""

    def __init__(self) -> None:
        node = shutil.which("node") or str(ROOT / ".venv/bin/node")
        self.process = subprocess.Popen(
            [node, HERE / "npm_client.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def do(self, name: str, *args: Any) -> list[Event]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([name, *args]), file=self.process.stdin, flush=True)
        events: list[Event] = []
        for line in self.process.stdout:
            if line == ".\n":
                return events
            events.append(json.loads(line))
        raise RuntimeError(f"The client has ended at {name}.")

    def close(self) -> None:
        with self.process:
            self.process.kill()


class Stage:
    """The client and its server, and what a user sees.

    sockets: all that the client has opened. shown: the items of a document that is subscribed to, by its key. settled:
    what calls have ended with, by name. thrown: what the client's handlers have raised. spoil: what becomes of a frame
    of the server on its way. is_dead: whether nothing comes through any more, though sockets open.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.server = SyncServer()
        self.sockets: list[Socket] = []
        self.shown: dict[str, list[str]] = {}
        self.settled: dict[str, Any] = {}
        self.thrown: list[str] = []
        self.spoil: Callable[[dict[str, Any]], object] = dict
        self.is_dead = False
        self._open = 0
        self._seconds = 0
        self.do("start")
        self.run()

    @property
    def socket(self) -> Socket:
        """The last one."""
        return self.sockets[-1]

    def do(self, name: str, *args: Any) -> None:
        """Something happens to the client."""
        for kind, *fields in self.client.do(name, *args):
            if kind == "open":
                self.sockets.append(Socket(fields[0]))
            elif kind == "close":
                self.sockets[fields[0] - 1].is_cut = True
            elif kind == "send":
                self.sockets[fields[0] - 1].up.append(fields[1])
            elif kind == "shown":
                self.shown[fields[0]] = fields[1]["items"]
            elif kind == "settled":
                assert fields[0] not in self.settled
                self.settled[fields[0]] = fields[1]
            else:
                self.thrown += fields

    def subscribe(self, key: str) -> None:
        """Nothing has come of it yet."""
        self.do("subscribe", key, "doc:get", {"key": key, "session": 0.0})

    def see(self, key: str) -> None:
        """A document is subscribed to, and shown."""
        self.subscribe(key)
        self.run()

    def mutate(self, tag: str, update: str | None = None) -> None:
        """Appends a tag to the document `a`."""
        self.do("mutation", tag, "doc:append", {"key": "a", "tag": tag}, update)

    def lose(self) -> None:
        """The connection is lost."""
        self.socket.is_cut = True
        self.do("closed", self.socket.number, "")

    def run(self) -> None:
        """Everything arrives that has been sent."""
        while not self.socket.is_cut:
            socket = self.socket
            if self._open < socket.number:
                self._open = socket.number
                self.do("opened", socket.number)
            elif self.is_dead:
                return
            elif socket.up:
                self.server.receive(socket, socket.up.pop(0))
            else:
                if socket.client:
                    self.server.transit(socket)
                if not socket.down:
                    return
                self.arrive(socket.down.pop(0))

    def arrive(self, text: str) -> None:
        """A frame of the server's."""
        frame = json.loads(text)
        self.spoil(frame)
        self.do("received", self.socket.number, json.dumps(frame))

    def wait(self, seconds: int, until: Callable[[], object] = lambda: False) -> int:
        """Time passes, at most so much; how much. The server pings every 15 s."""
        for passed in range(seconds):
            if until():
                return passed
            self._seconds += 1
            self.do("advance", 1)
            if self._seconds % 15 == 0 and not self.is_dead and not self.socket.is_cut:
                self.server.say(self.socket, type="Ping")
            self.run()
        return seconds
