"""The live queries of a session, under whichever ID it has; and what its optimistic updates see of them."""

import asyncio

from pillion._aio import spawn
from pillion.record import EXPIRED, LOGIN, LOGOUT, REFRESHED
from pillion_shared.wire import SESSION_ARG, SESSION_PARAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pillion.changes import Change
    from pillion.client import Call
    from pillion.live import Live
    from pillion.optimistic import LocalStore
    from pillion.paginating import PaginatedQuery
    from pillion.subscribing import LiveQuery
    from pillion_shared import SessionId

RETRY_SECONDS = 5.0
"""How long after a failure an ID is waited for again."""


class SessionQueries:
    """Those of one session. present: the ID in force, once there is one.

    breaks: how many IDs have come into force that have nothing to do with the one before.
    """

    def __init__(self, live: "Live", present: "Callable[[], SessionId]") -> None:
        self._live = live
        self._present = present
        self._calls: dict[LiveQuery, Call] = {}
        self._paginated: list[PaginatedQuery] = []
        self._mutated: set[str] = set()
        self.breaks = 0

    def add(self, query: "LiveQuery", call: "Call", ready: "Callable[[], Awaitable[None]]") -> None:
        """Has a query shown as soon as the session is `ready`; until then it tells why it is not."""
        self._calls[query] = call
        query.at_end(lambda: self._forget(query))
        spawn(self._begin(query, lambda: self._live.show(query, call.path, self.args(call)), ready))

    def add_pages(self, query: "PaginatedQuery", ready: "Callable[[], Awaitable[None]]") -> None:
        """The same with a paginated query."""
        self._paginated.append(query)
        query.at_end(lambda: self._paginated.remove(query))
        spawn(self._begin(query.head, query.begin, ready))

    def follow(self, change: "Change | None") -> None:
        """Another ID is in force, or the session is closed."""
        if change is None:
            for query in list(self._calls) + list(self._paginated):
                query.close()
        else:
            keeps = change.reason in (REFRESHED, LOGIN)
            self.breaks += 0 if keeps else 1
            self._live.move([(query, call.path, self.args(call)) for query, call in self._calls.items()], keeps)
            for paginated in list(self._paginated):
                paginated.restart(keeps)
            if change.reason in (LOGOUT, EXPIRED):
                self._live.end_session(self._mutated)
                self._mutated = set()

    def args(self, call: "Call") -> "dict[str, object]":
        """Those of a call as they are sent now, with the ID in force."""
        args = dict(call.args)
        args.setdefault(SESSION_ARG, self._present())
        return args

    def mutate(self, session_id: "SessionId") -> None:
        """Mutations are made under this ID, which an outbox may keep until the session ends."""
        self._mutated.add(session_id)

    def optimistic(self, update: "Callable[[SessionStore], object]") -> "Callable[[LocalStore], object]":
        """An update of this session, whichever ID it has when it runs; it does nothing for a session after it."""
        breaks = self.breaks

        def run(store: "LocalStore") -> None:
            if self.breaks == breaks:
                update(SessionStore(store, self._present()))

        return run

    async def _begin(
        self, query: "LiveQuery", show: "Callable[[], None]", ready: "Callable[[], Awaitable[None]]"
    ) -> None:
        while not query.is_closed:
            try:
                await ready()
                if not query.is_closed:
                    show()
                return
            except Exception as error:
                if not query.is_closed:
                    query.show(None, error)
                    query.tell()
            await asyncio.sleep(RETRY_SECONDS)

    def _forget(self, query: "LiveQuery") -> None:
        self._calls.pop(query, None)


class SessionStore:
    """What an optimistic update of a session's sees: the values of its own live queries, to read and to change.

    public: those of queries without a session, such as `Client.subscribe` makes.
    """

    def __init__(self, store: "LocalStore", session_id: "SessionId") -> None:
        self.public = store
        self._session_id = session_id

    def get(self, function: object, **args: object) -> object:
        """The value of a query, to be changed and set; `ABSENT` for one that has not been answered, or has failed."""
        return self.public.get(function, **self._own(args))

    def all(self, function: object) -> "list[tuple[dict[str, object], object]]":
        """The arguments, by their names on the wire, and values of all queries of a function that have a value."""
        found: list[tuple[dict[str, object], object]] = []
        for args, value in self.public.all(function):
            if args.pop(SESSION_ARG, None) == self._session_id:
                found.append((args, value))
        return found

    def set(self, function: object, value: object, **args: object) -> None:
        """Has a query show `value`."""
        self.public.set(function, value, **self._own(args))

    def _own(self, args: "dict[str, object]") -> "dict[str, object]":
        if SESSION_ARG not in args and SESSION_PARAM not in args:
            args[SESSION_ARG] = self._session_id
        return args
