"""The database's clock."""

import time
from threading import Thread

import pytest

from pillion_server import clock as module
from pillion_server.clock import Clock

NOW = 1_800_000_000_000.0
"""Some time, in milliseconds since 1970."""


class Machine:
    """The two clocks of a machine, in milliseconds, both set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.tick = NOW, 500.0
        monkeypatch.setattr(module.time, "time_ns", lambda: int(self.wall * 1e6))
        monkeypatch.setattr(module.time, "monotonic_ns", lambda: int(self.tick * 1e6))

    def wait(self, milliseconds: float) -> None:
        self.wall += milliseconds
        self.tick += milliseconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Its clocks are the ones that `Clock` reads."""
    return Machine(monkeypatch)


def test_it_is_the_machines_clock() -> None:
    """As long as that one goes forwards."""
    clock = Clock(0.0)
    before, now, after = time.time() * 1e3, clock.now(), time.time() * 1e3
    assert before - 1 <= now <= after + 1


def test_set_forwards_it_follows(machine: Machine) -> None:
    """By an hour, say: what was to last a minute is over."""
    clock = Clock(0.0)
    machine.wall += 3_600_000
    assert clock.now() == NOW + 3_600_000


def test_set_back_it_goes_on(machine: Machine) -> None:
    """A minute takes a minute, whatever the machine says, and nothing happens twice."""
    clock = Clock(0.0)
    assert clock.now() == NOW
    machine.wall -= 86_400_000
    for passed in (20_000, 40_000, 60_000):
        machine.wait(20_000)
        assert clock.now() == NOW + passed


def test_it_goes_on_from_what_is_on_file(machine: Machine) -> None:
    """Also when the machine's clock was set back while the server was down."""
    clock = Clock(NOW + 5_000)
    assert clock.now() == NOW + 5_000
    machine.wait(1_000)
    assert clock.now() == NOW + 6_000
    machine.wait(6_000)
    assert clock.now() == NOW + 12_000


def test_next_is_later_each_time(machine: Machine) -> None:
    """In the same instant too, and however far `now` has been asked."""
    clock = Clock(NOW + 1)
    times = [clock.next(), clock.next(), clock.now() and clock.next()]
    machine.wait(2)
    times.append(clock.next())
    assert times == sorted(set(times))
    assert times[0] > NOW + 1


def test_threads_see_it_go_forwards() -> None:
    """Each of them."""
    clock, wrong = Clock(0.0), list[float]()

    def look() -> None:
        last = 0.0
        for _ in range(2000):
            now = clock.now()
            wrong.extend([now] if now < last else [])
            last = now

    threads = [Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
