"""pillion: an anonymous session for pages written in Python; your session rides along with every call.

    from pillion import Client, SessionProvider, api, use_session

    SessionProvider(Client("/api"), storage="local").install()
    await use_session().mutation(api.cart.add, name="tea")

The way of an ID: storage -> identity -> session -> client -> transport. `Identity` alone writes it; everything
else asks at the moment of sending. Runs unchanged on Pyodide, MicroPython and CPython 3.11+.
"""

from pillion.asgi import ASGITransport
from pillion.changes import Change
from pillion.client import Client
from pillion.connection import Connection
from pillion.events import EventStream
from pillion.fetching import FetchResponse
from pillion.lending import LentStorage, lend
from pillion.paginating import PaginatedQuery
from pillion.provider import SessionProvider, use_session
from pillion.server_sent import ServerSentEvent
from pillion.session import SKIPPED, Session
from pillion.storage import CookieStorage, IndexedDBStorage, MemoryStorage, StorageReport, WebStorage
from pillion.subscribing import PENDING, LiveQuery, Watch
from pillion.transport import FetchTransport, Request, Response
from pillion.websocket import WebSocket
from pillion_shared import (
    ABSENT,
    EncodingError,
    FunctionError,
    Int64,
    InvalidIdError,
    NoSessionError,
    NotReadyError,
    PathError,
    PillionError,
    RandomnessError,
    RefreshError,
    SessionError,
    SessionId,
    StorageError,
    TransportError,
    api,
    is_session_id,
    show,
)

__all__ = [
    "ABSENT",
    "PENDING",
    "SKIPPED",
    "ASGITransport",
    "Change",
    "Client",
    "Connection",
    "CookieStorage",
    "EncodingError",
    "EventStream",
    "FetchResponse",
    "FetchTransport",
    "FunctionError",
    "IndexedDBStorage",
    "Int64",
    "InvalidIdError",
    "LentStorage",
    "LiveQuery",
    "MemoryStorage",
    "NoSessionError",
    "NotReadyError",
    "PaginatedQuery",
    "PathError",
    "PillionError",
    "RandomnessError",
    "RefreshError",
    "Request",
    "Response",
    "ServerSentEvent",
    "Session",
    "SessionError",
    "SessionId",
    "SessionProvider",
    "StorageError",
    "StorageReport",
    "TransportError",
    "Watch",
    "WebSocket",
    "WebStorage",
    "api",
    "is_session_id",
    "lend",
    "show",
    "use_session",
]
