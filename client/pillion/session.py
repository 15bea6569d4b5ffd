"""The session: one ID, and the calls that carry it."""

from pillion._aio import apart
from pillion.client import Call
from pillion.credentials import READY_SECONDS, Credentials
from pillion.destinations import Destinations
from pillion.paginating import PaginatedQuery
from pillion.readiness import Readiness
from pillion.record import LOGIN, LOGOUT, REFRESHED
from pillion.session_queries import SessionQueries, SessionStore
from pillion.storage import StorageReport
from pillion.subscribing import LiveQuery, Watch
from pillion.ways import WaysOut
from pillion_shared import SessionId, show, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pillion.borrowing import BorrowedIdentity
    from pillion.changes import Change
    from pillion.client import Client
    from pillion.identity import Identity
    from pillion.refreshing import Refreshes
    from pillion_shared import Reference

REFRESH_SECONDS = 45.0
"""How long the callback of a refresh may take."""

LOGOUT_SECONDS = 10.0
"""How long the callback of a log-out may take."""


class _Skipped:
    """The type of `SKIPPED`."""

    def __repr__(self) -> str:
        return "SKIPPED"

    def __bool__(self) -> bool:
        return False


SKIPPED = _Skipped()
"""What a query returns instead of a value while an `ssr_friendly` session has no ID."""


class Session(WaysOut):
    """One ID and the calls that carry it. `SessionProvider` makes it, `use_session()` finds it.

    key: the storage key, by which several sessions on a page are told apart, together with their scope.
    client: what makes the calls; itself it attaches nothing. destinations: who may be given the ID.
    """

    def __init__(
        self,
        client: "Client",
        key: str,
        identity: "Identity | BorrowedIdentity",
        ssr_friendly: bool = False,
        destinations: "Destinations | None" = None,
    ) -> None:
        self.client = client
        self.key = key
        self._identity = identity
        self._ssr_friendly = ssr_friendly
        settle = identity.settle if identity.has_storage else None
        self._readiness = Readiness(settle, identity.is_sure, identity.make_sure)
        self._followers: list[Callable[[Change | None], object]] = []
        self._queries: SessionQueries | None = None
        self.credentials = Credentials(
            identity, self._readiness, destinations or Destinations(getattr(client, "url", ""))
        )

    @property
    def id(self) -> "SessionId | None":
        """The ID in force now; `None` until it is settled. It is a secret: `pillion.show(session.id)` for logs."""
        return self._identity.id

    @property
    def state(self) -> str:
        """`"unknown"` (storage not read yet), `"absent"` (nothing in it) or `"present"` (settled)."""
        return self._identity.state

    @property
    def scope(self) -> str:
        """What has one ID: a `"tab"`, a `"browser"`, or a `"page"` load, which may have lent it to this worker."""
        return self._identity.scope

    @property
    def storage(self) -> StorageReport:
        """Where the ID is really kept, whether that survives a reload, and why it is not where it should be."""
        return self._identity.report

    @property
    def origin(self) -> str:
        """Where the ID came from: `"new"`, `"restored"`, or `"duplicate"` of another tab; `""` until it is settled."""
        return self._identity.origin

    @property
    def parent(self) -> "SessionId | None":
        """The ID of the tab that this one is a duplicate of, so that an app can copy what it wants; else `None`."""
        return self._identity.parent

    def start(self) -> None:
        """Begins to settle the ID; calls and `ready()` do it too. Raises `RuntimeError` where no loop runs."""
        self._readiness.start()

    async def ready(self, timeout: float = READY_SECONDS) -> SessionId:
        """The ID as soon as it is settled.

        Raises `NotReadyError` after `timeout` seconds, `InvalidIdError` and `RandomnessError` when none can be made.
        """
        await apart(self._readiness.settled(timeout))
        return self.credentials.present()

    async def refresh(
        self,
        before: "Callable[[SessionId], object] | None" = None,
        timeout: float = REFRESH_SECONDS,
        hold_calls: bool = True,
    ) -> SessionId:
        """A new ID in place of the present one; returns it once it is kept.

        `before(new)`, plain or async, runs while the old ID is still in force, so calls in it go out under the old
        one: there the server moves what should come along. Other calls of the session wait meanwhile, and go out
        under the new one; with `hold_calls=False` they don't wait, and go out under the old one. If `before`
        raises, or takes more than `timeout` seconds (`RefreshError`), the old ID stays in force. One refresh at a
        time, in all tabs that share the session: a second caller gets the result of the first, and its own `before`
        is not run. (On MicroPython calls that `before` starts as tasks of their own count as others: await them.)
        """
        return await self._refresh(before, timeout, REFRESHED, hold_calls)

    async def login(self, before: "Callable[[SessionId], object]", timeout: float = REFRESH_SECONDS) -> SessionId:
        """`refresh` for logging in: `before(new)` has the server log `new` in, and move what should come along.

        It never takes the result of another refresh for its own, only of a log-in that is under way.
        """
        return await self._refresh(before, timeout, LOGIN, True)

    async def logout(self, before: "Callable[[], object] | None" = None, timeout: float = LOGOUT_SECONDS) -> SessionId:
        """A new ID that nothing links to the old one; returns it once it is kept.

        `before()`, plain or async, runs under the old ID: there the server ends the session. Whether it succeeds or
        not, or takes more than `timeout` seconds, the new ID comes into force, and only then is its error raised.
        Calls that wait meanwhile belong to the session that ends: they get `NotReadyError`.
        """
        if before is not None and not callable(before):
            raise TypeError("logout() takes a function of nothing: logout(lambda: session.mutation(...)).")

        def tell(_new: SessionId) -> object:
            return before() if before is not None else None

        return await self._refresh(tell, timeout, LOGOUT, True)

    async def refresh_for(
        self, reason: str, before: "Callable[[SessionId], object] | None", timeout: float, hold_calls: bool
    ) -> SessionId:
        """`refresh`, `login` or `logout` by its reason; for `lending`."""
        return await self._refresh(before, timeout, reason, hold_calls)

    @property
    def refreshes(self) -> "Refreshes":
        """Those of this page; for `lending`."""
        return self._identity.refreshes

    def on_change(self, callback: "Callable[[Change], object]") -> "Callable[[], None]":
        """Calls back, plain or async, when another ID is in force. Returns the function that ends it."""
        return self._identity.changed.add(callback)

    def subscribe(
        self,
        function: "Reference | str",
        on_value: "Callable[[Any], object] | None" = None,
        args: "dict[str, object] | None" = None,
        *,
        on_error: "Callable[[Exception], object] | None" = None,
        **fields: object,
    ) -> LiveQuery:
        """A query of this session that is kept up to date, until it is closed: its value now is `.value`.

        on_value: called with each new value, plain or async. on_error: with what the query, or the wait for the ID,
        fails with; without one that is a warning.

        After a refresh or a log-in it shows what it did until there is the value under the new ID; after any other
        change of the ID, such as a log-out, it is `PENDING` at once, and `on_value` is called with that. Before the
        first ID is there, an `ssr_friendly` session's is `SKIPPED`. Raises `TransportError` where there are no
        WebSockets.
        """
        call = Call(wire.QUERY, function, args, fields)
        query = LiveQuery(call.path, on_value, on_error)
        if self._ssr_friendly and not self._readiness.ready:
            query.value = SKIPPED
            if not self._identity.has_storage:
                return query
        self.client.live.check()
        inside = self.refreshes.contains_caller()
        self._own_queries().add(query, call, lambda: self._readiness.wait(READY_SECONDS, inside))
        return query

    def watch(self, function: "Reference | str", args: "dict[str, object] | None" = None, **fields: object) -> Watch:
        """The values of a query of this session, one after another: `async for value in session.watch(...)`."""
        return Watch(lambda value, error: self.subscribe(function, value, args, on_error=error, **fields))

    def paginate(
        self,
        function: "Reference | str",
        on_change: "Callable[[PaginatedQuery], object] | None" = None,
        args: "dict[str, object] | None" = None,
        *,
        first: int = 20,
        **fields: object,
    ) -> PaginatedQuery:
        """A query of this session with `pagination_opts`, as `Client.paginate` has them.

        After a refresh or a log-in it shows what it did until as much is there under the new ID; after any other
        change of the ID, such as a log-out, there are no items at once. Before there is an ID, it is loading.
        """
        queries, call = self._own_queries(), Call(wire.QUERY, function, args, fields)
        query = PaginatedQuery(self.client.live, call, lambda: queries.args(call), first, on_change)
        if self._ssr_friendly and not self._identity.has_storage:
            return query
        self.client.live.check()
        inside = self.refreshes.contains_caller()
        queries.add_pages(query, lambda: self._readiness.wait(READY_SECONDS, inside))
        return query

    async def query(
        self,
        function: "Reference | str",
        args: "dict[str, object] | None" = None,
        *,
        timeout: "float | None" = None,
        **fields: object,
    ) -> "Any":
        """What a query returns to this session; `SKIPPED` while an `ssr_friendly` session has no ID yet.

        Arguments are keywords; `args` is for names that Python can't spell, or has here. timeout: seconds that it may
        take in all. Raises as `Client.query` does, and `NotReadyError`.
        """
        call = Call(wire.QUERY, function, args, fields, timeout)
        if self._ssr_friendly and not self._readiness.ready:
            self._readiness.start()
            return SKIPPED
        return await apart(call.in_time(self._send(call, self.refreshes.contains_caller())))

    async def mutation(
        self,
        function: "Reference | str",
        args: "dict[str, object] | None" = None,
        *,
        optimistic: "Callable[[SessionStore], object] | None" = None,
        timeout: "float | None" = None,
        **fields: object,
    ) -> "Any":
        """What a mutation returns to this session.

        Before the ID is there, and while it is refreshed, it waits; mutations are sent in the order of their calls,
        under the ID that is in force then. optimistic, timeout: as for `Client.mutation`; the update sees the queries
        of this session as a `SessionStore`, and is run no more after a log-out.
        """
        update = None if optimistic is None else self._own_queries().optimistic(optimistic)
        call = Call(wire.MUTATION, function, args, fields, timeout, update)
        return await apart(call.in_time(self._send(call, self.refreshes.contains_caller())))

    async def action(
        self,
        function: "Reference | str",
        args: "dict[str, object] | None" = None,
        *,
        timeout: "float | None" = None,
        **fields: object,
    ) -> "Any":
        """What an action returns to this session. It waits as mutations do; actions are sent in their own order."""
        call = Call(wire.ACTION, function, args, fields, timeout)
        return await apart(call.in_time(self._send(call, self.refreshes.contains_caller())))

    def dispose(self) -> None:
        """Ends the session on this page: its locks, channels and listeners go, waiting calls get `NotReadyError`.

        The stored ID stays.
        """
        self._readiness.close()
        self._identity.close()
        for told in list(self._followers):
            told(None)
        self._followers.clear()

    def follow(self, callback: "Callable[[Change | None], object]") -> "Callable[[], None]":
        """`on_change`, which also calls back with `None` when the session is closed; not async."""
        self._followers.append(callback)
        end = self.on_change(callback)

        def stop() -> None:
            if callback in self._followers:
                self._followers.remove(callback)
            end()

        return stop

    def _own_queries(self) -> SessionQueries:
        if self._queries is None:
            self._queries = SessionQueries(self.client.live, self.credentials.present)
            self.follow(self._queries.follow)
        return self._queries

    async def _refresh(
        self, before: "Callable[[SessionId], object] | None", timeout: float, reason: str, hold_calls: bool
    ) -> SessionId:
        if before is not None and not callable(before):
            name = "login" if reason == LOGIN else "refresh"
            raise TypeError(f"{name}() takes a function of the new ID: {name}(lambda new: session.mutation(...)).")
        self.refreshes.refuse_inside()
        return await apart(self._settled_refresh(before, timeout, reason, hold_calls))

    async def _settled_refresh(
        self, before: "Callable[[SessionId], object] | None", timeout: float, reason: str, hold_calls: bool
    ) -> SessionId:
        await self._readiness.settled(READY_SECONDS)
        self._note_id()
        return await self._identity.refresh(before, timeout, reason, hold_calls)

    def _note_id(self) -> None:
        """Has the end of this ID be the end of what an outbox keeps of it."""
        if getattr(self.client, "outbox", None) is not None:
            self._own_queries().mutate(self.credentials.present())

    async def _send(self, call: Call, inside: bool) -> "Any":
        """inside: whether the caller is part of the refresh that other calls wait for."""
        refreshes = self.refreshes
        severed = refreshes.severed
        wait = self._readiness.wait if call.kind == wire.QUERY else self._readiness.wait_in_turn
        await wait(READY_SECONDS, inside)
        refreshes.check(severed)

        async def attach(args: "dict[str, object]") -> None:
            await self._identity.look_again()  # a mutation may have stood in its client's line for long
            self._readiness.check()
            refreshes.check(severed)
            if wire.SESSION_ARG not in args:
                args[wire.SESSION_ARG] = self.credentials.present()
            if call.kind == wire.MUTATION:
                self._note_id()

        return await self.client.call(call, attach)

    def __repr__(self) -> str:
        return f"<Session {self.key!r} {self.state} {show(self.id)}>"
