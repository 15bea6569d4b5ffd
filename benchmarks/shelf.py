"""What benchmarks/server.py and live.py measure on: a few functions, and databases with so many sessions in them.

Each session is registered and has one document. The rows are laid out as the server lays them out, and written past it,
so that a million sessions take half a minute.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import apsw
import msgspec

from pillion_server import MutationCtx, QueryCtx, Registry, Schema, SessionId, Table, mutation, query
from pillion_server.database import Database
from pillion_server.documents import entry_of
from pillion_shared import encode

FIRST_TIME = 1_750_000_000_000.0
"""When the first document was made; each of the others a millisecond later than the one before."""

NAME = "Darjeeling, second flush"

INSERT = "insert into documents (id, created, body) values (?, ?, ?)"
ENTER = "insert into entries (idx, key, doc) values (?, ?, ?)"
REGISTER = "insert into sessions (digest, name, live, until, registered) values (?1, ?1, 1, 0, 1)"

schema = Schema(items=Table().index("by_session", "session_id"))
INDEXES = schema.indexes_of("items")


class Item(TypedDict):
    """What a caller sees of a document."""

    name: str
    quantity: int


@query
def newest(ctx: QueryCtx) -> list[Item]:
    """The same for everybody."""
    return ctx.db.query("items").order("desc").take(1)


@query
def mine(ctx: QueryCtx, session_id: SessionId) -> list[Item]:
    """The newest of a session."""
    return ctx.db.query("items").with_index("by_session", session_id=session_id).order("desc").take(1)


@query
def mine_uncached(ctx: QueryCtx, session_id: SessionId, number: int) -> list[Item]:
    """The same; with a number that has not been there before, no answer is kept for it."""
    return ctx.db.query("items").with_index("by_session", session_id=session_id).order("desc").take(1)


@mutation
def add(ctx: MutationCtx, session_id: SessionId, name: str, quantity: int) -> None:
    """One row of `documents`, and one of `entries` for each of its two indexes."""
    ctx.db.insert("items", session_id=session_id, name=name, quantity=quantity)


registry = Registry(schema)
registry.add("shelf", dict(globals()))


def raw_id(number: int) -> str:
    """The ID of one of the sessions."""
    return f"{number:032x}"


def arguments(number: int) -> dict[str, object]:
    """Those of `add`, for one of the sessions."""
    return {"sessionId": raw_id(number), "name": NAME, "quantity": 3}


def fill(path: Path, sessions: int) -> None:
    """Makes a database with so many sessions."""
    database = Database(path, schema)
    database.open()
    owners = sorted(str(database.digests.of(raw_id(number))) for number in range(sessions))
    database.close()
    connection: Any = apsw.Connection(str(path))
    connection.pragma("synchronous", "off")
    connection.pragma("cache_size", -400_000)
    with connection:
        connection.executemany(REGISTER, ((owner,) for owner in owners))
        names = sorted(new_id() for _ in owners)
        connection.executemany(INSERT, (row(owner, FIRST_TIME + n, names[n]) for n, owner in enumerate(owners)))
        for place in range(len(INDEXES)):
            connection.executemany(ENTER, _entries(owners, place))
    connection.pragma("wal_checkpoint", "truncate")
    connection.close()


def new_id() -> str:
    """The ID of a document."""
    return f"items:{secrets.token_urlsafe(16)}"


def row(owner: str, created: float, id: str) -> tuple[str, float, str]:
    """A document's row."""
    return id, created, msgspec.json.encode(encode(_fields(owner))).decode()


def entry(owner: str, created: float, doc: int, place: int) -> tuple[int, bytes, int]:
    """The row of the document with the number `doc` in one of `INDEXES`."""
    made = entry_of(INDEXES[place], _fields(owner), created, doc)
    return made.number, *made.position


def _entries(owners: list[str], place: int) -> Iterator[tuple[int, bytes, int]]:
    return (entry(owner, FIRST_TIME + n, n + 1, place) for n, owner in enumerate(owners))


def _fields(owner: str) -> dict[str, object]:
    return {"session_id": owner, "name": NAME, "quantity": 3}
