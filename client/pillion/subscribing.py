"""What a page holds of a live query: a handle with the value, or an iterator over the values."""

import asyncio

from pillion._aio import apart
from pillion.callbacks import complain, tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class _Pending:
    """The type of `PENDING`."""

    def __repr__(self) -> str:
        return "PENDING"

    def __bool__(self) -> bool:
        return False


PENDING = _Pending()
"""The value of a live query that the server has not answered yet."""


class LiveQuery:
    """A query that is kept up to date. `subscribe` makes it.

    value: what the query returns now, for all who show it: don't change it. `PENDING` until there is one; after an
    error what it was last. error: why the query fails now, if it does.
    """

    def __init__(
        self,
        path: str,
        on_value: "Callable[[Any], object] | None" = None,
        on_error: "Callable[[Exception], object] | None" = None,
    ) -> None:
        self.path = path
        self.value: Any = PENDING
        self.error: Exception | None = None
        self.is_closed = False
        self._on_value = on_value
        self._on_error = on_error
        self._ends: list[Callable[[], None]] = []

    def close(self) -> None:
        """Ends it; the value stays as it is. The query itself is dropped a second after the last who shows it."""
        if not self.is_closed:
            self.is_closed = True
            for end in self._ends:
                end()
            self._ends = []

    def at_end(self, end: "Callable[[], None]") -> None:
        """Has it called when this is closed, which may have been."""
        if self.is_closed:
            end()
        else:
            self._ends.append(end)

    def show(self, value: "Any", error: "Exception | None" = None) -> None:
        """Takes what the query gives now; `tell` says so to the page."""
        self.error = error
        if error is None:
            self.value = value

    def tell(self) -> None:
        """Calls back with what is shown."""
        if self.is_closed:
            return
        if self.error is None:
            if self._on_value is not None:
                tell(self._on_value, self.value, f"the on_value of {self.path}")
        elif self._on_error is not None:
            tell(self._on_error, self.error, f"the on_error of {self.path}")
        else:
            complain(self.error, self.path)

    def __enter__(self) -> "LiveQuery":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<LiveQuery {self.path} {'closed' if self.is_closed else 'open'}>"


class Watch:
    """The values of a live query, one after another: `async for value in session.watch(...)`.

    Whoever is slow gets the newest one, and not all. It raises what the query fails with, and ends with that; it ends
    when it is closed: by `close()`, and at the end of `async with session.watch(...) as values`.
    """

    def __init__(
        self, subscribe: "Callable[[Callable[[Any], object], Callable[[Exception], object]], LiveQuery]"
    ) -> None:
        self._heard = asyncio.Event()
        self._is_new = False
        self._query = subscribe(self._on_news, self._on_news)
        self._query.at_end(self._heard.set)
        if self._query.value is not PENDING:
            self._on_news(None)

    def close(self) -> None:
        """Ends it."""
        self._query.close()

    def __aiter__(self) -> "Watch":
        return self

    async def __anext__(self) -> "Any":
        if not await apart(self._has_next()):
            raise StopAsyncIteration
        if self._query.error is not None:
            self.close()
            raise self._query.error
        return self._query.value

    async def __aenter__(self) -> "Watch":
        return self

    async def __aexit__(self, *error: object) -> None:
        self.close()

    async def _has_next(self) -> bool:
        while not (self._is_new or self._query.is_closed):
            self._heard.clear()
            await self._heard.wait()
        is_new, self._is_new = self._is_new, False
        return is_new and not self._query.is_closed

    def _on_news(self, _news: object) -> None:
        self._is_new = True
        self._heard.set()
