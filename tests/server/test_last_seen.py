"""When sessions were last seen."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion_server.last_seen import GATHERED, INTERVAL_MS, PIECE, LastSeen, forget, write
from server.clockwork import START, Clockwork


@pytest.fixture
def bench(tmp_path: Path) -> Clockwork:
    return Clockwork(tmp_path)


def table(bench: Clockwork) -> dict[str, float]:
    return dict(bench.connection.rows("select digest, at from seen"))


def flush(bench: Clockwork, seen: LastSeen) -> None:
    while piece := seen.some():
        write(bench.connection, piece)
        seen.written(piece, bench.now)


def test_from_the_first_mutation_on(bench: Clockwork) -> None:
    """Callers who only look add nothing, also in the same while as a mutation of another one."""
    seen = LastSeen(START)
    seen.note(["a", "b"], START)
    seen.note(["b"], START + 1, lasting=True)
    seen.note(["b"], START + 2)
    flush(bench, seen)
    assert table(bench) == {"b": START + 2}
    seen.note(["a", "b"], START + 3)
    flush(bench, seen)
    assert table(bench) == {"b": START + 3}
    forget(bench.connection, "b")
    assert table(bench) == {}


def test_one_write_in_a_while() -> None:
    """However often it is seen; very many sessions are written sooner."""
    seen = LastSeen(START)
    for moment in range(1000):
        seen.note(["a"], START + moment, lasting=True)
    assert not seen.is_due(START + INTERVAL_MS - 1)
    assert seen.is_due(START + INTERVAL_MS)
    assert len(seen.some()) == 1
    seen.written(seen.some(), START + INTERVAL_MS)
    assert not seen.is_due(START + 2 * INTERVAL_MS - 1)
    seen.note(map(str, range(GATHERED)), START + INTERVAL_MS)
    assert seen.is_due(START + INTERVAL_MS)
    assert len(seen.some()) == PIECE


def test_what_is_seen_while_a_piece_is_written_is_kept(bench: Clockwork) -> None:
    """And what could not be written too: it is only forgotten when it is on disk."""
    seen = LastSeen(START)
    seen.note(["a", "b"], START, lasting=True)
    piece = seen.some()
    assert seen.some() == piece
    write(bench.connection, piece)
    seen.note(["a"], START + 5)
    seen.written(piece, START + 5)
    assert list(seen.some()) == ["a"]
    flush(bench, seen)
    assert table(bench) == {"a": START + 5, "b": START}


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["look", "change", "flush", "oldest"]), st.integers(0, 9))
)


@given(STEPS)
def test_the_oldest_is_what_a_list_of_all_sights_says(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, int]]
) -> None:
    """Whatever of it has been written, and however old what is on disk is."""
    bench = Clockwork(tmp_path_factory.mktemp("seen"))
    seen, model = LastSeen(START), dict[str, float]()
    lasting = set[str]()
    for session, act, wait in steps:
        bench.now += wait
        if act in ("look", "change"):
            seen.note([session], bench.now, lasting=act == "change")
            lasting |= {session} if act == "change" else set()
            if session in lasting:
                model[session] = bench.now
        elif act == "flush":
            flush(bench, seen)
        else:
            on_disk = table(bench)
            before = bench.now - 5
            found = seen.oldest(bench.connection, before)
            old = {name for name in on_disk if model[name] <= before}
            assert (found is None) == (not old)
            assert found is None or found in old
    flush(bench, seen)
    assert table(bench) == model
    bench.connection.close()
