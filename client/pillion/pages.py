"""One page of a paginated query: a live query of its own, whose end the server keeps where it is."""

from pillion.subscribing import PENDING, LiveQuery
from pillion_shared import FunctionError
from pillion_shared.ids import quotable
from pillion_shared.shapes import is_dict, is_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SPLIT_REQUIRED = "SplitRequired"
"""The `pageStatus` of a page that is too large to be there as a whole."""

_SPLITS = ("SplitRecommended", SPLIT_REQUIRED)


class Page(LiveQuery):
    """A page. options: what it is asked for with, `paginationOpts` on the wire. halves: those that will replace it.

    on_shown: called as soon as it shows something else, when other pages of that moment may be yet to come; on_told:
    when all of them are there.
    """

    def __init__(
        self,
        path: str,
        options: "dict[str, object]",
        on_shown: "Callable[[], None]",
        on_told: "Callable[[], None]",
    ) -> None:
        super().__init__(path)
        self.options = options
        self.halves: list[Page] = []
        self._on_shown = on_shown
        self._on_told = on_told

    @property
    def is_answered(self) -> bool:
        """Whether there is a page, and no error since."""
        return self.value is not PENDING and self.error is None

    @property
    def is_whole(self) -> bool:
        """Whether all that lies between its ends is there."""
        return self.is_answered and self.value.get("pageStatus") != SPLIT_REQUIRED

    @property
    def is_split(self) -> bool:
        """Whether its halves are there to take its place."""
        return bool(self.halves) and all(half.is_answered for half in self.halves)

    @property
    def items(self) -> "list[Any]":
        """What is on it."""
        found: list[Any] = self.value["page"]
        return found

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after it."""
        return self.value["isDone"] is True

    @property
    def end(self) -> str:
        """Where it ends, and the next one begins."""
        return str(self.value["continueCursor"])

    def split(self) -> "list[dict[str, object]]":
        """The options of the two pages that it should be, if it should: in all the same range."""
        middle = self.value.get("splitCursor") if self.is_answered else None
        size = self.options["numItems"]
        if middle is None or self.halves or not isinstance(size, int):
            return []
        if self.value.get("pageStatus") not in _SPLITS and len(self.items) <= 2 * size:
            return []
        one, other = dict(self.options), dict(self.options)
        one["endCursor"] = other["cursor"] = middle
        other["endCursor"] = self.end
        return [one, other]

    def restart(self, options: "dict[str, object]") -> None:
        """It has not been answered, and is another page."""
        self.options, self.halves = options, []
        self.value, self.error = PENDING, None

    def show(self, value: "Any", error: "Exception | None" = None) -> None:
        if error is None and value is not PENDING and not _is_page(value):
            error = TypeError(
                f"{quotable(self.path)} returns no pages: "
                "its value is to be that of ctx.db.query(...).paginate(pagination_opts)."
            )
        super().show(value, error)
        self._on_shown()

    def tell(self) -> None:
        if not self.is_closed:
            self._on_told()


def is_invalid_cursor(error: "Exception | None") -> bool:
    """Whether a query has failed since its cursor, or the end of its page, means nothing to the server any more."""
    if not isinstance(error, FunctionError):
        return False
    if is_dict(error.data):
        return error.data.get("paginationError") == "InvalidCursor"
    return "InvalidCursor" in error.message


def _is_page(value: object) -> bool:
    return (
        is_dict(value)
        and is_list(value.get("page"))
        and isinstance(value.get("isDone"), bool)
        and isinstance(value.get("continueCursor"), str)
    )
