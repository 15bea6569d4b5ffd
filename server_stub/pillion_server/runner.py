"""Running a function: find it, check its arguments, give it its context, encode what it returns."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from pillion_server.arguments import Arguments
from pillion_server.cache import Key
from pillion_server.call_record import CallRecord
from pillion_server.contexts import ActionCtx, MutationCtx, QueryCtx
from pillion_server.database import Database
from pillion_server.errors import CallError, DatabaseError
from pillion_server.functions import Function
from pillion_server.registry import Registry
from pillion_server.sessions import SessionId
from pillion_server.steps import run, run_async
from pillion_server.transaction import Reading, Writing
from pillion_server.watching import WatchedSessions
from pillion_shared import EncodingError, FunctionError, decode, encode, path_of
from pillion_shared.wire import MUTATION, QUERY, failure

_logger = logging.getLogger("pillion_server")

Body = dict[str, object]
"""An answer of pillion_shared.wire, as what JSON can hold."""


class Runner:
    """Runs the functions of one registry on one database.

    dev: callers are told what went wrong inside a function, not only the number under which the log has it.
    observers: are told of each call from outside when it has ended.
    """

    def __init__(
        self,
        registry: Registry,
        database: Database,
        *,
        dev: bool = False,
        observers: Iterable[Callable[[CallRecord], None]] = (),
    ) -> None:
        self._registry = registry
        self._database = database
        self._dev = dev
        self._told: set[Function[..., Any]] = set()
        self._observers = tuple(observers)

    async def answer(self, kind: str, path: str, args: Mapping[str, object]) -> Body:
        """The answer to a caller's call of the function at a canonical path, with decoded arguments.

        Raises `DatabaseError` when the database fails; everything else that goes wrong is an answer.
        """
        record = CallRecord(kind)
        try:
            return await self._answer(record, path, args)
        finally:
            record.end()
            for observe in self._observers:
                observe(record)

    async def _answer(self, record: CallRecord, path: str, args: Mapping[str, object]) -> Body:
        try:
            function = self._registry.find(record.kind, path)
            record.function = function.path
            arguments = Arguments(function.signature, args, self._database.digests)
        except CallError as error:
            record.outcome = "refused"
            return failure(_sendable(str(error)))
        try:
            value = await self._run(function, arguments)
            record.outcome = "success"
            return {"status": "success", "value": value}
        except FunctionError as error:
            try:
                record.outcome = "function_error"
                return failure(_sendable(error.message), error.data)
            except EncodingError as unsendable:
                return self._broken(record, unsendable)
        except DatabaseError:
            record.outcome = "database_error"
            _logger.exception("%s %s: the database failed.", record.kind, record.function, extra=record.fields())
            raise
        except Exception as error:
            return self._broken(record, error)

    async def _run(self, function: Function[..., Any], arguments: Arguments) -> object:
        """What the function returns, encoded. A mutation whose result can't be encoded is not committed."""
        if function.kind == QUERY:
            return await self._query(function, arguments)
        if function.kind == MUTATION:

            def write(transaction: Writing) -> object:
                ctx = MutationCtx({"db": transaction.db, "sessions": transaction.sessions})
                return encode(run(function, ctx, arguments.keywords(transaction.lineage)))

            return await self._database.write(write)
        return encode(await run_async(function, ActionCtx(self._run_inside), await self._keywords(arguments)))

    async def _query(self, function: Function[..., Any], arguments: Arguments) -> object:
        """What a query returns, encoded: from the cache, or from a run that is then kept there."""
        cache, digest = self._database.cache, arguments.digest
        if not arguments.hold_sessions:
            kept = cache.get(Key(function, digest), cache.mark())
            if kept is not None:
                return kept.value

        def read(snapshot: Reading) -> object:
            sessions = WatchedSessions(snapshot.lineage)
            keywords = arguments.keywords(sessions)
            key = Key(function, digest, sessions.names)
            kept = cache.get(key, snapshot.mark)
            if kept is not None:
                return kept.value
            ctx = QueryCtx({"db": snapshot.db, "sessions": snapshot.sessions})
            value = encode(run(function, ctx, keywords))
            cache.put(key, value, snapshot.reads, snapshot.mark)
            if sessions.names and not sessions.read and function not in self._told:
                self._told.add(function)
                _logger.warning(
                    "%s took a session and did not look at it: without that argument, all sessions share one answer.",
                    function.path,
                )
            return value

        return await self._database.read(read)

    async def _keywords(self, arguments: Arguments) -> Mapping[str, Any]:
        """The keywords of an action, whose sessions are those that the IDs open as it starts."""
        if not arguments.hold_sessions:
            return arguments.checked
        return await self._database.read(lambda snapshot: arguments.keywords(snapshot.lineage))

    async def _run_inside(self, kind: str, name: object, args: Mapping[str, object]) -> Any:
        """What a function returns to another one of this server; raises what it raises."""
        function = self._registry.find(kind, path_of(name), trusted=True)
        encode(dict(args))  # refuses what can't be an argument
        arguments = Arguments(function.signature, _copied(dict(args)), self._database.digests, trusted=True)
        return decode(await self._run(function, arguments))

    def _broken(self, record: CallRecord, error: Exception) -> Body:
        """The answer when a function raised what it shouldn't have: a number, and the rest in the log."""
        record.outcome = "failed"
        _logger.error(
            "[Request ID: %s] %s %s failed",
            record.request_id,
            record.kind,
            record.function,
            exc_info=error,
            extra=record.fields(),
        )
        message = f"[Request ID: {record.request_id}] Server Error"
        if self._dev:
            message += f"\nUncaught {type(error).__name__}: {error}"
        return failure(_sendable(message))


def _copied(value: object) -> Any:
    """A value as it would arrive over the wire, except that session IDs stay the digests they are."""
    if isinstance(value, SessionId):
        return value
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_copied(item) for item in cast("list[object]", value)]
    return decode(encode(value))


def _sendable(text: str) -> str:
    """The text without halves of surrogate pairs, which no answer can hold."""
    return text.encode(errors="backslashreplace").decode()
