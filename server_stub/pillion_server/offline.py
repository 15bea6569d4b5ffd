"""A database without its server: to be read while one may be running, to be written while none is."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pillion_server.errors import StartError
from pillion_server.layout import FORMAT, check_marks, prepare
from pillion_server.place import lock, make_folder, secret_beside, trouble
from pillion_server.schema import Schema
from pillion_server.sessions import secret_at
from pillion_server.sqlite import Connection, SqliteError

BUSY_MS = 1000
"""How long another program's lock on the file is waited for."""


@contextmanager
def reading(path: Path) -> Generator[Connection]:
    """One snapshot of the database; raises `StartError`."""
    _check_there(path)
    with _connected(path, write=False) as connection:
        connection.run("begin")
        _check_format(connection, path)
        yield connection


@contextmanager
def writing(path: Path, *, make: bool = False) -> Generator[Connection]:
    """One transaction, committed at the end unless something is raised. `make` makes a database that isn't there.

    Raises `StartError`, when a server uses the database too: it would not hear of the change.
    """
    if make:
        make_folder(path)
    else:
        _check_there(path)
    secret_at(secret_beside(path))
    descriptor = lock(path)
    try:
        with _connected(path, write=True) as connection:
            if make and not connection.value("select count(*) from sqlite_schema"):
                prepare(connection, Schema(), path)
            _check_format(connection, path)
            connection.run("pragma synchronous = full")
            connection.run("begin immediate")
            yield connection
            connection.run("commit")
    finally:
        os.close(descriptor)


@contextmanager
def _connected(path: Path, *, write: bool) -> Generator[Connection]:
    """A connection; closing it undoes what is not committed."""
    try:
        connection = Connection(path, write=write, busy_ms=BUSY_MS)
        try:
            yield connection
        finally:
            connection.close()
    except SqliteError as error:
        raise StartError(trouble(path, error)) from error


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise StartError(f"{path} is not there: name the file of a database, such as .pillion/functions.sqlite3.")


def _check_format(connection: Connection, path: Path) -> None:
    check_marks(connection, path)
    if connection.value("pragma user_version") != FORMAT:
        raise StartError(f"{path} was made by an older pillion: start a server on it once, which brings it up.")
