"""What smoke.html calls, from every runtime: a count of this session's calls that a refresh carries along."""

from pillion_server import Document, QueryCtx, SessionId

from ._session import SessionCtx, SessionMutationCtx, session_mutation, session_query


@session_mutation
def call(ctx: SessionMutationCtx, runtime: str) -> int:
    """Counts a call; returns how many this session has made."""
    row = _row(ctx, ctx.session_id)
    if row is None:
        ctx.db.insert("smoke_calls", session_id=ctx.session_id, runtime=runtime, calls=1)
        return 1
    ctx.db.patch(row["_id"], runtime=runtime, calls=row["calls"] + 1)
    return row["calls"] + 1


@session_query
def seen(ctx: SessionCtx) -> dict[str, object]:
    """What the server knows of this session: `{"runtime": ..., "calls": ...}`."""
    row = _row(ctx, ctx.session_id)
    return {"runtime": row["runtime"], "calls": row["calls"]} if row else {"runtime": None, "calls": 0}


@session_mutation
def carry(ctx: SessionMutationCtx, new: SessionId) -> None:
    """Hands the count over to the session that is about to begin."""
    ctx.sessions.transfer(ctx.session_id, new)


def _row(ctx: QueryCtx, session_id: SessionId) -> Document | None:
    return ctx.db.query("smoke_calls").with_index("by_session", session_id=session_id).unique()
