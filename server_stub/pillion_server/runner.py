"""Answering a call: find its function, check its arguments, run it, and say what came of it, to all concerned."""

import logging
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import msgspec

from pillion_server import execution
from pillion_server.arguments import Arguments
from pillion_server.call_record import CallRecord
from pillion_server.database import Database
from pillion_server.errors import CallError, DatabaseError, Refused
from pillion_server.execution import Execution
from pillion_server.functions import Function
from pillion_server.idempotency import Key, RequestKey
from pillion_server.identity import Auth, Identity
from pillion_server.log_lines import Log, sendable
from pillion_server.outcome import attempt
from pillion_server.registry import Registry
from pillion_server.sqlite import SqliteError
from pillion_server.transaction import Reading, Writing
from pillion_shared import EncodingError, FunctionError
from pillion_shared.versions import write_timestamp
from pillion_shared.wire import ACTION, MUTATION, QUERY, failure

ANY = "run"
"""The kind of a call that takes a function of any, until it is found."""

_logger = logging.getLogger("pillion_server")
_json = msgspec.json.Encoder()

Body = dict[str, object]
"""An answer of pillion_shared.wire, as what JSON can hold; the value of a success is JSON text, a `msgspec.Raw`."""


class Runner:
    """Runs the functions of one registry on one database.

    dev: callers are told what went wrong inside a function, not only the number under which the log has it.
    doors: in strict mode, the paths of the functions that take any ID.
    observers: are told of each call when it has ended, from outside or of an action's.
    """

    def __init__(
        self,
        registry: Registry,
        database: Database,
        *,
        dev: bool = False,
        doors: Collection[str] | None = None,
        observers: Iterable[Callable[[CallRecord], None]] = (),
    ) -> None:
        self._registry = registry
        self._database = database
        self._execution = Execution(registry, database, doors, self._observe)
        self._dev = dev
        self._observers = tuple(observers)

    async def answer(
        self,
        kind: str | None,
        path: str,
        args: Mapping[str, object],
        key: Key | RequestKey | None = None,
        identity: Identity | None = None,
    ) -> Body:
        """The answer to a caller's call of the function at a canonical path, with decoded arguments.

        kind: `None` runs any. key: under which a mutation runs once; under a `RequestKey` its success has also the `ts`
        of the commit. identity: who calls. Raises `DatabaseError` when the database fails, and `Refused` for a key that
        can't be; everything else that goes wrong is an answer.
        """
        record = CallRecord(kind or ANY)
        with _Observed([record], self._observe):
            try:
                function, arguments = self._find(record, kind, path, args)
                log, auth = Log(function.path), Auth(identity)
                kept = self._execution.kept(function, arguments, log, auth)
                if kept is not None:
                    record.outcome, record.source = "success", "cache"
                    return _success(kept, log)
                arguments.check()
            except CallError as error:
                return _refused(record, error)
            try:
                if key is not None and function.kind == ACTION:
                    raise Refused(400, "BadIdempotencyKey", "Idempotency-Key is for mutations: an action always runs.")
                if key is not None and function.kind == MUTATION:
                    once = key.once(self._database.digests, path, args)
                    ran = list[str]()

                    def write(transaction: Writing) -> str:
                        ran.append(function.path)
                        body = _success(execution.mutation(function, arguments, log, auth, transaction), log)
                        dated = {"ts": write_timestamp(transaction.ts())} if isinstance(key, RequestKey) else {}
                        return _json.encode({**body, **dated}).decode()

                    answer = cast("Body", msgspec.json.decode(await self._database.write_once(once, write)))
                    record.source = "run" if ran else "replay"
                else:
                    answer = _success(await self._execution.run(function, arguments, log, auth), log)
                    record.source = "cache" if log.kept else "run"
            except Exception as error:
                return self._failed(record, error, log)
            record.outcome = "success"
            return answer

    def query(self, path: str, args: Mapping[str, object], auth: Auth, snapshot: Reading) -> Body:
        """The answer to a call of a query in a snapshot; raises `SqliteError`.

        auth: who calls; it tells afterwards whether the query asked. The observers are told of the call on the thread
        that reads the snapshot.
        """
        record = CallRecord(QUERY)
        with _Observed([record], self._observe):
            try:
                function, arguments = self._find(record, QUERY, path, args)
                arguments.check()
            except CallError as error:
                return _refused(record, error)
            log = Log(function.path)
            return self._attempt(record, log, partial(self._execution.query, function, arguments, log, auth), snapshot)

    async def now(self) -> int:
        """The timestamp of everything that has been committed so far, for `queries`; raises like `Database.now`."""
        return await self._database.now()

    async def queries(
        self,
        calls: Sequence[tuple[str, Mapping[str, object]]],
        ts: int | None = None,
        identity: Identity | None = None,
    ) -> list[Body]:
        """The answers to calls of queries, by path and arguments, all at one snapshot: the newest, or that of `ts`.

        A session is looked up as it is now, also at an earlier time: one that has ended opens nothing any more.
        Raises `DatabaseError`, and `Refused` for a time that is not kept.
        """
        records = [CallRecord(QUERY) for _ in calls]
        with _Observed(records, self._observe):
            try:
                found = [
                    await self._found(record, path, args, ts, Auth(identity))
                    for record, (path, args) in zip(records, calls, strict=True)
                ]

                def read(snapshot: Reading) -> list[Body]:
                    return [answer(snapshot) for answer in found]

                return await (self._database.read(read) if ts is None else self._database.read_at(ts, read))
            except (DatabaseError, Refused) as error:
                for record in records:
                    record.outcome = "refused" if isinstance(error, Refused) else "database_error"
                raise

    async def _found(
        self, record: CallRecord, path: str, args: Mapping[str, object], ts: int | None, auth: Auth
    ) -> Callable[[Reading], Body]:
        """What answers one of several calls in their snapshot; at an earlier time that is without the cache."""
        try:
            function, arguments = self._find(record, QUERY, path, args)
            arguments.check()
        except CallError as error:
            refused = _refused(record, error)
            return lambda _: refused
        log = Log(function.path)
        if ts is None:
            return partial(self._attempt, record, log, partial(self._execution.query, function, arguments, log, auth))
        try:
            keywords = await self._execution.keywords(arguments)
        except FunctionError as error:
            failed = self._failed(record, error, log)
            return lambda _: failed
        return partial(self._attempt, record, log, partial(execution.query, function, keywords, log, auth))

    def _attempt(self, record: CallRecord, log: Log, work: Callable[[Reading], object], snapshot: Reading) -> Body:
        outcome = attempt(lambda: work(snapshot))
        if isinstance(outcome.error, SqliteError):
            raise outcome.error
        if outcome.error is not None:
            return self._failed(record, outcome.error, log)
        record.outcome = "success"
        record.source = "cache" if log.kept else "run"
        return _success(outcome.value, log)

    def _find(
        self, record: CallRecord, kind: str | None, path: str, args: Mapping[str, object]
    ) -> tuple[Function[..., Any], Arguments]:
        """The function and its arguments, unchecked; raises `CallError`."""
        function = self._registry.find(kind, path)
        record.kind, record.function = function.kind, function.path
        return function, self._execution.arguments(function, args)

    def _observe(self, record: CallRecord) -> None:
        for observe in self._observers:
            observe(record)

    def _failed(self, record: CallRecord, error: Exception, log: Log) -> Body:
        """The answer when a function raised; raises what is not the function's, but the database's or the caller's."""
        if isinstance(error, Refused):
            record.outcome = "refused"
            raise error
        if isinstance(error, DatabaseError):
            record.outcome = "database_error"
            message = "%s %s: the database failed."
            _logger.error(message, record.kind, record.function, exc_info=error, extra=record.fields())
            raise error
        if isinstance(error, FunctionError):
            try:
                answer = failure(sendable(str(error.message)), error.data, log.lines)
            except EncodingError as unsendable:
                error = unsendable
            else:
                record.outcome = "function_error"
                return answer
        return self._broken(record, error, log)

    def _broken(self, record: CallRecord, error: Exception, log: Log) -> Body:
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
            whole = traceback.TracebackException.from_exception(error)
            message += f"\nUncaught {''.join(whole.format_exception_only())}{''.join(whole.format())}".rstrip()
        return failure(sendable(message), log_lines=log.lines)


class _Observed:
    """Calls that last as long as the block, of which the observers are told then."""

    def __init__(self, records: Sequence[CallRecord], observe: Callable[[CallRecord], None]) -> None:
        self._records, self._observe = records, observe

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        for record in self._records:
            record.end()
            self._observe(record)


def _refused(record: CallRecord, error: CallError) -> Body:
    record.outcome = "refused"
    return failure(sendable(str(error)))


def _success(value: object, log: Log) -> Body:
    body: Body = {"status": "success", "value": value}
    return {**body, "logLines": log.lines} if log.lines else body
