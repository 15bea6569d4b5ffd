"""SQLite's write-ahead log, looked at before SQLite does.

SQLite takes a log only as far as it is whole, and silently: one that was cut off looks like one whose writer was
cut off. But after a process has been killed its index of the log is still there, and says how far it went.

    data.sqlite3-wal   header of 32 bytes, salts at 16; then frames: header of 24 bytes, salts and checksum at 8; page
    data.sqlite3-shm   two equal headers of 48 bytes; then how many frames are in the database file already
"""

import struct
from pathlib import Path

from pillion_server.errors import StartError

_INDEX = struct.Struct("=14xHI4xII8s8x48xI")
_MAGIC = (0x377F0682, 0x377F0683)
_WAL_HEADER = 32
_FRAME_HEADER = 24


def check_wal(path: Path) -> None:
    """Raises `StartError` when the log of the database `path` no longer holds the last commit in its index."""
    index, log = (path.with_name(path.name + suffix) for suffix in ("-shm", "-wal"))
    known = _read(index, 0, _INDEX.size)
    if len(known) < _INDEX.size or known[:48] != known[48:96]:
        return  # there is none, or it was being written when its process ended
    size, frames, *checksum, salts, copied = _INDEX.unpack(known)
    if frames <= copied:
        return
    page = 65536 if size == 1 else size
    head = _read(log, 0, _WAL_HEADER)
    last = _read(log, _WAL_HEADER + (frames - 1) * (_FRAME_HEADER + page), _FRAME_HEADER + page)
    whole = len(head) == _WAL_HEADER and len(last) == _FRAME_HEADER + page
    if (
        not whole
        or int.from_bytes(head[:4], "big") not in _MAGIC
        or head[16:24] != salts
        or last[8:24] != salts + struct.pack(">II", *checksum)
    ):
        raise StartError(
            f"{log} is damaged or cut off, and what was written last is not in it: restore the database from a copy, "
            f"or remove {index} to go on without."
        )


def _read(path: Path, start: int, length: int) -> bytes:
    """As many of these bytes as there are; none if there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(length)
    except FileNotFoundError:
        return b""
