"""`pillion export` and `pillion import`: the documents of a database as JSON lines."""

import sys
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich import progress
from rich.console import Console

from pillion_server import dump
from pillion_server.commands.printing import complain, is_watched
from pillion_server.offline import reading, writing
from pillion_shared import PillionError

Database = Annotated[Path, typer.Argument(metavar="FILE", help="The database.")]
Lines = Annotated[
    Path | None, typer.Argument(metavar="LINES", help="The file of JSON lines.", show_default="the standard stream")
]


def export(file: Database, lines: Lines = None) -> None:
    """Write the documents of a database as JSON lines. A server may be running."""
    with reading(file) as connection, _written(lines) as out:
        number = dump.count(connection)
        for line in _progress(dump.lines_of(connection), number):
            out.write(line + b"\n")
    complain(f"{number} documents exported.")


def import_(file: Database, lines: Lines = None) -> None:
    """Read documents into an empty database, all or none. No server may be running."""
    with _read(lines) as read, writing(file, make=True) as connection:
        number = dump.restore(connection, read)
    complain(f"{number} documents imported.")


def _progress(lines: Iterable[bytes], number: int) -> Iterable[bytes]:
    if not is_watched():
        return lines
    return progress.track(lines, "Exporting", number, console=Console(stderr=True), transient=True)


@contextmanager
def _written(path: Path | None) -> Generator[BinaryIO]:
    """Where the lines go; a file appears only once it is whole. Raises `PillionError`."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    draft = path.with_name(path.name + ".part")
    try:
        with draft.open("wb") as out:
            yield out
        draft.replace(path)
    except OSError as error:
        raise PillionError(f"{path} can't be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _read(path: Path | None) -> Generator[Iterable[bytes]]:
    """Where the lines come from. Raises `PillionError`."""
    if path is None:
        yield sys.stdin.buffer
        return
    try:
        with _opened(path) as read:
            yield read
    except OSError as error:
        raise PillionError(f"{path} can't be read: {error.strerror}.") from error


def _opened(path: Path) -> AbstractContextManager[BinaryIO]:
    if not is_watched():
        return path.open("rb")
    return progress.open(path, "rb", description="Importing", console=Console(stderr=True), transient=True)
