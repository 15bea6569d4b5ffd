"""The arguments of one call: checked as they arrive, converted when it is known which sessions their IDs open.

A session may end, or go on as another one, while a call waits for its turn. So its IDs are looked up in the
call's own transaction: arguments that hold any are converted a second time there. Wrong ones never get so far.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from pillion_server.lineage import Lineage
from pillion_server.sessions import Sessions
from pillion_server.signature import Signature
from pillion_server.strict import RegisteredSessions
from pillion_shared import encode


class Arguments:
    """Arguments for a signature: `check` them, unless an answer is kept for them, which only right ones have.

    digests: stands for the transaction while they are checked. trusted: see `Signature.convert`. strict: the sessions
    that IDs open must be registered. checked: the keywords, good as they are when no session is among them.
    """

    checked: Mapping[str, Any]

    def __init__(
        self,
        signature: Signature,
        args: Mapping[str, object],
        digests: Sessions,
        *,
        trusted: bool = False,
        strict: bool = False,
    ) -> None:
        self._signature, self._args, self._trusted, self._strict = signature, args, trusted, strict
        self._digests, self._digest = digests, cast("bytes | None", None)

    def check(self) -> None:
        """Raises `ArgumentError` when they don't fit."""
        self.checked = self._signature.convert(self._args, self._digests, trusted=self._trusted)

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
        """The keywords for the handlers, with the sessions as a transaction sees them."""
        if not self.hold_sessions:
            return self.checked
        return self._signature.convert(self._args, sessions, trusted=self._trusted)


def digest_of(args: Mapping[str, object]) -> bytes:
    """The same for equal arguments, decoded ones, however they are ordered."""
    text = msgspec.json.encode(encode(dict(args)), order="sorted")
    return hashlib.blake2b(text, digest_size=32).digest()
