"""`Idempotency-Key`: a mutation that is sent again answers as it did the first time, and doesn't run again.

The answer is recorded in the mutation's own transaction, so there is one exactly when its writes are there; a
mutation that failed left none and runs again. Mutations run one at a time: a second call that arrives while the
first is under way waits for it and finds its record.

Records are found by a keyed digest of the key and of what the caller showed to be itself: its session ID, and the user
of its token or else its `Authorization` header. So nobody gets another one's answer, and the file holds no keys and no
IDs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.datastructures import Headers

from pillion_server.arguments import digest_of
from pillion_server.errors import Refused
from pillion_server.identity import Identity
from pillion_server.sessions import Digests
from pillion_server.sqlite import Connection
from pillion_shared.wire import SESSION_ARG

HEADER = "idempotency-key"
KEPT_MS = 14 * 24 * 60 * 60 * 1000
"""How long an answer is kept."""

PRUNED = 1000
"""How many old answers are dropped in one transaction, at most."""

_KEY = re.compile(r'(")?([!#-\[\]-~]{16,255})(?(1)")')
_FIND = "select request, body from answers where call = ? and made > ?"
_PUT = "insert or replace into answers (call, request, body, made) values (?, ?, ?, ?)"
_OLD = "select exists (select 1 from answers where made <= ?)"
_PRUNE = "delete from answers where call in (select call from answers where made <= ? order by made limit ?)"


@dataclass(frozen=True)
class Once:
    """A call that is to be run once. call: finds its record. request: tells what was asked for. Both are digests."""

    call: str
    request: str


@dataclass(frozen=True)
class Key:
    """A key as it arrived. caller: the user of the token beside it, or the `Authorization` header, if there is one."""

    text: str
    caller: str

    def once(self, digests: Digests, path: str, args: Mapping[str, object]) -> Once:
        """The call under this key of the function at a canonical path, with decoded arguments."""
        session = args.get(SESSION_ARG)
        session = session if isinstance(session, str) else ""
        return Once(
            digests.fingerprint("call", self.text, session, self.caller),
            digests.fingerprint("request", path, digest_of(args).hex()),
        )


def key_in(headers: Headers, identity: Identity | None = None) -> Key | None:
    """The key among the headers, bare or in quotes, if there is one; raises `Refused` for what can't be one."""
    text = headers.get(HEADER)
    if text is None:
        return None
    key = _KEY.fullmatch(text.strip())
    if key is None:
        message = "An Idempotency-Key is 16 to 255 visible characters, such as a new UUID for each call."
        raise Refused(400, "BadIdempotencyKey", message)
    return Key(key[2], headers.get("authorization", "") if identity is None else identity.token_identifier)


@dataclass(frozen=True)
class RequestKey:
    """What a WebSocket's client names a mutation by: its own ID, made anew for each client object, and a number."""

    client: str = field(repr=False)
    request_id: int

    def once(self, digests: Digests, path: str, args: Mapping[str, object]) -> Once:
        """The call under this key of the function at a canonical path, with decoded arguments."""
        return Once(
            digests.fingerprint("sync", self.client, str(self.request_id)),
            digests.fingerprint("request", path, digest_of(args).hex()),
        )


class Answers:
    """The recorded answers, on one connection at one time (milliseconds)."""

    def __init__(self, connection: Connection, now: float) -> None:
        self._connection, self._now = connection, now

    def find(self, once: Once) -> str | None:
        """The answer of that call, if it has been run; raises `Refused` if the key belonged to another request."""
        row = self._connection.row(_FIND, (once.call, self._now - KEPT_MS))
        if row is None:
            return None
        request, body = row
        if request != once.request:
            message = "This key was used for another function or other arguments: take a new one."
            raise Refused(422, "IdempotencyKeyReused", message)
        return str(body)

    def put(self, once: Once, body: str) -> None:
        """Records an answer."""
        self._connection.run(_PUT, (once.call, once.request, body, self._now))

    @property
    def has_old(self) -> bool:
        """Whether there is something to prune."""
        return bool(self._connection.value(_OLD, (self._now - KEPT_MS,)))

    def prune(self) -> None:
        """Drops old answers, `PRUNED` at most."""
        self._connection.run(_PRUNE, (self._now - KEPT_MS, PRUNED))
