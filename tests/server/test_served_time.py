"""How long the server has been running, by clocks that are set by hand."""

from math import inf
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillion_server import served_time
from pillion_server.served_time import INTERVAL_MS, JUMP_MS, ServedTime
from server.clockwork import START, Clockwork

HOUR = 60 * 60 * 1000.0


class Served(Clockwork):
    """A server that starts and ends; `wait` lets time pass, `jump` sets the machine's clock."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder)
        self.tick = 77.0
        monkeypatch.setattr(served_time.time, "monotonic", lambda: self.tick)
        self.start()

    def start(self) -> None:
        self.served = ServedTime(self.connection, self.now)

    def wait(self, seconds: float) -> None:
        self.now += seconds * 1000
        self.tick += seconds

    def jump(self, by: float) -> None:
        self.now += by

    def before(self, unseen: float) -> float:
        return self.served.before(self.connection, unseen, self.now)

    def write(self) -> None:
        self.served.write(self.connection, self.now)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    return Served(tmp_path, monkeypatch)


def test_a_server_that_runs(server: Served) -> None:
    """What was unseen for an hour was last seen an hour ago, if it has run for so long."""
    server.wait(5400)
    assert server.before(HOUR) == START + HOUR / 2
    assert server.before(2 * HOUR) == -inf


def test_the_while_between_two_runs(server: Served) -> None:
    """It doesn't count; that of a restart does."""
    server.wait(3600)
    server.write()
    server.jump(JUMP_MS)
    server.start()
    server.wait(60)
    assert server.before(HOUR + 2 * JUMP_MS) == START
    server.write()
    server.jump(100 * HOUR)
    server.start()
    server.wait(1800)
    assert server.before(HOUR) == START + HOUR / 2 + 2 * JUMP_MS
    assert server.before(HOUR / 2) == server.now - HOUR / 2


def test_what_was_not_written_does_not_count(server: Served) -> None:
    """It is due every few minutes."""
    server.wait(INTERVAL_MS / 1000 - 1)
    assert not server.served.is_due(server.now)
    server.wait(1)
    assert server.served.is_due(server.now)
    server.write()
    assert not server.served.is_due(server.now)
    server.wait(INTERVAL_MS / 1000)
    server.start()
    server.wait(1)
    assert server.before(INTERVAL_MS + 1000) == START
    assert server.before(INTERVAL_MS + 1001) == -inf


def test_a_jump_does_not_count(server: Served) -> None:
    """The time around it does; up to when it is noticed, it is time before the jump."""
    server.wait(1800)
    server.jump(50 * HOUR)
    server.wait(1800)
    assert server.before(HOUR) == START
    server.wait(1800)
    assert server.before(HOUR) == START + HOUR / 2
    assert server.before(HOUR / 2) == server.now - HOUR / 2
    server.write()
    assert server.connection.value("select count(*) from served") == 2


def test_so_many_runs_are_remembered(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last ones."""
    monkeypatch.setattr(served_time, "KEPT", 3)
    for _ in range(5):
        server.jump(HOUR)
        server.start()
        server.wait(60)
        server.write()
    assert server.connection.value("select count(*) from served") == 3
    assert server.before(3 * 60_000) == server.now - 2 * HOUR - 3 * 60_000
    assert server.before(3 * 60_000 + 1) == -inf


STEPS = st.lists(st.tuples(st.sampled_from(["wait", "jump", "restart"]), st.integers(61, 500)), max_size=10)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(STEPS, st.integers(1, 2500))
def test_it_is_what_a_list_of_all_seconds_says(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, int]], unseen: int
) -> None:
    """Asked after each step, as the upkeep does."""
    server, seconds = Served(tmp_path_factory.mktemp("served"), monkeypatch), list[float]()
    for act, size in steps:
        if act == "wait":
            seconds += [server.now + second * 1000 for second in range(size)]
            server.wait(size)
        else:
            server.jump(size * 1000)
            if act == "restart":
                server.start()
        server.write()
    expected = seconds[-unseen] if unseen <= len(seconds) else -inf
    assert server.before(unseen * 1000) == pytest.approx(expected, abs=1)
    server.connection.close()
