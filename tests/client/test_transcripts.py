"""The engine against a server that says what Convex's says: transcripts, and each has to come out as it is written.

    page cart = subscribe conf:get {"key": "a"}    what happens to the engine
    S {"type": "Ping"}                             a frame of the server
    C {"type": "Connect", ...}                     a frame of the engine
      cart shows 0                                 what else it does

So a transcript is all that it does, in order: a frame too many is as wrong as one too few. Convex's own client of npm
sends the same, where `SAME` says so: the transcripts are no invention.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from client.stage import Npm
from pillion.calls import Call
from pillion.effects import AuthChanged, CloseSocket, Ended, FetchToken, Logged, OpenSocket, SendText, Settled, Shown
from pillion.engine import Engine
from pillion.query_set import Subscription

CLIENT = "11111111-1111-4111-8111-111111111111"
TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
SAME = ["worked_example", "order", "queries", "chunks", "reconnect", "fatal"]


def frame(text: str) -> str:
    """A frame in a form in which equal ones are equal."""
    return json.dumps(json.loads(text), sort_keys=True)


def lines(path: Path) -> list[str]:
    """Those below the first empty one; those above it say what it is about."""
    return path.read_text("utf-8").split("\n\n", 1)[1].splitlines()


class Player:
    """An engine at the time of `now` seconds, which are those of its clock too; jitter is none."""

    def __init__(self) -> None:
        self.now = 0.0
        self.socket = 0
        self.engine = Engine(CLIENT, lambda: 0.5, lambda: int(self.now * 1000))
        self.names: dict[Call | Subscription, str] = {}

    def hear(self, text: str) -> Iterator[str]:
        self.engine.received(self.socket, text, self.now)
        return self.done()

    def do(self, what: str) -> Iterator[str]:
        """What a line says that begins with `page`; what has been done then."""
        name, is_named, rest = what.partition(" = ")
        if is_named:
            kind, path, args = rest.split(" ", 2)
            made: Callable[..., Any] = getattr(self, kind)
            self.names[made(path, json.loads(args))] = name
        else:
            verb, *args = what.split(" ", 1)
            getattr(self, verb)(*args)
        return self.done()

    def done(self) -> Iterator[str]:
        for effect in self.engine.take():
            if isinstance(effect, SendText):
                assert effect.socket == self.socket
                yield f"C {frame(effect.text)}"
            elif isinstance(effect, OpenSocket):
                self.socket = effect.socket
                yield "  opens a socket"
            elif isinstance(effect, CloseSocket):
                assert effect.socket == self.socket
                yield f"  closes it: {effect.reason}"
            elif isinstance(effect, Shown):
                yield from (f"  {self.names[each]} shows {outcome(each.result)}" for each in effect.subscriptions)
            elif isinstance(effect, Settled):
                yield f"  {self.names[effect.call]} ends with {outcome(effect.result)}"
            elif isinstance(effect, Logged):
                yield f"  {effect.path} says {' | '.join(effect.lines)}"
            elif isinstance(effect, FetchToken):
                yield f"  asks for {'a fresh' if effect.is_fresh else 'a'} token, {effect.number}"
            elif isinstance(effect, AuthChanged):
                yield f"  is {'somebody' if effect.is_authenticated else 'nobody'}"
            else:
                assert isinstance(effect, Ended)
                yield "  is at its end"

    # --- what may happen ---

    def starts(self) -> None:
        self.engine.start(self.now)

    def opens(self) -> None:
        self.engine.opened(self.socket, self.now)

    def loses(self, reason: str = "") -> None:
        self.engine.closed(self.socket, reason, self.now)

    def wakes(self) -> None:
        self.engine.wake(self.now)

    def waits(self, seconds: str) -> None:
        """So long exactly until there is something to do."""
        due = self.engine.due()
        assert due == pytest.approx(self.now + float(seconds))
        assert due is not None
        self.now = due
        self.engine.tick(self.now)

    def closes(self, name: str) -> None:
        (subscription,) = [each for each, known in self.names.items() if known == name]
        assert isinstance(subscription, Subscription)
        self.engine.unsubscribe(subscription, self.now)

    def logs(self, way: str) -> None:
        if way == "in":
            self.engine.set_auth(self.now)
        else:
            self.engine.clear_auth()

    def gets(self, answer: str) -> None:
        number, token = answer.split()
        self.engine.token_fetched(int(number), None if token == "none" else token, self.now)

    def subscribe(self, path: str, args: dict[str, object]) -> Subscription:
        return self.engine.subscribe(path, args)

    def mutation(self, path: str, args: dict[str, object]) -> Call:
        return self.engine.mutation(path, args, self.now)

    def action(self, path: str, args: dict[str, object]) -> Call:
        return self.engine.action(path, args, self.now)


def outcome(result: Any) -> str:
    if result.error is None:
        return repr(result.value)
    data = getattr(result.error, "data", "")
    return f"{type(result.error).__name__} {data!r}: {str(result.error).splitlines()[0]}"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    """It happens as it is written."""
    player = Player()
    played: list[str] = []
    for line in lines(path):
        if line.startswith("page "):
            played += [line, *player.do(line.removeprefix("page "))]
        elif line.startswith("S "):
            played += [line, *player.hear(line.removeprefix("S "))]
    assert played == [f"C {frame(line[2:])}" if line.startswith("C ") else line for line in lines(path)]


class NpmPlayer:
    """Convex's client, and the frames that it sends."""

    def __init__(self) -> None:
        self.npm = Npm()
        self.socket = 0

    def sent(self, line: str) -> list[Any]:
        """What it sends because of a line, or that it opens a socket."""
        found: list[Any] = []
        for kind, *fields in self.npm.do(*self.happening(line)):
            if kind == "open":
                self.socket = fields[0]
                found.append("opens a socket")
            elif kind == "send" and '"Event"' not in fields[1]:
                found.append(same(json.loads(fields[1])))
        return found

    def happening(self, line: str) -> list[Any]:
        if line.startswith("S "):
            return ["received", self.socket, line.removeprefix("S ")]
        name, is_named, rest = line.removeprefix("page ").partition(" = ")
        if is_named:
            kind, path, args = rest.split(" ", 2)
            return [kind, name, path, json.loads(args)]
        verb, _, rest = name.partition(" ")
        match verb:
            case "opens":
                return ["opened", self.socket]
            case "loses":
                return ["closed", self.socket, rest]
            case "wakes":
                return ["wake", "online"]
            case "waits":
                return ["advance", float(rest)]
            case _:
                assert verb == "starts"
                return ["start"]


def same(sent: dict[str, Any]) -> dict[str, Any]:
    """A frame without what is a client's own."""
    return {name: each for name, each in sent.items() if name not in ("sessionId", "clientTs")}


@pytest.mark.parametrize("name", SAME)
def test_that_of_npm_sends_the_same(name: str) -> None:
    """At the same moments."""
    (path,) = [path for path in TRANSCRIPTS if path.stem == name]
    player = NpmPlayer()
    written: list[Any] = []
    sent: list[Any] = []
    try:
        for line in lines(path):
            if line.startswith(("page ", "S ")):
                written.append(line)
                sent += [line, *player.sent(line)]
            elif line.startswith("C "):
                written.append(same(json.loads(line.removeprefix("C "))))
            elif line == "  opens a socket":
                written.append("opens a socket")
    finally:
        player.npm.close()
    assert sent == written
