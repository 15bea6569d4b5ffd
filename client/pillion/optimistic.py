"""Optimistic updates: what a mutation will probably show, until the server has shown it."""

from collections import OrderedDict

from pillion.comparing import call_key, copied
from pillion_shared import ABSENT, decode, path_of
from pillion_shared.server_frames import Result
from pillion_shared.wire import arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pillion.query_set import QuerySet

    Update = Callable[["LocalStore"], object]


class LocalStore:
    """The values of queries as they are shown, for an optimistic update to read and to change.

    Only values that have been subscribed to are there. What is got is a copy: change it and set it.
    """

    def __init__(self, queries: "QuerySet", overlay: "dict[str, Result]") -> None:
        self._queries = queries
        self._overlay = overlay

    def get(self, function: object, **args: object) -> object:
        """The value of a query; `ABSENT` for one that has not been answered, or has failed."""
        key = call_key(path_of(function), arguments(args))
        query = self._queries.find(key)
        return self._value(key, None if query is None else query.base)

    def all(self, function: object) -> "list[tuple[dict[str, object], object]]":
        """The arguments, by their names on the wire, and values of all queries of a function that have a value."""
        found: list[tuple[dict[str, object], object]] = []
        for query in self._queries.of(path_of(function)):
            value = self._value(query.key, query.base)
            if value is not ABSENT:
                found.append(({name: decode(each) for name, each in query.args.items()}, value))
        return found

    def set(self, function: object, value: object, **args: object) -> None:
        """Has a query show `value`."""
        self._overlay[call_key(path_of(function), arguments(args))] = Result(copied(value))

    def _value(self, key: str, base: "Result | None") -> object:
        result = self._overlay.get(key, base)
        return ABSENT if result is None or result.error is not None else copied(result.value)


class OptimisticUpdates:
    """The updates of all mutations whose effect the server has not shown, in their order.

    overlay: what they show in the place of the server's results, by `call_key`.
    """

    def __init__(self, queries: "QuerySet") -> None:
        self.overlay: dict[str, Result] = {}
        self._queries = queries
        self._updates: OrderedDict[int, Update] = OrderedDict()

    def attempt(self, update: "Update") -> "dict[str, Result]":
        """The overlay with one more update; raises what the update raises, and then nothing has changed."""
        overlay = dict(self.overlay)
        update(LocalStore(self._queries, overlay))
        return overlay

    def add(self, call_id: int, update: "Update", overlay: "dict[str, Result]") -> None:
        """Keeps an update, of which `overlay` is the attempt."""
        self._updates[call_id] = update
        self.overlay = overlay

    def drop(self, call_id: int) -> None:
        """Takes an update away, from the next `replay` on."""
        self._updates.pop(call_id, None)

    def replay(self) -> "list[tuple[int, Exception]]":
        """Runs the updates anew over what the server has said: the calls whose update has raised, and is dropped."""
        self.overlay = {}
        failed: list[tuple[int, Exception]] = []
        for call_id, update in list(self._updates.items()):
            try:
                self.overlay = self.attempt(update)
            except Exception as error:
                failed.append((call_id, error))
                self.drop(call_id)
        return failed
