"""The functions that the browser tests call: notes that belong to a session."""

from typing import Any

from pillion_server import FunctionError, PaginationOptions, SessionId, mutation, query


@mutation
def add(ctx: Any, session_id: SessionId, text: str) -> int:
    """Adds a note; returns how many the session has."""
    ctx.db.insert("notes", session_id=session_id, text=text)
    return len(listed(ctx, session_id))


@query
def list(ctx: Any, session_id: SessionId) -> Any:
    """The session's notes, oldest first."""
    return listed(ctx, session_id)


@query
def page(ctx: Any, session_id: SessionId, pagination_opts: PaginationOptions) -> Any:
    """The same page by page."""
    found = ctx.db.query("notes").with_index("by_session", session_id=session_id).paginate(pagination_opts)
    return {**found, "page": [note["text"] for note in found["page"]]}


@mutation
def remove(ctx: Any, session_id: SessionId, text: str) -> None:
    """Removes the session's notes with a text."""
    for note in ctx.db.query("notes").with_index("by_session", session_id=session_id).collect():
        if note["text"] == text:
            ctx.db.delete(note["_id"])


@mutation
def move(ctx: Any, session_id: SessionId, new: SessionId) -> int:
    """Moves the session's notes to another session; returns how many."""
    notes = ctx.db.query("notes").with_index("by_session", session_id=session_id).collect()
    for note in notes:
        ctx.db.patch(note["_id"], session_id=new)
    return len(notes)


@mutation
def refuse(ctx: Any, session_id: SessionId, new: SessionId) -> None:
    """Refuses with data."""
    raise FunctionError({"code": "refused", "message": "Not this time."})


@query
def public(ctx: Any) -> str:
    """Takes no session."""
    return "for everyone"


def listed(ctx: Any, session_id: SessionId) -> Any:
    """The texts of a session's notes."""
    return [note["text"] for note in ctx.db.query("notes").with_index("by_session", session_id=session_id).collect()]
