"""pillion's server: functions in plain Python, documents in SQLite, Convex's HTTP function API.

    from pillion_server import SessionId, mutation

    @mutation
    def add(ctx, session_id: SessionId, name: str) -> None:
        ctx.db.insert("cart_items", session_id=session_id, name=name)

`python -m pillion_server run FOLDER` serves the functions of a folder; `create_app` makes the same as an ASGI
app.
"""

from pillion_server.app import create_app
from pillion_server.contexts import ActionCtx, MutationCtx, QueryCtx
from pillion_server.custom import (
    Custom,
    custom_action,
    custom_ctx,
    custom_mutation,
    custom_query,
    run_session_functions,
)
from pillion_server.document_id import Id, id_of
from pillion_server.documents import DatabaseReader, DatabaseWriter
from pillion_server.errors import ArgumentError, CallError, DatabaseError, DefinitionError, LimitError, StartError
from pillion_server.functions import (
    Function,
    action,
    internal_action,
    internal_mutation,
    internal_query,
    mutation,
    query,
)
from pillion_server.identity import Auth, Identity
from pillion_server.incoming import BadSession, IncomingSessions
from pillion_server.jwt_auth import JwtAuth
from pillion_server.pagination import Page, PaginationOptions
from pillion_server.query import Document, Query
from pillion_server.registry import Registry
from pillion_server.schema import Schema, Table
from pillion_server.sessions import SessionId
from pillion_server.succession import Login, SessionsReader, SessionsWriter
from pillion_shared import FunctionError, Int64, api

__all__ = [
    "ActionCtx",
    "ArgumentError",
    "Auth",
    "BadSession",
    "CallError",
    "Custom",
    "DatabaseError",
    "DatabaseReader",
    "DatabaseWriter",
    "DefinitionError",
    "Document",
    "Function",
    "FunctionError",
    "Id",
    "Identity",
    "IncomingSessions",
    "Int64",
    "JwtAuth",
    "LimitError",
    "Login",
    "MutationCtx",
    "Page",
    "PaginationOptions",
    "Query",
    "QueryCtx",
    "Registry",
    "Schema",
    "SessionId",
    "SessionsReader",
    "SessionsWriter",
    "StartError",
    "Table",
    "action",
    "api",
    "create_app",
    "custom_action",
    "custom_ctx",
    "custom_mutation",
    "custom_query",
    "id_of",
    "internal_action",
    "internal_mutation",
    "internal_query",
    "mutation",
    "query",
    "run_session_functions",
]
