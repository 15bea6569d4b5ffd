"""The tables of the browser tests' functions."""

from pillion_server import Schema, Table

schema = Schema(notes=Table().index("by_session", "session_id"))
