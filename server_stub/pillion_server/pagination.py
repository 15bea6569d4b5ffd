"""Pages, as Convex's clients ask for them and get them.

@query
def notes(ctx: QueryCtx, pagination_opts: PaginationOptions) -> Page[Note]:
    return ctx.db.query("notes").order("desc").paginate(pagination_opts)
"""

from typing import Annotated, Generic, NotRequired, TypedDict, TypeVar

import msgspec

from pillion_server.misuse import expect

T = TypeVar("T")


class PaginationOptions(msgspec.Struct, frozen=True, rename="camel"):
    """Which page: `{"numItems": 20, "cursor": null}` on the wire.

    cursor: the `continueCursor` of the page before, or `None` for the first one. end_cursor: where the page ends,
    whatever `num_items` says: a page that was seen before has its own `continueCursor` here, to stay the same range.
    id, maximum_rows_read, maximum_bytes_read: Convex's clients may send them; they change nothing here.
    """

    num_items: Annotated[int, msgspec.Meta(ge=1)]
    cursor: str | None = None
    end_cursor: str | None = None
    id: int | None = None
    maximum_rows_read: int | None = None
    maximum_bytes_read: int | None = None

    def __post_init__(self) -> None:
        """Raises `TypeError` or `ValueError` also for those that a function makes."""
        expect(self.num_items, int, "num_items is a whole number", but=bool)
        if self.num_items < 1:
            raise ValueError(f"num_items is 1 or more, not {self.num_items}.")
        for cursor in (self.cursor, self.end_cursor):
            expect(cursor, (str, type(None)), "A cursor is the continueCursor of a page, or None")


class Page(TypedDict, Generic[T]):
    """One page of documents, which are stripped to `T` when they are returned.

    `continueCursor` is where the next page begins; `isDone` says that there is nothing there by now. `splitCursor`,
    of a page that has grown beyond its `num_items`, is where two smaller ones would meet.
    """

    page: list[T]
    isDone: bool
    continueCursor: str
    splitCursor: NotRequired[str]
