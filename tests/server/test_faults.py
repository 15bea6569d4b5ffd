"""What a server of its own does when it is killed, or when its disk or its file fails it: nothing is lost silently."""

import contextlib
import http.client
import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings

from histories.checking import anomalies
from histories.generating import FUNCTIONS, MODULE, SCHEMA, Plan, looks_at_all, plans
from histories.history import Transaction
from histories.recording import Answer, record_in_threads
from pillion_server import database
from pillion_server.sqlite import Connection
from server.world import Answer as Answered
from server.world import Process, World, serving, write_functions

KILLS = max(3, min(50, settings().max_examples // 6))
"""Three in `make test-fast`, fifty in `make test`."""

CALLERS = 8
ENOUGH = 100
"""How many transactions are answered, at least, before the server is killed."""

PAIRS = """
@mutation
def add(ctx, n: int, size: int) -> None:
    ctx.db.insert("left", n=n, text="x" * int(size))
    ctx.db.insert("right", n=n)

@query
def both(ctx) -> Any:
    return [[int(row["n"]) for row in ctx.db.query(table).collect()] for table in ("left", "right")]
"""

SIZE = 3000
"""How many bytes a pair takes."""


def test_killed_under_load(tmp_path: Path) -> None:
    """Again and again: what was acknowledged is there, nothing is half there, nothing else is odd either.

    The callers whose answer was cut off don't know what became of it; all others do.
    """
    functions = write_functions(tmp_path / "functions", schema=SCHEMA, **{MODULE: FUNCTIONS})
    path = tmp_path / "x.sqlite3"
    planned, dice = plans(3), random.Random(3)
    history: list[Transaction] = []
    for _ in range(KILLS):
        process = Process(functions, path)
        answered = threading.Semaphore(0)
        killer = threading.Thread(target=_kill, args=(process, answered, dice.uniform(0, 0.05)))
        killer.start()
        with _callers(process, CALLERS, answered) as callers:
            history += record_in_threads(planned, callers)
        killer.join()
    with serving(functions, path) as process, _callers(process, 1) as callers:
        history += record_in_threads(looks_at_all(history), callers)
    assert anomalies(history) == {}
    assert sum(each.ended is not None for each in history) > KILLS * ENOUGH
    assert sum(each.ended is None for each in history) > KILLS
    connection = Connection(path, write=False, busy_ms=0)
    assert connection.value("pragma integrity_check") == "ok"
    documents = connection.value("select count(*) from documents")
    assert connection.value("select count(*) from entries join documents on seq = doc") == 2 * documents
    assert connection.value("select count(*) from entries") == 2 * documents
    connection.close()


def _kill(process: Process, answered: threading.Semaphore, seconds: float) -> None:
    for _ in range(ENOUGH):
        answered.acquire(timeout=10)
    time.sleep(seconds)
    process.kill()


@contextlib.contextmanager
def _callers(
    process: Process, number: int, answered: threading.Semaphore | None = None
) -> Iterator[list[Callable[[Plan], Answer]]]:
    """Callers with a connection each, who count the answers that they get."""

    def call(connection: http.client.HTTPConnection, plan: Plan) -> Answer:
        kind, path = plan.function
        try:
            answer = process.call(kind, path, connection, **plan.arguments).json
        except (OSError, ValueError, http.client.HTTPException):
            return None
        if answered is not None:
            answered.release()
        return answer

    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(contextlib.closing(process.connect())) for _ in range(number)]
        yield [partial(call, connection) for connection in connections]


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    return write_functions(tmp_path / "functions", pairs=PAIRS)


def add(process: Process, n: int) -> Answered:
    return process.call("mutation", "pairs:add", n=n, size=SIZE)


def both(process: Process) -> list[list[int]]:
    return process.call("query", "pairs:both").value


class OnItsOwnDisk(Process):
    """A server whose database is on a disk that only it sees."""

    def __init__(self, functions: Path, disk: Path, kilobytes: int, taken: int) -> None:
        disk.mkdir(exist_ok=True)
        mount = f"mount -t tmpfs -o size={kilobytes}k none {disk} && head -c {taken}k /dev/zero > {disk}/other"
        self.wrapper = ("unshare", "--map-root-user", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh")
        super().__init__(functions, disk / "x.sqlite3")
        self.disk = Path(f"/proc/{self.process.pid}/root{disk}")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A folder that can become a disk."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        mount = ("unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", str(disk))
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody mount a disk of his own")
    return disk


def test_a_full_disk(functions: Path, disk: Path, tmp_path: Path) -> None:
    """Mutations say so and have not happened, queries go on, and so does all when there is room again."""
    process = OnItsOwnDisk(functions, disk, 2048, 1024)
    try:
        acknowledged = []
        while (answer := add(process, len(acknowledged))).status == 200:
            acknowledged.append(len(acknowledged))
        for _ in range(3):
            assert answer.status == 503
            assert answer.json["code"] == "DatabaseError"
            assert "because the disk is full; nothing was changed" in answer.json["message"]
            assert both(process) == [acknowledged, acknowledged]
            answer = add(process, -1)
        (process.disk / "other").unlink()
        for n in range(len(acknowledged), len(acknowledged) + 10):
            assert add(process, n).value is None
            acknowledged.append(n)
        shutil.copytree(process.disk, tmp_path / "killed")
    finally:
        process.process.kill()
        printed = process.end()[1]
    assert "pairs:add: the database failed" in printed
    assert "because the disk is full" in printed
    with serving(functions, tmp_path / "killed" / "x.sqlite3") as again:
        assert both(again) == [acknowledged, acknowledged]


@pytest.mark.parametrize("free", [8, 24, 40])
def test_a_disk_that_is_full_at_start(functions: Path, disk: Path, free: int) -> None:
    """One sentence, whichever file it is that has no room."""
    with pytest.raises(RuntimeError, match=r"x\.sqlite3 can't grow, because the disk is full: make room"):
        OnItsOwnDisk(functions, disk, 1024, 1024 - free)


def overwrite(path: Path, page: int, octets: int) -> None:
    """Puts garbage at the beginning of a page."""
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xa5" * octets)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: overwrite(path, 0, 100),
        lambda path: [overwrite(path, page, 200) for page in range(1, path.stat().st_size // 4096)],
        lambda path: os.truncate(path, path.stat().st_size // 8192 * 4096),
    ],
    ids=["header", "pages", "cut off"],
)
def test_a_file_that_is_damaged_in_use(functions: Path, tmp_path: Path, damage: Callable[[Path], object]) -> None:
    """Who needs what is damaged is told, the log has it, and the next start is refused."""
    path = tmp_path / "x.sqlite3"
    with serving(functions, path) as process:
        fill(process)
    process = Process(functions, path)
    answer, printed = after(process, lambda: damage(path))
    assert answer.status == 503
    assert answer.json["message"] == "The database is corrupt or not a database; nothing was changed."
    assert "pairs:both: the database failed" in printed
    with pytest.raises(RuntimeError, match=r"x\.sqlite3 is corrupt or not a database: restore it"):
        Process(functions, path)


def test_a_log_that_is_cut_off_in_use(functions: Path, tmp_path: Path) -> None:
    """What is only in the log is missed at once; at the next start it is not taken for nothing."""
    path = tmp_path / "x.sqlite3"
    process = Process(functions, path)
    fill(process)
    answer, printed = after(process, lambda: os.truncate(f"{path}-wal", 100))
    assert answer.status == 503
    assert "can't be read or written as it should (disk I/O error)" in answer.json["message"]
    assert "pairs:both: the database failed" in printed
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"x\.sqlite3-wal is damaged or cut off"):
            Process(functions, path)
    Path(f"{path}-shm").unlink()
    with serving(functions, path) as again:
        assert both(again) == [[], []]


def fill(process: Process) -> None:
    for n in range(50):
        assert add(process, n).status == 200


def after(process: Process, damage: Callable[[], object]) -> tuple[Answered, str]:
    """How a query is answered after the damage, and what the server printed until it was killed."""
    try:
        damage()
        answer = process.call("query", "pairs:both")
    finally:
        process.process.kill()
        printed = process.end()[1]
    return answer, printed


def test_a_file_that_another_program_locks(
    world: Callable[..., World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutations wait for it as long as they may, then say so; queries don't mind, and afterwards all is well."""
    monkeypatch.setattr(database, "BUSY_MS", 50)
    pairs = world(pairs=PAIRS)
    pairs.mutation("pairs:add", n=1.0, size=1.0)
    other = Connection(pairs.database, write=True, busy_ms=0)
    with contextlib.closing(other):
        other.run("begin immediate")
        answer = pairs.call("mutation", "pairs:add", n=2.0, size=1.0)
        assert answer.status == 503
        assert answer.json["message"] == "The database is locked by another program; nothing was changed."
        assert pairs.query("pairs:both") == [[1.0], [1.0]]
        other.run("rollback")
    pairs.mutation("pairs:add", n=3.0, size=1.0)
    assert pairs.query("pairs:both") == [[1.0, 3.0], [1.0, 3.0]]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_taken_away(functions: Path, tmp_path: Path, replaced: bool) -> None:
    """Nothing is acknowledged that would be gone with it, also when a second server has made a new one in its place."""
    path = tmp_path / "x.sqlite3"
    with contextlib.ExitStack() as servers:
        process = servers.enter_context(serving(functions, path))
        fill(process)
        for file in tmp_path.glob("x.sqlite3*"):
            file.rename(tmp_path / f"old-{file.name}")
        if replaced:
            assert both(servers.enter_context(serving(functions, path))) == [[], []]
        answer = add(process, 50)
        assert answer.status == 503
        assert "the file has been moved, replaced or deleted" in answer.json["message"]
    with serving(functions, tmp_path / "old-x.sqlite3") as again:
        assert both(again) == [list(range(50))] * 2
