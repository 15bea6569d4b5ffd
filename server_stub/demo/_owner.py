"""Who a session belongs to: builders over those of `_session` that add the user, if any, and the owner."""

from typing import Any

from pillion_server import Custom, custom_mutation, custom_query

from ._session import SessionCtx, SessionMutationCtx, session_mutation, session_query

Document = dict[str, Any]


class OwnerCtx(SessionCtx):
    """What the handlers of `owner_query` get: the user logged in, or None, and whom rows belong to."""

    user: Document | None
    owner: str


class OwnerMutationCtx(SessionMutationCtx, OwnerCtx):
    """What those of `owner_mutation` get."""


def with_owner(ctx: SessionCtx) -> Custom:
    """Looks up the user of the session; rows belong to the user, or else to the session."""
    user_id = ctx.sessions.user(ctx.session_id)
    user = ctx.db.get(user_id) if user_id else None
    return Custom(ctx={"user": user, "owner": user["_id"] if user else ctx.session_id})


owner_query = custom_query(session_query, with_owner, ctx=OwnerCtx)
owner_mutation = custom_mutation(session_mutation, with_owner, ctx=OwnerMutationCtx)
