"""What a session has in the tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import NotRequired, TypedDict

import pytest

from pillion_server import DefinitionError, Schema, SessionId, Table, belongings
from pillion_server.documents import DatabaseWriter
from pillion_server.layout import prepare
from pillion_server.sessions import new_digest
from pillion_server.sqlite import Connection


class Gift(TypedDict):
    """Two sessions, and text that could be one."""

    giver: SessionId
    taker: NotRequired[SessionId | None]
    label: str


SCHEMA = Schema(
    items=Table().index("by_name", "name").index("by_session_name", "session_id", "name").index("by_s", "session_id"),
    gifts=Table(Gift).index("by_giver", "giver", "label").index("by_taker", "taker").index("by_label", "label"),
    notes=Table().index("by_owner", "owner").index("by_text", "text", "session_id"),
    bare=Table(),
)
OLD, NEW, OTHER, THIRD = (new_digest(0) for _ in range(4))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[DatabaseWriter]:
    """Each table has a row of the old session, and one of another."""
    connection = Connection(tmp_path / "x.sqlite3", write=True, busy_ms=0)
    prepare(connection, SCHEMA, tmp_path / "x.sqlite3")
    db = DatabaseWriter(connection, SCHEMA, lambda: 1.0)
    connection.run("begin immediate")
    for session in (OLD, OTHER):
        db.insert("items", session_id=session, name="tea")
        db.insert("gifts", giver=session, label=OLD)
        db.insert("gifts", giver=THIRD, taker=session, label=OLD)
        db.insert("notes", owner=session, text=OLD, session_id=session)
        db.insert("bare", session_id=session)
    yield db
    connection.run("rollback")
    connection.close()


def held(db: DatabaseWriter) -> dict[str, list[str | None]]:
    """Every field that may hold a session, in the order of creation."""
    fields = (
        ("items", "session_id"),
        ("gifts", "giver"),
        ("gifts", "taker"),
        ("notes", "owner"),
        ("bare", "session_id"),
    )
    return {f"{table}.{field}": [row.get(field) for row in db.query(table).collect()] for table, field in fields}


def test_which_indexes_hold_sessions() -> None:
    """By the name of the first field or by its declared type; of two over one field, the first."""
    assert [(index.table, index.name) for index in SCHEMA.session_indexes] == [
        ("items", "by_session_name"),
        ("gifts", "by_giver"),
        ("gifts", "by_taker"),
    ]


def test_all_of_it_moves(db: DatabaseWriter) -> None:
    """Where an index says that it is a session; what is only text, or has no such index, stays."""
    belongings.move(db, OLD, NEW, {})
    assert held(db) == {
        "items.session_id": [NEW, OTHER],
        "gifts.giver": [NEW, THIRD, OTHER, THIRD],
        "gifts.taker": [None, NEW, None, OTHER],
        "notes.owner": [OLD, OTHER],
        "bare.session_id": [OLD, OTHER],
    }
    assert {row["label"] for row in db.query("gifts").collect()} == {OLD}


def test_only_what_is_named_moves(db: DatabaseWriter) -> None:
    """When something is."""
    belongings.move(db, OLD, NEW, {"notes": "by_owner"})
    assert held(db)["notes.owner"] == [NEW, OTHER]
    assert held(db)["items.session_id"] == [OLD, OTHER]
    with pytest.raises(ValueError, match="begins with the session"):
        belongings.move(db, OLD, NEW, {"bare": "by_creation_time"})
    with pytest.raises(DefinitionError, match="no index 'by_session'"):
        belongings.move(db, OLD, NEW, {"bare": "by_session"})


def test_all_of_it_is_deleted(db: DatabaseWriter) -> None:
    """The same that would move; a document that two indexes hold is deleted once."""
    db.insert("gifts", giver=OLD, taker=OLD, label="own")
    belongings.delete(db, OLD)
    assert held(db) == {
        "items.session_id": [OTHER],
        "gifts.giver": [OTHER, THIRD],
        "gifts.taker": [None, OTHER],
        "notes.owner": [OLD, OTHER],
        "bare.session_id": [OLD, OTHER],
    }
