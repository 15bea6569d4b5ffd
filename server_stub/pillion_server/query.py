"""The query builder: `ctx.db.query(table).with_index(...).order(...).collect()` and its other ends.

It makes a `Range` of one index, plain data, and asks the reader for the documents in it.
"""

import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from pillion_server.cursors import Cursors
from pillion_server.misuse import expect
from pillion_server.pagination import Page, PaginationOptions
from pillion_server.ranges import Position, Range
from pillion_server.schema import Schema

Document = dict[str, Any]
"""A document: its fields, `_id` (str) and `_creation_time` (milliseconds since 1970, float)."""

Scan = Callable[[Range], Generator[tuple[Position, Document]]]
"""The documents of a range in its order, with their positions; only those that are taken count as read."""


@dataclass(frozen=True)
class Query:
    """Documents of one table, oldest first unless `order` says otherwise. Each step gives a new query.

        ctx.db.query("seats").with_index("by_row", concert=7).gte("row", 3).lt("row", 9).order("desc").take(20)

    A range is over the next field of the index after those that equal something; the last one is `_creation_time`. The
    order goes by type first: no such field, then null, Int64, numbers, booleans, text, bytes, lists, dicts.

    Its documents are `Document`s, typed as `Any`, so that a function can return them as a `TypedDict` of its own.
    """

    scan: Scan
    schema: Schema
    cursors: Cursors
    range: Range
    tests: tuple[Callable[[Document], object], ...] = ()

    def with_index(self, name: str, /, **equal: object) -> "Query":
        """All of the index `name`, in its order, or those whose first fields equal the ones given.

        `with_index("by_owner_day", owner="ada")` is `with_index("by_owner_day").eq("owner", "ada")`: the index's
        fields from the first one on, none left out. Raises `ValueError` when an index or a range has been chosen.
        """
        descending, table = self.range.descending, self.range.index.table
        if not (self.range.is_whole and self.range.index is self.schema.by_creation_time(table)):
            raise ValueError(f"with_index({name!r}) goes right after query({table!r}), before eq, gt, gte, lt and lte.")
        range = Range.whole(self.schema.index(table, name), descending=descending)
        for field in sorted(equal, key=_place_in(range.index.columns)) if len(equal) > 1 else equal:
            range = range.eq(field, equal[field])
        return self._of(range)

    def eq(self, field: str, value: object, /) -> "Query":
        """Those whose `field`, the next one of the index, equals `value`."""
        return self._of(self.range.eq(field, value))

    def gt(self, field: str, value: object, /) -> "Query":
        """Those whose `field` is greater than `value`."""
        return self._of(self.range.above(field, value, inclusive=False))

    def gte(self, field: str, value: object, /) -> "Query":
        """Those whose `field` is `value` or greater."""
        return self._of(self.range.above(field, value, inclusive=True))

    def lt(self, field: str, value: object, /) -> "Query":
        """Those whose `field` is less than `value`."""
        return self._of(self.range.below(field, value, inclusive=False))

    def lte(self, field: str, value: object, /) -> "Query":
        """Those whose `field` is `value` or less."""
        return self._of(self.range.below(field, value, inclusive=True))

    def order(self, direction: Literal["asc", "desc"], /) -> "Query":
        """`"asc"`, or `"desc"` for the last of the index first."""
        if direction not in ("asc", "desc"):
            raise ValueError(f'The order is "asc" or "desc", not {direction!r}.')
        return self._of(self.range.directed(descending=direction == "desc"))

    def filter(self, test: Callable[[Document], object], /) -> "Query":
        """Those for which `test(document)` is true. The others count as read too, so prefer an index."""
        expect(test, Callable, "filter() takes a function of a document")
        return Query(self.scan, self.schema, self.cursors, self.range, (*self.tests, test))

    def first(self) -> Any | None:
        """The first document, or `None`."""
        documents = self._take(1)
        return documents[0] if documents else None

    def unique(self) -> Any | None:
        """The only document, or `None`; raises `ValueError` when there are more."""
        documents = self._take(2)
        if len(documents) > 1:
            raise ValueError(f"unique() found more than one document in {self.range.index.table!r}; first() takes one.")
        return documents[0] if documents else None

    def take(self, count: int, /) -> list[Any]:
        """At most the first `count` documents."""
        expect(count, int, "take() takes a number of documents", but=bool)
        if count < 0:
            raise ValueError(f"take() takes a number of documents, not {count}.")
        return self._take(min(count, sys.maxsize))

    def collect(self) -> list[Any]:
        """All documents."""
        return self._take(None)

    def paginate(self, options: PaginationOptions, /) -> Page[Any]:
        """One page of the documents; the next one begins at its `continueCursor`.

        Pages end at places in the index: what is added or deleted between two calls neither repeats nor skips a
        document that stays where it is. Raises `FunctionError` for the cursor of another query.
        """
        expect(options, PaginationOptions, "paginate() takes the PaginationOptions that a page asks by")
        range, fixed = self.range, options.end_cursor is not None
        if options.cursor is not None:
            start = self.cursors.open(self.range, options.cursor)
            if start is None:
                return Page(page=[], isDone=True, continueCursor=options.cursor)
            range = range.after(start)
        end = self.cursors.open(self.range, options.end_cursor) if options.end_cursor is not None else None
        if end is not None:
            range = range.through(end)
        page: list[Document] = []
        places: list[Position] = []
        last: Position | None = None
        with closing(self.scan(range)) as found:
            for position, document in found:
                if not fixed and len(page) == options.num_items:
                    end = last
                    break
                last = position
                if self._fits(document):
                    page.append(document)
                    places.append(position)
        answer = Page[Any](page=page, isDone=end is None, continueCursor=self.cursors.seal(self.range, end))
        if len(page) > options.num_items:
            answer["splitCursor"] = self.cursors.seal(self.range, places[len(places) // 2 - 1])
        return answer

    def _of(self, range: Range) -> "Query":
        return Query(self.scan, self.schema, self.cursors, range, self.tests)

    def _take(self, count: int | None) -> list[Document]:
        with closing(self.scan(self.range)) as found:
            documents = (document for _, document in found)
            return list(islice(filter(self._fits, documents) if self.tests else documents, count))

    def _fits(self, document: Document) -> bool:
        return all(test(document) for test in self.tests)


def _place_in(columns: Iterable[str]) -> Callable[[str], int]:
    places = {name: place for place, name in enumerate(columns)}
    return lambda field: places.get(field, len(places))
