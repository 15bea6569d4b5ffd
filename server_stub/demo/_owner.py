"""Who a session belongs to: builders over those of `_session` that add the user, if any, and the owner."""

from typing import Any

from pillion_server import Custom, QueryCtx, custom_mutation, custom_query

from ._session import session_mutation, session_query

Document = dict[str, Any]


def with_owner(ctx: QueryCtx) -> Custom:
    """`ctx.user` is the user logged in, or None; `ctx.owner` is whom rows belong to, user or session."""
    user_id = ctx.sessions.user(ctx.session_id)
    user = ctx.db.get(user_id) if user_id else None
    return Custom(ctx={"user": user, "owner": user["_id"] if user else ctx.session_id})


owner_query = custom_query(session_query, with_owner)
owner_mutation = custom_mutation(session_mutation, with_owner)
