"""The queries that a page is subscribed to, and what the server has been told of them."""

from collections import OrderedDict

from pillion.comparing import call_key
from pillion_shared import frames
from pillion_shared.errors import FrameError
from pillion_shared.server_frames import QueryResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pillion_shared.server_frames import Modification, Result


class Query:
    """A function with its arguments, as the server is asked for it: equal subscriptions share one.

    answer: what the server has said on this connection. base: what it has said of the moment that is shown.
    shown: the same with optimistic updates. until: when it is dropped, `None` while there are subscriptions.
    """

    def __init__(self, query_id: int, key: str, path: str, args: "dict[str, object]") -> None:
        self.id = query_id
        self.key = key
        self.path = path
        self.args = args
        self.journal: str | None = None
        self.answer: Result | None = None
        self.base: Result | None = None
        self.shown: Result | None = None
        self.subscriptions: list[Subscription] = []
        self.until: float | None = None


class Subscription:
    """One who wants to see a query. query: `None` once it is closed."""

    def __init__(self, query: Query) -> None:
        self.query: Query | None = query
        self._last: Result | None = None

    @property
    def result(self) -> "Result | None":
        """What is shown now: after a move, what was shown last until the new query's result is there."""
        shown = self.query.shown if self.query is not None else None
        return self._last if shown is None else shown

    @property
    def is_stale(self) -> bool:
        """Whether what is shown belongs to a query from before a move."""
        return self._last is not None and self.query is not None and self.query.shown is None

    def follow(self, query: "Query | None", last: "Result | None") -> None:
        """It shows `query` from now on, and `last` until there is something to show."""
        self.query = query
        self._last = last


class QuerySet:
    """All queries of one client. version: the one that the server has been asked for on this connection.

    grace: how many seconds a query is kept after its last subscription.
    """

    def __init__(self, grace: float) -> None:
        self.version = 0
        self._grace = grace
        self._number = 0
        self._by_key: dict[str, Query] = {}
        self._by_id: OrderedDict[int, Query] = OrderedDict()
        self._added: list[Query] = []
        self._removed: list[int] = []
        self._unanswered: dict[int, int] = {}
        self._news: list[Query] = []
        self._leaving: list[Query] = []
        self._is_due = True

    def is_empty(self) -> bool:
        """Whether there are none, not even such as are without a subscription for a while."""
        return not self._by_id

    def find(self, key: str) -> "Query | None":
        """The query of a `call_key`."""
        return self._by_key.get(key)

    def of(self, path: str) -> "list[Query]":
        """The queries of one function, oldest first."""
        return [query for query in self._by_id.values() if query.path == path]

    def subscribe(self, path: str, args: "dict[str, object]") -> Subscription:
        """A subscription to `path` (canonical) with `args`, which are encoded."""
        query = self._query(path, args)
        subscription = Subscription(query)
        query.subscriptions.append(subscription)
        return subscription

    def move(self, subscription: Subscription, path: str, args: "dict[str, object]", keeps: bool) -> None:
        """Has it show another query, and what it shows now until that is answered, if it `keeps` it.

        The query before is dropped at once with its last subscription.
        """
        before, shown = subscription.query, subscription.result
        query = self._query(path, args)
        if before is None or before is query:
            return
        query.subscriptions.append(subscription)
        subscription.follow(query, shown if keeps else None)
        before.subscriptions.remove(subscription)
        if not before.subscriptions:
            self._drop(before)

    def close(self, subscription: Subscription, now: float) -> None:
        """Ends it; the query is dropped a grace period after the last one."""
        query, shown = subscription.query, subscription.result
        if query is None:
            return
        subscription.follow(None, shown)
        query.subscriptions.remove(subscription)
        if not query.subscriptions:
            query.until = now + self._grace
            self._leaving.append(query)

    def expire(self, now: float) -> None:
        """Drops the queries that have been without a subscription for the grace period."""
        for query in [each for each in self._leaving if each.until is not None and each.until <= now]:
            self._drop(query)

    def next_expiry(self) -> "float | None":
        """When `expire` is due next."""
        times = [query.until for query in self._leaving if query.until is not None]
        return min(times) if times else None

    def restart(self) -> None:
        """A new connection: the server knows nothing."""
        self.version = 0
        self._added = list(self._by_id.values())
        self._removed = []
        self._unanswered = {}
        self._news = []
        self._is_due = True
        for query in self._added:
            query.answer = None

    def touch(self) -> None:
        """Has the next version be asked for even if nothing has changed: the server answers it."""
        self._is_due = True

    def modify(self) -> "str | None":
        """The frame that tells the server what has changed; `None` if nothing has."""
        if not self._added and not self._removed and not self._is_due:
            return None
        modifications = [frames.remove(query_id) for query_id in self._removed]
        modifications += [frames.add(each.id, each.path, each.args, each.journal) for each in self._added]
        text = frames.modify_query_set(self.version, modifications)
        self.version += 1
        for query in self._added:
            self._unanswered[query.id] = self.version
        self._added, self._removed, self._is_due = [], [], False
        return text

    def answer(self, modifications: "list[Modification]", version: int) -> "list[Query]":
        """Takes what the server has said by `version`: the queries that have new results.

        Raises `FrameError`, before anything is taken, if that version leaves a query without its first result.
        """
        given = {each.query_id: each for each in modifications if isinstance(each, QueryResult)}
        for query_id, since in self._unanswered.items():
            if since <= version and query_id not in given:
                raise FrameError("The server has left a query without a result.")
        found: list[Query] = []
        for query_id, each in given.items():
            query = self._by_id.get(query_id)
            if query is not None:
                self._unanswered.pop(query_id, None)
                query.answer = each.result
                query.journal = each.journal
                found.append(query)
        self._news += found
        return found

    def is_complete(self) -> bool:
        """Whether this connection has a result for all that was shown before it."""
        return all(self._by_id[query_id].base is None for query_id in self._unanswered) and not any(
            query.base is not None for query in self._added
        )

    def show(self) -> "list[Query]":
        """Takes the server's results as the moment that is shown; the queries for which that is news."""
        news, self._news = self._news, []
        for query in news:
            query.base = query.answer
        return news

    def _query(self, path: str, args: "dict[str, object]") -> Query:
        key = call_key(path, args)
        query = self._by_key.get(key)
        if query is None:
            query = Query(self._number, key, path, args)
            self._number += 1
            self._by_key[key] = query
            self._by_id[query.id] = query
            self._added.append(query)
        if query.until is not None:
            query.until = None
            self._leaving.remove(query)
        return query

    def _drop(self, query: Query) -> None:
        del self._by_key[query.key]
        del self._by_id[query.id]
        self._unanswered.pop(query.id, None)
        if query.until is not None:
            self._leaving.remove(query)
        if query in self._added:
            self._added.remove(query)
        else:
            self._removed.append(query.id)
