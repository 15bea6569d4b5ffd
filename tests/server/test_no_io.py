"""What a query or mutation may not do, and what passes."""

import asyncio
import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pillion_server.no_io import no_io
from server.world import World

Make = Callable[..., World]

ATTEMPTS = """
import http.client, logging, pathlib, random, shutil, socket, sqlite3, subprocess, tempfile, threading, time, traceback
import urllib.request
HERE = pathlib.Path(__file__).parent
LOG = logging.getLogger("tests.no_io")

ATTEMPTS = {
    "open": lambda: open(HERE / "made", "w"),
    "read": lambda: (HERE / "shop.py").read_text(),
    "os.open": lambda: os.open(HERE / "made", os.O_CREAT | os.O_WRONLY),
    "mkdir": lambda: (HERE / "made").mkdir(),
    "listdir": lambda: os.listdir(HERE),
    "copy": lambda: shutil.copy(HERE / "shop.py", HERE / "made"),
    "tempfile": lambda: tempfile.TemporaryFile(),
    "socket": lambda: socket.create_connection(("127.0.0.1", 9)),
    "lookup": lambda: socket.getaddrinfo("localhost", 80),
    "urllib": lambda: urllib.request.urlopen("http://127.0.0.1:9/"),
    "http": lambda: http.client.HTTPConnection("127.0.0.1", 9).request("GET", "/"),
    "subprocess": lambda: subprocess.run(["true"]),
    "system": lambda: os.system("true"),
    "sqlite3": lambda: sqlite3.connect(":memory:"),
    "thread": lambda: threading.Thread(target=print).start(),
    "sleep": lambda: time.sleep(0),
}

def attempt(name):
    ATTEMPTS[name]()

@query
def look(ctx, name: str) -> None:
    attempt(name)

@mutation
def do(ctx, name: str) -> None:
    ctx.db.insert("items", name=name)
    attempt(name)

@action
async def act(ctx, name: str) -> str:
    return type(ATTEMPTS[name]()).__name__

def with_io(ctx) -> Custom:
    attempt("read")
    return Custom()

def with_io_after(ctx) -> Custom:
    return Custom(on_success=lambda **_: attempt("read"))

@custom_mutation(mutation, with_io)
def before(ctx) -> None: ...

@custom_mutation(mutation, with_io_after)
def after(ctx) -> None: ...

@query
def items(ctx) -> int:
    return len(ctx.db.query("items").collect())

@mutation
def harmless(ctx) -> list[str]:
    import colorsys
    LOG.warning("written")
    ctx.log("said")
    print("printed")
    time.time(), random.random(), os.urandom(4), os.path.exists(HERE)
    try:
        1 / 0
    except ZeroDivisionError:
        return [colorsys.__name__, traceback.format_exc()]

class Cleans:
    def __init__(self, path): self.path = path
    def __del__(self): os.remove(self.path)

@mutation
def finalizes(ctx) -> None:
    KEPT.clear()

KEPT = []
"""
REPORTED_FROM = {"thread": (3, 12), "sleep": (3, 13)}
"""The Pythons from which on these are seen."""
NAMES = [line.split('"')[1] for line in ATTEMPTS.splitlines() if line.startswith('    "')]


@pytest.fixture
def shop(world: Make) -> World:
    return world({"dev": True}, shop=ATTEMPTS)


@pytest.mark.parametrize("name", [name for name in NAMES if sys.version_info >= REPORTED_FROM.get(name, (3, 11))])
def test_io_is_refused(shop: World, name: str) -> None:
    """In both kinds, before it happens; the mutation has written nothing."""
    for kind, path in (("query", "shop:look"), ("mutation", "shop:do")):
        error = shop.call(kind, path, name=name).error
        assert f"RuntimeError: {path}: a {kind} can't do I/O (" in error
        assert "do it in an action" in error
    assert not (shop.functions / "made").exists()
    assert shop.query("shop:items") == 0


@pytest.mark.parametrize("path", ["shop:before", "shop:after"])
def test_inputs_and_callbacks_are_in_the_transaction_too(shop: World, path: str) -> None:
    """So they can't either."""
    assert "a mutation can't do I/O (open)" in shop.call("mutation", path).error


def test_an_action_may(shop: World) -> None:
    """It is what they are for."""
    assert shop.action("shop:act", name="read") == "str"


def test_what_passes(shop: World, tmp_path: Path) -> None:
    """An import, a log file that is opened late, a line of print, a traceback's source, chance and time."""
    sys.modules.pop("colorsys", None)
    handler = logging.FileHandler(tmp_path / "log", delay=True)
    logger = logging.getLogger("tests.no_io")
    logger.addHandler(handler)
    try:
        module, shown = shop.mutation("shop:harmless")
    finally:
        logger.removeHandler(handler)
        handler.close()
    assert module == "colorsys"
    assert "1 / 0" in shown
    assert (tmp_path / "log").read_text() == "written\n"


def test_a_finalizer_passes(shop: World, tmp_path: Path) -> None:
    """It may be anybody's, so it is not this function's mistake."""
    (tmp_path / "left").touch()
    module = sys.modules[shop.app.state.registry.find("mutation", "shop:finalizes").handler.__module__]
    module.KEPT.append(module.Cleans(tmp_path / "left"))
    shop.mutation("shop:finalizes")
    assert not (tmp_path / "left").exists()


def test_other_threads_may() -> None:
    """Only the thread that runs the function is watched, and only as long."""
    read = list[str]()
    begun, go = threading.Event(), threading.Event()

    def other() -> None:
        begun.set()
        go.wait(10)
        read.append(Path(__file__).read_text())

    thread = threading.Thread(target=other)
    thread.start()
    with no_io("mutation", "shop:do"):
        assert begun.wait(10)
        go.set()
        thread.join()
        with no_io("query", "shop:look"):
            pass
        with pytest.raises(RuntimeError, match="shop:do"):
            Path(__file__).read_text()
    assert read == [Path(__file__).read_text()]


def test_it_ends_with_the_function(shop: World) -> None:
    """Also with one that fails: the event loop of the next call opens sockets on the same thread."""
    shop.call("mutation", "shop:do", name="read")
    assert asyncio.run(shop.acall("query", "shop:items")).value == 0
