"""The arguments of one call: checked as they arrive, converted when it is known which sessions their IDs open.

A session may end, or go on as another one, while a call waits for its turn. So its IDs are looked up in the
call's own transaction: the arguments that hold any are converted there. Wrong ones never get so far.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from pillion_server.lineage import Lineage
from pillion_server.sessions import Forms, Sessions
from pillion_server.signature import Signature
from pillion_server.strict import RegisteredSessions
from pillion_shared import Int64

_FORMS = Forms()
_INT64 = 1


class Arguments:
    """Arguments for a signature: `check` them, unless an answer is kept for them, which only right ones have.

    trusted: see `Signature.convert`. strict: the sessions that IDs open must be registered.
    """

    _checked: Mapping[str, Any]

    def __init__(
        self,
        signature: Signature,
        args: Mapping[str, object],
        *,
        trusted: bool = False,
        strict: bool = False,
    ) -> None:
        self._signature, self._args, self._trusted, self._strict = signature, args, trusted, strict
        self._digest: bytes | None = None

    def check(self) -> None:
        """Raises `ArgumentError` when they don't fit."""
        self._checked = self._signature.convert(self._args, _FORMS, trusted=self._trusted)

    @property
    def hold_sessions(self) -> bool:
        """Whether a session can be among them."""
        return self._signature.takes_sessions

    @property
    def untrusted(self) -> bool:
        """Whether a session among them can only have come as a raw ID."""
        return not (self._trusted and self.hold_sessions)

    @property
    def digest(self) -> bytes:
        """Stands for the arguments as they came: equal for equal ones, and tells nothing of a session's ID."""
        if self._digest is None:
            self._digest = digest_of(self._args)
        return self._digest

    def admitted(self, lineage: Lineage) -> Sessions:
        """The sessions of a transaction, for `keywords`: when they are strict, the registered ones alone."""
        return RegisteredSessions(lineage) if self._strict else lineage

    def keywords(self, sessions: Sessions) -> Mapping[str, Any]:
        """The keywords for the handlers, of checked arguments, with the sessions as a transaction sees them."""
        if not self.hold_sessions:
            return self._checked
        return {**self._checked, **self._signature.of_sessions(self._args, sessions, trusted=self._trusted)}


def digest_of(args: Mapping[str, object]) -> bytes:
    """The same for equal arguments, decoded ones, however they are ordered."""
    return hashlib.blake2b(_packed.encode(args), digest_size=32).digest()


def _of_subclass(value: object) -> object:
    if isinstance(value, Int64):
        return msgspec.msgpack.Ext(_INT64, str(int(value)).encode())
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"A {type(value).__name__} is no value of an argument.")


_packed = msgspec.msgpack.Encoder(enc_hook=_of_subclass, order="sorted")
