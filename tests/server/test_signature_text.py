"""Signatures as callers see them."""

from pillion_server import Custom, SessionId, custom_query, mutation, query
from pillion_server.signature_text import signature_text


def test_names_on_the_wire_and_defaults() -> None:
    """Those of the inputs of a builder come first; contexts are nobody's argument."""

    def with_session(ctx: object, session_id: SessionId) -> Custom:
        return Custom(ctx={"session_id": session_id})

    @custom_query(query, with_session)
    def get(ctx: object, name: str, most: int = 3) -> list[str]:
        return [name] * most

    @mutation
    def put(ctx: object):  # noqa: ANN202
        pass

    assert signature_text(get) == "(sessionId: SessionId, name: str, most: int = ...) -> list[str]"
    assert signature_text(put) == "()"
