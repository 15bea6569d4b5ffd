"""Who is looking at the shop: a row for each page that somebody has open, and that keeps saying so.

A query is not told that time passes, so rows are not counted by their age: they go. A page that closes says it; one
that only falls silent is taken out by what the others say.
"""

import time

from pillion_server import Document, MutationCtx, QueryCtx

from ._refusal import refusal
from ._session import SessionMutationCtx, open_query, session_mutation

GONE_SECONDS = 30
"""How long a page may be silent."""

LONGEST_NAME = 40


@open_query
def people(ctx: QueryCtx) -> int:
    """How many people are looking. One is one: with several tabs, and logged in on several devices."""
    sessions = {row["session_id"] for row in ctx.db.query("open_pages").with_index("by_seen").collect()}
    return len({ctx.sessions.user(session_id) or session_id for session_id in sessions})


@session_mutation
def here(ctx: SessionMutationCtx, page: str) -> None:
    """Somebody looks at a page, which has made up a name for itself."""
    if not 1 <= len(page) <= LONGEST_NAME:
        raise refusal("page", f"A page's name has 1 to {LONGEST_NAME} letters.")
    now = time.time()
    row = _row(ctx, page)
    if row:
        ctx.db.patch(row["_id"], seen=now)
    else:
        ctx.db.insert("open_pages", session_id=ctx.session_id, page=page, seen=now)
    for silent in ctx.db.query("open_pages").with_index("by_seen").lt("seen", now - GONE_SECONDS).collect():
        ctx.db.delete(silent["_id"])


@session_mutation
def gone(ctx: SessionMutationCtx, page: str) -> None:
    """The page is closed; one that is not there has been taken out before."""
    row = _row(ctx, page)
    if row:
        ctx.db.delete(row["_id"])


def move_pages(ctx: MutationCtx, old: str, new: str) -> None:
    """Whoever logs in looks on under the new session."""
    for row in _rows(ctx, old):
        ctx.db.patch(row["_id"], session_id=new)


def forget_pages(ctx: MutationCtx, session_id: str) -> None:
    """Whoever logs out looks on as somebody else, once the pages say so."""
    for row in _rows(ctx, session_id):
        ctx.db.delete(row["_id"])


def _row(ctx: SessionMutationCtx, page: str) -> Document | None:
    return ctx.db.query("open_pages").with_index("by_session_page", session_id=ctx.session_id, page=page).unique()


def _rows(ctx: QueryCtx, session_id: str) -> list[Document]:
    return ctx.db.query("open_pages").with_index("by_session_page", session_id=session_id).collect()
