"""Running a function: find it, check its arguments, give it its context, encode what it returns."""

import logging
import secrets
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import msgspec

from pillion_server.arguments import Arguments
from pillion_server.contexts import ActionCtx, MutationCtx, QueryCtx
from pillion_server.database import Database
from pillion_server.errors import CallError, DatabaseError, Refused
from pillion_server.functions import Function
from pillion_server.idempotency import Key, Once
from pillion_server.logs import Log, sendable
from pillion_server.outcome import attempt
from pillion_server.registry import Registry
from pillion_server.sessions import SessionId
from pillion_server.sqlite import SqliteError
from pillion_server.steps import run, run_async
from pillion_server.transaction import Reading, Writing
from pillion_shared import EncodingError, FunctionError, decode, encode, path_of
from pillion_shared.wire import ACTION, MUTATION, QUERY, failure

_logger = logging.getLogger("pillion_server")
_json = msgspec.json.Encoder()

Body = dict[str, object]
"""An answer of pillion_shared.wire, as what JSON can hold."""


class Runner:
    """Runs the functions of one registry on one database.

    dev: callers are told what went wrong inside a function, not only the number under which the log has it.
    """

    def __init__(self, registry: Registry, database: Database, *, dev: bool = False) -> None:
        self._registry = registry
        self._database = database
        self._dev = dev

    async def answer(self, kind: str | None, path: str, args: Mapping[str, object], key: Key | None = None) -> Body:
        """The answer to a caller's call of the function at a canonical path, with decoded arguments.

        kind: `None` runs any. key: under which a mutation runs once. Raises `DatabaseError` when the database fails,
        and `Refused` for a key that can't be; everything else that goes wrong is an answer.
        """
        try:
            function, arguments = self._find(kind, path, args)
        except CallError as error:
            return failure(sendable(str(error)))
        log = Log(path)
        try:
            if key is not None and function.kind == ACTION:
                raise Refused(400, "BadIdempotencyKey", "Idempotency-Key is for mutations: an action always runs.")
            if key is not None and function.kind == MUTATION:
                return await self._write_once(function, arguments, log, key.once(self._database.digests, path, args))
            return _success(await self._run(function, arguments, log), log)
        except Exception as error:
            return self._failed(function, error, log)

    async def now(self) -> int:
        """The timestamp of everything that has been committed so far, for `queries`; raises like `Database.now`."""
        return await self._database.now()

    async def queries(self, calls: Sequence[tuple[str, Mapping[str, object]]], ts: int | None = None) -> list[Body]:
        """The answers to calls of queries, by path and arguments, all at one snapshot: the newest, or that of `ts`.

        A session is looked up as it is now, also at an earlier time: one that has ended opens nothing any more.
        Raises `DatabaseError`, and `Refused` for a time that is not kept.
        """
        found: list[Callable[[Reading], Body]] = []
        for path, args in calls:
            try:
                function, arguments = self._find(QUERY, path, args)
            except CallError as error:
                refused = failure(sendable(str(error)))
                found.append(lambda _, refused=refused: refused)  # type: ignore[misc]
            else:
                keywords = None if ts is None else await self._keywords(arguments)
                found.append(partial(self._query, function, arguments, keywords))

        def read(snapshot: Reading) -> list[Body]:
            return [answer(snapshot) for answer in found]

        return await (self._database.read(read) if ts is None else self._database.read_at(ts, read))

    def _find(self, kind: str | None, path: str, args: Mapping[str, object]) -> tuple[Function[..., Any], Arguments]:
        """The function and its arguments; raises `CallError`."""
        function = self._registry.find(kind, path)
        return function, Arguments(function.signature, args, self._database.digests)

    def _query(
        self, function: Function[..., Any], arguments: Arguments, keywords: Mapping[str, Any] | None, snapshot: Reading
    ) -> Body:
        """The answer of one query among several; `keywords` are looked up in the snapshot if they are `None`."""
        log = Log(function.path)
        outcome = attempt(
            lambda: _read(
                function, log, snapshot, arguments.keywords(snapshot.lineage) if keywords is None else keywords
            )
        )
        if isinstance(outcome.error, SqliteError):
            raise outcome.error
        return _success(outcome.value, log) if outcome.error is None else self._failed(function, outcome.error, log)

    async def _write_once(self, function: Function[..., Any], arguments: Arguments, log: Log, once: Once) -> Body:
        """The answer of a mutation, recorded with what it has written."""

        def write(transaction: Writing) -> str:
            return _json.encode(_success(_write(function, arguments, log, transaction), log)).decode()

        return cast("Body", msgspec.json.decode(await self._database.write_once(once, write)))

    async def _run(self, function: Function[..., Any], arguments: Arguments, log: Log) -> object:
        """What the function returns, encoded. A mutation whose result can't be encoded is not committed."""
        if function.kind == QUERY:

            def read(snapshot: Reading) -> object:
                return _read(function, log, snapshot, arguments.keywords(snapshot.lineage))

            return await self._database.read(read)
        if function.kind == MUTATION:
            return await self._database.write(lambda transaction: _write(function, arguments, log, transaction))
        ctx = ActionCtx(partial(self._run_inside, log), log)
        return encode(await run_async(function, ctx, await self._keywords(arguments)))

    async def _keywords(self, arguments: Arguments) -> Mapping[str, Any]:
        """The keywords of an action, whose sessions are those that the IDs open as it starts."""
        if not arguments.hold_sessions:
            return arguments.checked
        return await self._database.read(lambda snapshot: arguments.keywords(snapshot.lineage))

    async def _run_inside(self, log: Log, kind: str, name: object, args: Mapping[str, object]) -> Any:
        """What a function returns to another one of this server; raises what it raises."""
        function = self._registry.find(kind, path_of(name), trusted=True)
        encode(dict(args))  # refuses what can't be an argument
        arguments = Arguments(function.signature, _copied(dict(args)), self._database.digests, trusted=True)
        inner = Log(function.path)
        try:
            return decode(await self._run(function, arguments, inner))
        finally:
            log.add(inner)

    def _failed(self, function: Function[..., Any], error: Exception, log: Log) -> Body:
        """The answer when a function raised; raises what is not the function's, but the database's or the caller's."""
        if isinstance(error, Refused):
            raise error
        if isinstance(error, DatabaseError):
            _logger.error("%s %s: the database failed.", function.kind, function.path, exc_info=error)
            raise error
        if isinstance(error, FunctionError):
            try:
                return failure(sendable(str(error.message)), error.data, log.lines)
            except EncodingError as unsendable:
                error = unsendable
        return self._broken(function, error, log)

    def _broken(self, function: Function[..., Any], error: Exception, log: Log) -> Body:
        """The answer when a function raised what it shouldn't have: a number, and the rest in the log."""
        number = secrets.token_hex(8)
        _logger.error("[Request ID: %s] %s %s failed", number, function.kind, function.path, exc_info=error)
        message = f"[Request ID: {number}] Server Error"
        if self._dev:
            whole = traceback.TracebackException.from_exception(error)
            message += f"\nUncaught {''.join(whole.format_exception_only())}{''.join(whole.format())}".rstrip()
        return failure(sendable(message), log_lines=log.lines)


def _read(function: Function[..., Any], log: Log, snapshot: Reading, keywords: Mapping[str, Any]) -> object:
    """What a query returns, encoded."""
    log.clear()
    ctx = QueryCtx({"db": snapshot.db, "sessions": snapshot.sessions, "_log": log})
    return encode(run(function, ctx, keywords))


def _write(function: Function[..., Any], arguments: Arguments, log: Log, transaction: Writing) -> object:
    """What a mutation returns, encoded."""
    log.clear()
    ctx = MutationCtx({"db": transaction.db, "sessions": transaction.sessions, "_log": log})
    return encode(run(function, ctx, arguments.keywords(transaction.lineage)))


def _success(encoded: object, log: Log) -> Body:
    body: Body = {"status": "success", "value": encoded}
    return {**body, "logLines": log.lines} if log.lines else body


def _copied(value: object) -> Any:
    """A value as it would arrive over the wire, except that session IDs stay the digests they are."""
    if isinstance(value, SessionId):
        return value
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_copied(item) for item in cast("list[object]", value)]
    return decode(encode(value))
