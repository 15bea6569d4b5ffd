"""SQLite as the other files use it: one connection, through APSW, with the few calls that are needed.

Errors are APSW's (`SqliteError` and its subclasses). Python's own sqlite3 is not used: the SQLite it links
may have the WAL-reset bug that was fixed in 3.51.3.
"""

import ctypes
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import apsw

SqliteError = apsw.Error

Row = tuple[Any, ...]


class Cursor(Protocol):
    """The rows of a statement that is running."""

    def __iter__(self) -> Iterator[Row]: ...
    def close(self) -> None: ...


class Connection:
    """A connection to the file at `path`; a writing one makes the file if need be."""

    def __init__(self, path: Path, *, write: bool, busy_ms: int) -> None:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE if write else apsw.SQLITE_OPEN_READONLY
        self._raw = cast("Any", apsw.Connection(str(path), flags=flags))
        self._raw.set_busy_timeout(busy_ms)
        self._cursor = self._raw.cursor()
        self._raw.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)  # else a range is planned anew for each pair of bounds

    def run(self, sql: str, bindings: Sequence[object] = ()) -> None:
        """Runs one or more statements whose rows don't matter."""
        for _ in self._cursor.execute(sql, bindings):  # after a row APSW waits before it goes on
            pass

    def run_each(self, sql: str, bindings: Sequence[Sequence[object]]) -> None:
        """Runs one statement, whose rows don't matter, with each of these bindings."""
        if bindings:
            self._cursor.executemany(sql, bindings).fetchall()

    def rows(self, sql: str, bindings: Sequence[object] = ()) -> list[Row]:
        """All rows of a statement."""
        rows: list[Row] = self._cursor.execute(sql, bindings).fetchall()
        return rows

    def each(self, sql: str, bindings: Sequence[object] = ()) -> "Cursor":
        """The rows of a statement one by one, as they are taken; close it when some are left."""
        return cast("Cursor", self._raw.execute(sql, bindings))

    def row(self, sql: str, bindings: Sequence[object] = ()) -> Row | None:
        """The first row, or `None`."""
        row: Row | None = self._raw.execute(sql, bindings).fetchone()
        return row

    def value(self, sql: str, bindings: Sequence[object] = ()) -> Any:
        """The first column of the first row, or `None`."""
        row = self.row(sql, bindings)
        return None if row is None else row[0]

    @property
    def last_id(self) -> int:
        """The number of the row that was inserted last."""
        number: int = self._raw.last_insert_rowid()
        return number

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open; SQLite may end one by itself when it fails."""
        open: bool = self._raw.in_transaction
        return open

    @property
    def has_moved(self) -> bool:
        """Whether the path no longer leads to the file that is open: it was moved, replaced or deleted."""
        moved = ctypes.c_int()
        self._raw.file_control("main", apsw.SQLITE_FCNTL_HAS_MOVED, ctypes.addressof(moved))
        return bool(moved.value)

    def wait(self, busy_ms: int) -> None:
        """Sets how long another program's lock is waited for."""
        self._raw.set_busy_timeout(busy_ms)

    def close(self) -> None:
        """Closes it; may be called again."""
        self._raw.close()
