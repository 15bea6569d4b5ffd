"""The demos' tables and the indexes that their functions read by; documents need no declaration."""

from pillion_server import Schema, Table

schema = Schema(
    users=Table().index("by_key", "key"),
    cart_items=Table()
    .index("by_owner", "owner")
    .index("by_owner_product", "owner", "product")
    .index("by_product", "product"),
    open_pages=Table().index("by_session_page", "session_id", "page").index("by_seen", "seen"),
    purchases=Table().index("by_session", "session_id"),
    sold_seats=Table().index("by_seat", "concert", "seat"),
    smoke_calls=Table().index("by_session", "session_id"),
)
