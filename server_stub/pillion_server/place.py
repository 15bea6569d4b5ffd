"""Where a database lies: its folder, the secret beside it, its lock, and why SQLite can't use it."""

import os
import sys
from pathlib import Path

import apsw

from pillion_server.errors import StartError
from pillion_server.sqlite import SqliteError

if sys.platform != "win32":  # there SQLite's own locks still keep the file whole
    import fcntl


def secret_beside(path: Path) -> Path:
    """The file of the sessions' secret."""
    return path.with_name(path.name + ".secret")


def make_folder(path: Path) -> None:
    """Makes the folder of the file `path`, for its owner alone; raises `StartError`."""
    if path.name == ":memory:":
        raise StartError("The database is a file, which outlives the server: in tests, one in a temporary folder.")
    if path.is_dir():
        raise StartError(f"{path} is a folder: name a file for the database.")
    try:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"{path.parent}, for the database, can't be made: {error.strerror}.") from error


def lock(path: Path) -> int:
    """A descriptor that holds the lock of the database until it is closed, or the process ends in any way.

    The lock is on the secret, not on the database: on some systems it would get in the way of SQLite's own.
    Raises `StartError` when another server holds it, or could hold that of another name of the file.
    """
    if path.exists() and path.stat().st_nlink > 1:
        raise StartError(
            f"{path} has another name (a hard link): two servers under two names would destroy it. Keep one name, "
            "and for a copy copy the file."
        )
    descriptor = os.open(secret_beside(path), os.O_RDWR)
    try:
        if sys.platform != "win32":
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise StartError(f"{path} is in use by another pillion server: stop that one, or take another file.") from None
    return descriptor


def reason(error: SqliteError) -> str:
    """What is the matter with the file when SQLite fails: a verb and so on."""
    return _told(error)[0]


def trouble(path: Path, error: SqliteError) -> str:
    """Why SQLite can't use the file, and what to do."""
    why, remedy = _told(error)
    return f"{path} {why}: {remedy}."


def _told(error: SqliteError) -> tuple[str, str]:
    match error:
        case apsw.NotADBError() | apsw.CorruptError():
            return "is corrupt or not a database", "restore it from a copy, or take another file"
        case apsw.BusyError() | apsw.LockedError():
            return "is locked by another program", "end that program, or take another file"
        case apsw.CantOpenError() | apsw.ReadOnlyError() | apsw.PermissionsError():
            return "can't be opened for writing", "check the permissions of the file and its folder"
        case apsw.FullError() | apsw.IOError() if _no_room(error):
            return "can't grow, because the disk is full", "make room, or take a file on another one"
        case apsw.IOError():
            why = f"can't be read or written as it should ({error})"
            return why, "check its disk, and whether something has changed or cut off the file"
        case _:
            return f"can't be used ({error})", "look into the file with SQLite's own shell"


def _no_room(error: SqliteError) -> bool:
    """Whether the disk is full; for the index of the log SQLite has an error of its own."""
    return isinstance(error, apsw.FullError) or getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE
