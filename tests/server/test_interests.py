"""Who has read what."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion_server.interests import Interests
from pillion_server.reads import Reads
from pillion_server.writes import Writes
from server.shelf import FIELDS, WRITES, Asked, Shelf, queries, write


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """An empty one."""
    shelf = Shelf(tmp_path_factory.mktemp("interests"))
    yield shelf
    shelf.connection.close()


@given(st.lists(FIELDS, min_size=1, max_size=6), st.lists(queries(), max_size=6), WRITES, st.sets(st.integers(0, 6)))
def test_it_finds_those_that_asking_everybody_finds(
    shelf: Shelf,
    documents: list[dict[str, Any]],
    asked: list[Asked],
    writes: list[tuple[str, int, dict[str, Any]]],
    gone: set[int],
) -> None:
    """No more and no fewer, and never one that was discarded."""
    with shelf.trial():
        before = shelf.writer()
        ids = [before.insert("items", **fields) for fields in documents]
        reads = dict[int, Reads]()
        for number, each in enumerate(asked):
            reader = shelf.reader()
            each.of(reader)
            reads[number] = reader.reads
        reader = shelf.reader()
        reader.get(ids[0])
        reads[len(asked)] = reader.reads
        interests = Interests[int]()
        for key, its in reads.items():
            interests.add(key, its)
        for key in gone:
            interests.discard(key)
        writer = shelf.writer()
        write(writer, ids, writes)
        touched = {key for key, its in reads.items() if its.touched_by(writer.writes)}
        assert interests.touched_by(writer.writes) == touched - gone


def test_nothing_is_left_of_what_is_discarded() -> None:
    """Also when a key has read something else by now."""
    interests = Interests[str]()
    interests.add("a", Reads(documents={"items:x"}, users={"sid.a"}))
    interests.add("a", Reads(documents={"items:y"}))
    assert interests.touched_by(Writes(documents={"items:x"}, users={"sid.a"})) == set()
    assert interests.touched_by(Writes(documents={"items:y"})) == {"a"}
    interests.discard("a")
    interests.discard("a")
    assert (len(interests), interests._places) == (0, {})


def test_all_sessions() -> None:
    """Touch those that have asked for any user, and no others."""
    interests = Interests[str]()
    interests.add("asked", Reads(users={"sid.a"}))
    interests.add("not", Reads(documents={"items:x"}))
    assert interests.touched_by(Writes(users=None)) == {"asked"}
    assert interests.touched_by(Writes(users={"sid.a", "sid.b"})) == {"asked"}
