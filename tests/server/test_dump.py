"""Documents as JSON lines, and back."""

import asyncio
import math
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypedDict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillion_server import Int64, Schema, StartError, Table
from pillion_server.database import Database
from pillion_server.documents import DatabaseReader
from pillion_server.dump import LineError, count, lines_of, restore
from pillion_server.offline import reading, writing
from pillion_shared import PillionError, encode
from server.world import RAW_ID

SCHEMA = Schema(items=Table().index("by_value", "value"))

names = st.text("abcXYZ09_ -", min_size=1, max_size=8).filter(lambda name: not name.startswith("_"))
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.integers(-(2**63), 2**63 - 1).map(Int64)
    | st.floats()
    | st.binary(max_size=20)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)
documents = st.lists(
    st.tuples(st.sampled_from(["items", "others"]), st.dictionaries(names, values, max_size=4)), max_size=12
)


def fill(path: Path, rows: list[tuple[str, dict[str, Any]]]) -> None:
    """A database with these documents."""
    database = Database(path, SCHEMA)
    database.open()
    asyncio.run(database.write(lambda now: [now.db.insert(table, **fields) for table, fields in rows]))
    database.close()


def everything(path: Path) -> list[object]:
    """All there is, as a server with the schema finds it, in every index, encoded, so that NaN equals NaN."""
    database = Database(path, SCHEMA)
    database.open()

    def look(db: DatabaseReader) -> list[object]:
        queries = (
            db.query("items"),
            db.query("others"),
            db.query("items").with_index("by_value"),
            db.query("items").order("desc"),
        )
        return [[encode(_plain(document)) for document in query.collect()] for query in queries]

    try:
        return asyncio.run(database.read(lambda now: look(now.db)))
    finally:
        database.close()


def _plain(document: Any) -> dict[str, object]:
    """A document with the types of its values told, so that 1 and 1.0 and True differ."""
    return {"fields": [[name, value, type(value).__name__] for name, value in document.items()]}


def exported(path: Path) -> list[bytes]:
    with reading(path) as connection:
        return list(lines_of(connection))


def imported(path: Path, lines: list[bytes]) -> int:
    with writing(path, make=True) as connection:
        return restore(connection, lines)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(documents)
def test_a_round_trip_loses_nothing(tmp_path: Path, rows: list[tuple[str, dict[str, Any]]]) -> None:
    """IDs, times, values, their types, the order and the indexes; and the second export is the first."""
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        old, new = Path(folder, "old.sqlite3"), Path(folder, "new.sqlite3")
        fill(old, rows)
        lines = exported(old)
        assert len(lines) == len(rows)
        assert not any(b"\n" in line for line in lines)
        assert imported(new, lines) == len(rows)
        assert exported(new) == lines
        assert everything(new) == everything(old)


def test_the_form_of_a_line(tmp_path: Path) -> None:
    """As the README and the docstring show it."""
    fill(tmp_path / "x.sqlite3", [("items", {"name": "tea", "count": Int64(1), "x": math.nan}), ("items", {})])
    one, two = (line.decode() for line in exported(tmp_path / "x.sqlite3"))
    assert one.startswith('{"_id":"items:')
    assert one.endswith(',"name":"tea","count":{"$integer":"AQAAAAAAAAA="},"x":{"$float":"AAAAAAAA+H8="}}')
    assert two.count(",") == 1


def test_more_than_a_page(tmp_path: Path) -> None:
    """Each once, in order."""
    lines = [f'{{"_id":"items:{n}","_creation_time":{n}}}'.encode() for n in range(1, 2502)]
    assert imported(tmp_path / "x.sqlite3", lines) == 2501
    with reading(tmp_path / "x.sqlite3") as connection:
        assert count(connection) == 2501
        assert [line.split(b'"')[3] for line in lines_of(connection)] == [b"items:%d" % n for n in range(1, 2502)]


def test_a_database_of_a_server_that_is_empty(tmp_path: Path) -> None:
    """Its declared indexes are filled with what is imported."""
    fill(tmp_path / "old.sqlite3", [("items", {"value": n}) for n in (3, 1, 2)])
    fill(tmp_path / "new.sqlite3", [])
    imported(tmp_path / "new.sqlite3", exported(tmp_path / "old.sqlite3"))
    assert everything(tmp_path / "new.sqlite3") == everything(tmp_path / "old.sqlite3")


class Item(TypedDict):
    """A row of the table."""

    value: int


def test_what_is_imported_is_checked_against_what_is_declared(tmp_path: Path) -> None:
    """By the next start, into a database, too, whose own documents were found good before."""
    path, declared = tmp_path / "new.sqlite3", Schema(items=Table(Item).index("by_value", "value"))
    for rows, error in (([{"value": 1}], None), ([{"value": 1}, {"value": "tea"}], StartError)):
        old = tmp_path / f"{len(rows)}.sqlite3"
        fill(old, [("items", fields) for fields in rows])
        path.unlink(missing_ok=True)
        database = Database(path, declared)
        database.open()
        database.close()
        imported(path, exported(old))
        with pytest.raises(error, match="items") if error else nullcontext():
            database.open()
        database.close()


def test_a_database_that_is_not_empty(tmp_path: Path) -> None:
    """It is left as it was."""
    fill(tmp_path / "x.sqlite3", [("items", {"value": 1})])
    before = everything(tmp_path / "x.sqlite3")
    with pytest.raises(PillionError, match=r"holds 1 documents: import into an empty one"):
        imported(tmp_path / "x.sqlite3", [])
    assert everything(tmp_path / "x.sqlite3") == before


GOOD = b'{"_id":"items:1","_creation_time":5,"value":1}'


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"{", r"not JSON \(Input data was truncated\)"),
        (b"[1]", "not an object"),
        (b"\xff", "not JSON"),
        (b'{"_creation_time":6}', "_id is not that of a document"),
        (b'{"_id":"items","_creation_time":6}', "_id is not that of a document"),
        (b'{"_id":"1tems:2","_creation_time":6}', "'1tems' can't name a table"),
        (b'{"_id":"items:2"}', "_creation_time is not a time"),
        (b'{"_id":"items:2","_creation_time":true}', "_creation_time is not a time"),
        (b'{"_id":"items:2","_creation_time":-1}', "_creation_time is not a time"),
        (b'{"_id":"items:2","_creation_time":4}', "_creation_time is before that of the line above"),
        (b'{"_id":"items:1","_creation_time":6}', "its _id was that of a line above already"),
        (b'{"_id":"items:2","_creation_time":6,"_x":1}', "a field other than _id and _creation_time begins with _"),
        (b'{"_id":"items:2","_creation_time":6,"x":{"$bytes":"?"}}', r"\$.x: not base64"),
        (b'{"_id":"items:2","_creation_time":6,"x":{"$strange":1}}', "can't be a key"),
    ],
)
def test_a_line_that_is_no_document(tmp_path: Path, line: bytes, sentence: str) -> None:
    """Its number is said, and nothing is imported: the next attempt finds the database empty."""
    with pytest.raises(LineError, match=rf"^Line 3: .*{sentence}.*\.$") as error:
        imported(tmp_path / "x.sqlite3", [GOOD, b"\n", line])
    assert not str(error.value).endswith("..")
    assert exported(tmp_path / "x.sqlite3") == []
    assert imported(tmp_path / "x.sqlite3", [GOOD]) == 1


def test_no_error_holds_an_id(tmp_path: Path) -> None:
    """Nor does an export hold what a session's secret is."""
    with pytest.raises(LineError) as error:
        imported(tmp_path / "x.sqlite3", [f'{{"_id":"items:2","_creation_time":6,"$":{{"{RAW_ID}":1}}}}'.encode()])
    assert RAW_ID not in str(error.value)
