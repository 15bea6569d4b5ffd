"""Running a function on the database: its context, its transaction, and the answers of queries that are kept.

What a function returns leaves here as JSON text, which a kept answer is too: it is written once.
"""

import logging
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, cast
from weakref import WeakSet

import msgspec

from pillion_server.arguments import Arguments
from pillion_server.cache import Kept, Key, QueryCache
from pillion_server.call_record import CallRecord
from pillion_server.contexts import ActionCtx, MutationCtx, QueryCtx
from pillion_server.database import Database
from pillion_server.functions import Function
from pillion_server.identity import Auth, Identity
from pillion_server.instances import plain
from pillion_server.log_lines import Log
from pillion_server.registry import Registry
from pillion_server.sessions import SessionId
from pillion_server.steps import run, run_async
from pillion_server.transaction import Reading, Writing
from pillion_server.watching import WatchedSessions
from pillion_shared import decode, encode, path_of
from pillion_shared.wire import MUTATION, QUERY

_logger = logging.getLogger("pillion_server")
_json = msgspec.json.Encoder()


class _Answer(NamedTuple):
    """What a query returned, the lines that it logged, and the sessions that its call came under."""

    value: msgspec.Raw
    lines: list[str]
    sessions: tuple[str, ...]


class Execution:
    """Runs functions, and those of `registry` that actions call, on one database.

    What they return is encoded JSON, what they log goes to the `Log`, and what they raise is raised.
    doors: in strict mode, the paths of the functions that take any ID. observe: is told of each call of an action's
    when it has ended.
    """

    def __init__(
        self,
        registry: Registry,
        database: Database,
        doors: Collection[str] | None = None,
        observe: Callable[[CallRecord], None] | None = None,
    ) -> None:
        self._registry = registry
        self._observe = observe
        self._doors = doors
        self._database = database
        self._told = WeakSet[Function[..., Any]]()

    def arguments(
        self, function: Function[..., Any], args: Mapping[str, object], *, trusted: bool = False
    ) -> Arguments:
        """The arguments of a call, to be checked. trusted: see `Signature.convert`."""
        strict = self._doors is not None and function.path not in self._doors
        return Arguments(function.signature, args, trusted=trusted, strict=strict)

    def kept(self, function: Function[..., Any], arguments: Arguments, log: Log, auth: Auth) -> msgspec.Raw | None:
        """What a query has returned to the same arguments, if that holds still and it is kept."""
        if function.kind != QUERY or not arguments.untrusted:
            return None
        cache = self._database.cache
        kept = _find(cache, Key(function, arguments.digest), cache.mark(), auth)
        if kept is None:
            return None
        answer = cast("_Answer", kept.value)
        if answer.sessions:
            self._database.note_seen(answer.sessions)
        return _told_again(answer, log)

    async def run(self, function: Function[..., Any], arguments: Arguments, log: Log, auth: Auth) -> msgspec.Raw:
        """What the function returns to checked arguments. A mutation whose result can't be encoded is not committed."""
        if function.kind == QUERY:
            return await self._database.read(partial(self.query, function, arguments, log, auth), function.pace)
        if function.kind == MUTATION:
            return await self._database.write(partial(mutation, function, arguments, log, auth))
        ctx = ActionCtx(partial(self._run_inside, log, auth.caller), log, auth)
        return _written(await run_async(function, ctx, await self.keywords(arguments)))

    def query(
        self, function: Function[..., Any], arguments: Arguments, log: Log, auth: Auth, snapshot: Reading
    ) -> msgspec.Raw:
        """What a query returns in a snapshot: from the cache, or from a run that is then kept there.

        It is kept for the arguments as they came, and dropped when one of their IDs may open another session. Where
        an ID leads to a session for a time only, or a function passed a session on, it is kept for these sessions.
        It is kept for everybody unless the function asked who calls.
        """
        cache, sessions = self._database.cache, WatchedSessions(arguments.admitted(snapshot.lineage))
        keywords, names = arguments.keywords(sessions), sessions.names
        opened = tuple([name for name, _ in names])
        snapshot.lineage.asked.update(opened)
        direct = arguments.untrusted and not sessions.led_on
        key = Key(function, arguments.digest, () if direct else names)
        kept = _find(cache, key, snapshot.mark, auth)
        if kept is not None:
            snapshot.also_read(kept.reads)
            return _told_again(cast("_Answer", kept.value), log)
        value = query(function, keywords, log, auth, snapshot)
        answer = _Answer(value, log.lines, opened)
        cache.put(key._replace(caller=auth.caller) if auth.asked else key, answer, snapshot.reads, snapshot.mark)
        if names and not sessions.read and function not in self._told:
            self._told.add(function)
            _logger.warning(
                "%s took a session and did not look at it: without that argument, all sessions share one answer.",
                function.path,
            )
        return value

    async def keywords(self, arguments: Arguments) -> Mapping[str, Any]:
        """The keywords with the sessions that the IDs open now: those of an action as it starts."""
        if not arguments.hold_sessions:
            return arguments.keywords(self._database.digests)
        return await self._database.read(lambda snapshot: arguments.keywords(arguments.admitted(snapshot.lineage)))

    async def _run_inside(
        self, log: Log, identity: Identity | None, kind: str, name: object, args: Mapping[str, object]
    ) -> Any:
        """What a function returns to another one of this server; raises what it raises."""
        with self._observed(CallRecord(kind, inside=True)) as record:
            function = self._registry.find(kind, path_of(name), trusted=True)
            record.function = function.path
            given = plain(dict(args))
            encode(given)  # refuses what can't be an argument
            arguments = self.arguments(function, _copied(given), trusted=True)
            inner, auth = Log(function.path), Auth(identity)
            try:
                value = self.kept(function, arguments, inner, auth)
                if value is None:
                    arguments.check()
                    value = await self.run(function, arguments, inner, auth)
                return decode(msgspec.json.decode(value))
            finally:
                record.source = "cache" if inner.kept else "run"
                log.add(inner.lines)

    @contextmanager
    def _observed(self, record: CallRecord) -> Generator[CallRecord]:
        try:
            yield record
            record.outcome = "success"
        except Exception as error:
            record.failed(error)
            raise
        finally:
            record.end()
            if self._observe is not None:
                self._observe(record)


def query(
    function: Function[..., Any], keywords: Mapping[str, Any], log: Log, auth: Auth, snapshot: Reading
) -> msgspec.Raw:
    """What a query returns in a snapshot, without the cache."""
    log.clear()
    ctx = QueryCtx({"db": snapshot.db, "sessions": snapshot.sessions, "auth": auth, "_log": log})
    return _written(run(function, ctx, keywords))


def mutation(
    function: Function[..., Any], arguments: Arguments, log: Log, auth: Auth, transaction: Writing
) -> msgspec.Raw:
    """What a mutation returns in its transaction."""
    log.clear()
    ctx = MutationCtx({"db": transaction.db, "sessions": transaction.sessions, "auth": auth, "_log": log})
    return _written(run(function, ctx, arguments.keywords(arguments.admitted(transaction.lineage))))


def _find(cache: QueryCache, key: Key, mark: int, auth: Auth) -> Kept | None:
    """The kept answer for everybody, or else for this caller."""
    kept = cache.get(key, mark)
    if kept is None:
        kept = cache.get(key._replace(caller=auth.caller), mark)
        auth.asked = auth.asked or kept is not None
    return kept


def _written(value: object) -> msgspec.Raw:
    return msgspec.Raw(_json.encode(encode(value)))


def _told_again(kept: _Answer, log: Log) -> msgspec.Raw:
    log.clear()
    log.add(kept.lines)
    log.kept = True
    return kept.value


def _copied(value: object) -> Any:
    """A value as it would arrive over the wire, except that session IDs stay the digests they are."""
    if isinstance(value, SessionId):
        return value
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_copied(item) for item in cast("list[object]", value)]
    return decode(encode(value))
