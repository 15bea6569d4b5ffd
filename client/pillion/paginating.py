"""Paginated queries: as many pages as have been asked for, kept up to date, as one list."""

from pillion.callbacks import complain, tell
from pillion.comparing import is_same
from pillion.pages import Page, is_invalid_cursor
from pillion_shared import wire
from pillion_shared.ids import quotable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pillion.client import Call
    from pillion.live import Live

LOADING_FIRST = "loading-first"
CAN_LOAD_MORE = "can-load-more"
LOADING_MORE = "loading-more"
EXHAUSTED = "exhausted"

OPTIONS_ARG = "pagination_opts"


class PaginatedQuery:
    """A list that is loaded piece by piece, each kept up to date. `paginate` makes it.

    items: all that is loaded, as of one moment, for all who show it: don't change it. status: `"loading-first"`,
    `"can-load-more"`, `"loading-more"`, or `"exhausted"`, when everything is loaded. error: why it fails now, if it
    does; items and status are then what they were last.
    """

    def __init__(
        self,
        live: "Live",
        call: "Call",
        args: "Callable[[], dict[str, object]]",
        first: int,
        on_change: "Callable[[PaginatedQuery], object] | None" = None,
    ) -> None:
        """args: those of the call as they are to be sent now, encoded. first: how many items the first page has."""
        _check(first)
        if wire.wire_name(OPTIONS_ARG) in call.args:
            raise TypeError(f"{quotable(call.path)}: {OPTIONS_ARG} is what paginate gives; leave it out.")
        self.path = call.path
        self.is_closed = False
        self._live = live
        self._args = args
        self._first = first
        self._on_change = on_change
        self._ends: list[Callable[[], None]] = []
        self._items: list[Any] = []
        self._status = LOADING_FIRST
        self._error: Exception | None = None
        self._is_stale = self._is_news = False
        self._wanted = first
        self._id = 0
        self._may_restart = True
        self._pages = [self._page(self._options(first, None))]

    @property
    def items(self) -> "list[Any]":
        self._update()
        return self._items

    @property
    def status(self) -> str:
        self._update()
        return self._status

    @property
    def error(self) -> "Exception | None":
        self._update()
        return self._error

    @property
    def head(self) -> Page:
        """The first page, which tells what there is to tell before it is begun; for `SessionQueries`."""
        return self._pages[0]

    def load_more(self, count: "int | None" = None) -> None:
        """Loads the next items: `count` of them, or as many as at first.

        It does nothing unless the status is `"can-load-more"`, so it may be called as often as a page is scrolled.
        """
        count = self._first if count is None else count
        _check(count)
        if self.status != CAN_LOAD_MORE or self._error is not None or self.is_closed:
            return
        self._wanted += count
        page = self._page(self._options(count, self._pages[-1].end))
        self._pages.append(page)
        self._is_stale = True
        self._show(page)
        self.tell()

    def close(self) -> None:
        """Ends it; what it shows stays as it is."""
        if self.is_closed:
            return
        self._update()
        self.is_closed = True
        for page in self._all():
            page.close()
        for end in self._ends:
            end()
        self._ends = []

    def at_end(self, end: "Callable[[], None]") -> None:
        """Has it called when this is closed."""
        self._ends.append(end)

    def begin(self) -> None:
        """Asks for the first page; raises as `Live.show` does."""
        self._show(self._pages[0])

    def restart(self, keeps: bool) -> None:
        """Begins with page one again: the pages of before mean nothing any more.

        keeps: whether what is shown stays until as much is there again as was ever shown: a refresh may have moved all
        of it away by now. If that was all, it is asked for a few more, so that what comes meanwhile is seen.
        """
        if self.is_closed:
            return
        self._update()
        more = self._first if keeps and self._status == EXHAUSTED else 0
        if not keeps:
            self._items, self._wanted = [], self._first
        self._id += 1
        pages = self._all()
        options = self._options(self._wanted + more, None)
        for page in pages:
            page.restart(options)
        self._pages = pages[:1]
        self._error, self._is_news = None, True
        self._status = LOADING_MORE if self._items else LOADING_FIRST
        args = self._args_of(options)
        self._live.move([(page, self.path, args) for page in pages], keeps=False)  # which drops their queries at once
        for page in pages[1:]:
            page.close()
        self.tell()

    def tell(self) -> None:
        """Calls back if there is something new, and does what the pages are in need of."""
        self._update()
        self._tend()
        if not self._is_news or self.is_closed:
            return
        self._is_news = False
        if self._on_change is not None:
            tell(self._on_change, self, f"the on_change of {self.path}")
        elif self._error is not None:
            complain(self._error, self.path)

    def __enter__(self) -> "PaginatedQuery":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else self.status
        return f"<PaginatedQuery {self.path} {state}, {len(self.items)} items>"

    # --- inside ---

    def _update(self) -> None:
        """Takes what the pages show: only once all of them show the same moment is it asked for."""
        if not self._is_stale or self.is_closed:
            return
        self._is_stale = False
        pages: list[Page] = []
        for page in self._pages:
            pages += page.halves if page.is_split else [page]
        errors = [page.error for page in pages if page.error is not None]
        if self._may_restart and any(is_invalid_cursor(error) for error in errors):
            return
        items, status = self._items, self._status
        if not errors:
            items, status = self._list(pages)
            self._may_restart = self._may_restart or pages[0].is_answered
        error = errors[0] if errors else None
        if status != self._status or error is not self._error or not is_same(items, self._items):
            self._items, self._status, self._error = items, status, error
            self._wanted = max(self._wanted, len(items))
            self._is_news = True

    def _list(self, pages: "list[Page]") -> "tuple[list[Any], str]":
        """The items and the status; before the first page is there, those that are shown stay."""
        items: list[Any] = []
        for page in pages:
            if not page.is_whole:
                items = self._items if page is pages[0] else items
                return items, LOADING_MORE if items or page is not pages[0] else LOADING_FIRST
            items += page.items
        return items, EXHAUSTED if pages[-1].is_last else CAN_LOAD_MORE

    def _tend(self) -> None:
        """Puts the halves of pages that are split into their place, and splits those that have grown."""
        if self.is_closed:
            return
        if self._may_restart and any(is_invalid_cursor(page.error) for page in self._pages):
            self._may_restart = False
            self.restart(keeps=True)
            return
        gone = [page for page in self._pages if page.is_split]
        pages: list[Page] = []
        for page in self._pages:
            pages += page.halves if page in gone else [page]
        self._pages = pages
        for page in pages:
            halves = [self._page(options) for options in page.split()]
            page.halves += halves
            for half in halves:
                self._show(half)
        for page in gone:
            page.close()

    def _all(self) -> "list[Page]":
        found: list[Page] = []
        for page in self._pages:
            found.append(page)
            found += page.halves
        return found

    def _page(self, options: "dict[str, object]") -> Page:
        page = Page(self.path, options, self._on_shown, self.tell)
        page.at_end(lambda: self._on_closed(page))
        return page

    def _on_shown(self) -> None:
        self._is_stale = True

    def _on_closed(self, page: Page) -> None:
        """The client is closed, and all that it shows."""
        if page in self._all():
            self.close()

    def _options(self, count: int, cursor: "str | None") -> "dict[str, object]":
        """id: another one for another start, so that no query of before is asked for again, with its journal."""
        return {"numItems": count, "cursor": cursor, "id": self._id}

    def _args_of(self, options: "dict[str, object]") -> "dict[str, object]":
        args = dict(self._args())
        args.update(wire.arguments({OPTIONS_ARG: options}))
        return args

    def _show(self, page: Page) -> None:
        self._live.show(page, self.path, self._args_of(page.options))


def _check(count: int) -> None:
    if count < 1:
        raise ValueError(f"A page has 1 item or more, not {count}.")
