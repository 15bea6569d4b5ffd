"""Pieces of work that threads share."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pillion_server.side_by_side import SideBySide


def test_each_piece_is_done_once_and_in_its_place() -> None:
    """However many do them."""
    shared, done = SideBySide[int, str](), list[int]()

    def do(piece: int) -> str:
        done.append(piece)
        return str(piece)

    assert not shared.begun
    shared.begin(7, range(200))
    assert shared.begun
    with ThreadPoolExecutor(4) as threads:
        for _ in range(4):
            threads.submit(shared.work, 7, do)
        shared.work(7, do)
        assert shared.results() == [str(piece) for piece in range(200)]
    assert sorted(done) == list(range(200))


def test_another_snapshot_is_no_help() -> None:
    """And neither is one that comes before the pieces are known, or when they are done."""
    shared = SideBySide[int, int]()
    shared.work(7, pytest.fail)
    shared.begin(7, [1, 2])
    shared.work(8, pytest.fail)
    shared.work(7, lambda piece: piece + 1)
    shared.work(7, pytest.fail)
    assert shared.results() == [2, 3]


def test_what_others_have_taken_is_waited_for() -> None:
    """The result is whole."""
    shared, taken, go = SideBySide[int, int](), threading.Event(), threading.Event()

    def slow(piece: int) -> int:
        taken.set()
        assert go.wait(10)
        return -piece

    shared.begin(7, [1, 2])
    helper = threading.Thread(target=shared.work, args=(7, slow))
    helper.start()
    assert taken.wait(10)
    shared.work(7, lambda piece: piece)
    threading.Timer(0.05, go.set).start()
    assert shared.results() == [-1, 2]
    helper.join()


def test_a_failure_ends_it() -> None:
    """What waits is not begun, and who wants the results is told."""
    shared, done = SideBySide[int, int](), list[int]()

    def do(piece: int) -> int:
        done.append(piece)
        raise ValueError(piece)

    shared.begin(7, [1, 2, 3])
    shared.work(7, do)
    with pytest.raises(ValueError, match="1"):
        shared.results()
    assert done == [1]
