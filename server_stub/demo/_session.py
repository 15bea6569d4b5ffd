"""The builders for functions of a session; those of `_owner` add who is logged in.

The lint rule of ruff.toml keeps pillion's raw builders to this file. A leading `_` keeps a module's functions
off the API.
"""

from pillion_server import Custom, MutationCtx, QueryCtx, SessionId, custom_mutation, custom_query, mutation, query


class SessionCtx(QueryCtx):
    """What the handlers of `session_query` get."""

    session_id: SessionId


class SessionMutationCtx(MutationCtx, SessionCtx):
    """What those of `session_mutation` get."""


def with_session(ctx: QueryCtx, session_id: SessionId) -> Custom:
    """Takes the session off the arguments; handlers find it as `ctx.session_id`."""
    return Custom(ctx={"session_id": session_id})


session_query = custom_query(query, with_session, ctx=SessionCtx)
session_mutation = custom_mutation(mutation, with_session, ctx=SessionMutationCtx)

open_query = query
"""A query without a session, on purpose: everybody gets the same."""
