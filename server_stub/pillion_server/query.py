"""The query builder: `ctx.db.query(table).with_index(...).order(...).collect()` and its other ends.

It makes a `Range` of one index, plain data, and asks the reader for the documents in it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pillion_server.keys import ABOVE, key_of
from pillion_server.schema import Index, Schema
from pillion_shared import encode

Document = dict[str, Any]
"""A document: its fields, `_id` (str) and `_creation_time` (milliseconds since 1970, float)."""


@dataclass(frozen=True)
class Range:
    """The entries of one index from `lower` up to, and without, `upper`."""

    index: Index
    lower: bytes
    upper: bytes
    descending: bool = False


Fetch = Callable[[Range, int | None], list[Document]]
"""The documents of a range in its order, at most so many; `None` is all."""


@dataclass(frozen=True)
class Query:
    """Documents of one table, oldest first unless `order` says otherwise. Each step gives a new query."""

    fetch: Fetch
    schema: Schema
    range: Range

    def with_index(self, name: str, /, **equal: object) -> "Query":
        """Those whose first fields of the index `name` equal the ones given, in the order of the index.

        `with_index("by_owner_day", owner="ada")`: the index's fields from the first one on, none left out.
        """
        index = self.schema.index(self.range.index.table, name)
        fields = index.fields[: len(equal)]
        if set(fields) != set(equal):
            raise ValueError(
                f"The index {name!r} of {index.table!r} is over {_listed(index.fields)} in this order; "
                f"{_listed(tuple(equal))} can't be looked up in it."
            )
        encode(equal)  # refuses what no document can hold
        prefix = key_of(equal[field] for field in fields)
        return replace(self, range=Range(index, prefix, prefix + ABOVE, self.range.descending))

    def order(self, direction: Literal["asc", "desc"], /) -> "Query":
        """`"asc"`, or `"desc"` for the last of the index first."""
        if direction not in ("asc", "desc"):
            raise ValueError(f'The order is "asc" or "desc", not {direction!r}.')
        return replace(self, range=replace(self.range, descending=direction == "desc"))

    def first(self) -> Document | None:
        """The first document, or `None`."""
        documents = self.fetch(self.range, 1)
        return documents[0] if documents else None

    def unique(self) -> Document | None:
        """The only document, or `None`; raises `ValueError` when there are more."""
        documents = self.fetch(self.range, 2)
        if len(documents) > 1:
            raise ValueError(f"unique() found more than one document in {self.range.index.table!r}; first() takes one.")
        return documents[0] if documents else None

    def take(self, count: int, /) -> list[Document]:
        """At most the first `count` documents."""
        if count < 0:
            raise ValueError(f"take() takes a number of documents, not {count}.")
        return self.fetch(self.range, count)

    def collect(self) -> list[Document]:
        """All documents."""
        return self.fetch(self.range, None)


def whole_table(fetch: Fetch, schema: Schema, table: str) -> Query:
    """A query for all documents of `table`."""
    return Query(fetch, schema, Range(schema.by_creation_time(table), b"", ABOVE))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
