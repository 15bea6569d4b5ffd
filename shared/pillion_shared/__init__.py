"""What the page and the server must agree on: IDs, function paths, values, the wire, errors.

No dependencies, no I/O; runs unchanged on CPython 3.11+, Pyodide and MicroPython.
"""

from pillion_shared.errors import (
    ABSENT,
    EncodingError,
    FunctionError,
    InvalidIdError,
    NoSessionError,
    NotReadyError,
    PathError,
    PillionError,
    RandomnessError,
    RefreshError,
    SessionError,
    StorageError,
    TransportError,
)
from pillion_shared.ids import SessionId, is_session_id, is_token, is_uuid4, show, token, uuid4
from pillion_shared.paths import Reference, api, canonical, path_of
from pillion_shared.values import Int64, decode, encode

__all__ = [
    "ABSENT",
    "EncodingError",
    "FunctionError",
    "Int64",
    "InvalidIdError",
    "NoSessionError",
    "NotReadyError",
    "PathError",
    "PillionError",
    "RandomnessError",
    "Reference",
    "RefreshError",
    "SessionError",
    "SessionId",
    "StorageError",
    "TransportError",
    "api",
    "canonical",
    "decode",
    "encode",
    "is_session_id",
    "is_token",
    "is_uuid4",
    "path_of",
    "show",
    "token",
    "uuid4",
]
